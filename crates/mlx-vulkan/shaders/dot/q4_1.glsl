// f16 d, f16 m; 16 bytes: elements i in the low bits, i + 16 in the high ones. q d + m
struct Piece {
    uint q[4];
    uint dm;
};
uint run_place(uint run) { return run; }
uint piece_count(uint k) { return k >> 5; }
void fetch(uint row, uint t, out Piece p) {
    uint i = (row >> 2) + t * 5u;
    p.dm = weight_word(i);
    [[unroll]] for (uint j = 0; j < 4u; j++) p.q[j] = weight_word(i + 1u + j);
}
float product(Piece p, uint t, uint c) {
    int s = 0;
    [[unroll]] for (uint j = 0; j < 2u; j++) {
        uvec2 low = x_pair(c, t, j), high = x_pair(c, t, j + 2u), q = uvec2(p.q[2u * j], p.q[2u * j + 1u]);
        s += dot4(q.x & 0x0f0f0f0fu, low.x) + dot4(q.y & 0x0f0f0f0fu, low.y);
        s += dot4((q.x >> 4) & 0x0f0f0f0fu, high.x) + dot4((q.y >> 4) & 0x0f0f0f0fu, high.y);
    }
    vec2 x = x_scale(c, t);
    return half_value(p.dm & 0xffffu) * x.x * float(s) + half_value(p.dm >> 16) * x.y;
}
