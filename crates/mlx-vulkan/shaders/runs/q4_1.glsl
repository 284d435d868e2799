// f16 d, f16 m; 16 bytes: elements i in the low bits, i + 16 in the high ones. q d + m
const float LESS = 0.0;
void run_bytes(uint row, uint t, out uint b[8], out vec2 scale, out float plus) {
    uint at = (row >> 2) + t * 5u, dm = weight_word(at);
    [[unroll]] for (uint i = 0; i < 4u; i++) {
        uint q = weight_word(at + 1u + i);
        b[i] = q & 0x0f0f0f0fu;
        b[i + 4u] = (q >> 4) & 0x0f0f0f0fu;
    }
    scale = vec2(half_value(dm & 0xffffu));
    plus = half_value(dm >> 16);
}
