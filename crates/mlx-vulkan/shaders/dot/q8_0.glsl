// f16 d; 32 signed bytes. q d
struct Piece {
    uint q[8];
    float d;
};
WORDS_BEHIND_HALF(8)
uint piece_count(uint k) { return k >> 5; }
void fetch(uint row, uint t, out Piece p) { behind_half(row + t * 34u, p.d, p.q); }
float product(Piece p, uint t, uint c) {
    int s = 0;
    [[unroll]] for (uint j = 0; j < 4u; j++) {
        uvec2 x = x_pair(c, t, j);
        s += dot4(p.q[2u * j], x.x) + dot4(p.q[2u * j + 1u], x.y);
    }
    return p.d * x_scales[c * RUNS + t].x * float(s);
}
