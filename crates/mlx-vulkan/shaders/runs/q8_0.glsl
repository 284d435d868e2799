// f16 d; 32 signed bytes. q d
const float LESS = 128.0;
WORDS_BEHIND_HALF(8)
void run_bytes(uint row, uint t, out uint b[8], out vec2 scale, out float plus) {
    float d;
    behind_half(row + t * 34u, d, b);
    // From 0 on.
    [[unroll]] for (uint i = 0; i < 8u; i++) b[i] ^= 0x80808080u;
    scale = vec2(d);
    plus = 0.0;
}
