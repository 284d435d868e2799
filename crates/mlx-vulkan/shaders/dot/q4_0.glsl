// f16 d; 16 bytes: elements i in the low bits, i + 16 in the high ones. (q - 8) d
struct Piece {
    uint q[4];
    float d;
};
WORDS_BEHIND_HALF(4)
uint piece_count(uint k) { return k >> 5; }
void fetch(uint row, uint t, out Piece p) { behind_half(row + t * 18u, p.d, p.q); }
float product(Piece p, uint t, uint c) {
    int s = 0;
    [[unroll]] for (uint j = 0; j < 2u; j++) {
        uvec2 low = x_pair(c, t, j), high = x_pair(c, t, j + 2u), q = uvec2(p.q[2u * j], p.q[2u * j + 1u]);
        s += dot4(q.x & 0x0f0f0f0fu, low.x) + dot4(q.y & 0x0f0f0f0fu, low.y);
        s += dot4((q.x >> 4) & 0x0f0f0f0fu, high.x) + dot4((q.y >> 4) & 0x0f0f0f0fu, high.y);
    }
    vec2 x = x_scales[c * RUNS + t];
    return p.d * (x.x * float(s) - 8.0 * x.y);
}
