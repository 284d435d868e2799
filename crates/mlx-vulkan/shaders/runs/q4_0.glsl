// f16 d; 16 bytes: elements i in the low bits, i + 16 in the high ones. (q - 8) d
const float LESS = 8.0;
WORDS_BEHIND_HALF(4)
void run_bytes(uint row, uint t, out uint b[8], out vec2 scale, out float plus) {
    float d;
    uint q[4];
    behind_half(row + t * 18u, d, q);
    [[unroll]] for (uint i = 0; i < 4u; i++) {
        b[i] = q[i] & 0x0f0f0f0fu;
        b[i + 4u] = (q[i] >> 4) & 0x0f0f0f0fu;
    }
    scale = vec2(d);
    plus = 0.0;
}
