// f16 d; 32 fifth bits; 16 bytes: elements i in the low bits, i + 16 in the high ones. (q - 16) d
const float LESS = 16.0;
WORDS_BEHIND_HALF(5)
void run_bytes(uint row, uint t, out uint b[8], out vec2 scale, out float plus) {
    float d;
    uint q[5];
    behind_half(row + t * 22u, d, q);
    [[unroll]] for (uint i = 0; i < 4u; i++) {
        b[i] = (q[i + 1u] & 0x0f0f0f0fu) | fifths(q[0] >> (4u * i));
        b[i + 4u] = ((q[i + 1u] >> 4) & 0x0f0f0f0fu) | fifths(q[0] >> (16u + 4u * i));
    }
    scale = vec2(d);
    plus = 0.0;
}
