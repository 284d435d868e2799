// f16 d; 32 fifth bits; 16 bytes: elements i in the low bits, i + 16 in the high ones. (q - 16) d
struct Piece {
    // The fifth bits, then the others.
    uint q[5];
    float d;
};
WORDS_BEHIND_HALF(5)
uint piece_count(uint k) { return k >> 5; }
void fetch(uint row, uint t, out Piece p) { behind_half(row + t * 22u, p.d, p.q); }
float product(Piece p, uint t, uint c) {
    int s = 0;
    [[unroll]] for (uint j = 0; j < 2u; j++) {
        uvec2 low = x_pair(c, t, j), high = x_pair(c, t, j + 2u), q = uvec2(p.q[2u * j + 1u], p.q[2u * j + 2u]);
        uint h = p.q[0] >> (8u * j);
        s += dot4((q.x & 0x0f0f0f0fu) | fifths(h), low.x) + dot4((q.y & 0x0f0f0f0fu) | fifths(h >> 4), low.y);
        h >>= 16;
        s += dot4(((q.x >> 4) & 0x0f0f0f0fu) | fifths(h), high.x);
        s += dot4(((q.y >> 4) & 0x0f0f0f0fu) | fifths(h >> 4), high.y);
    }
    vec2 x = x_scales[c * RUNS + t];
    return p.d * (x.x * float(s) - 16.0 * x.y);
}
