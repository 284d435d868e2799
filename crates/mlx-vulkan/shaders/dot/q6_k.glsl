// Low bits: two halves of 64 bytes; high bits: two halves of 32; 16 signed scales; f16 d. (q - 32) scale d
// A piece is eight elements of each of the four runs of a half.
struct Piece {
    uvec2 low[2];
    uvec2 high;
    vec4 scales;
};
uint piece_count(uint k) { return k >> 5; }
void fetch(uint row, uint t, out Piece p) {
    uint at = row + (t >> 3) * 210u, half_block = (t >> 2) & 1u, l = (t & 3u) * 8u;
    p.low[0] = even_pair(at + half_block * 64u + l);
    p.low[1] = even_pair(at + half_block * 64u + 32u + l);
    p.high = even_pair(at + 128u + half_block * 32u + l);
    uvec2 s = even_pair(at + 192u + half_block * 8u) >> (t & 2u) * 4u;
    float d = half_value(bytes2(at + 208u));
    p.scales = d * vec4((ivec4(s.x, s.x, s.y, s.y) << ivec4(24, 8, 24, 8)) >> 24);
}
// q - 32 in each byte: q is below 64, so the high bit keeps the bytes apart.
uint less_32(uint q) { return ((q | 0x80808080u) - 0x20202020u) ^ 0x80808080u; }
float product(Piece p, uint t, uint c) {
    float y = 0.0;
    [[unroll]] for (uint r = 0; r < 4u; r++) {
        uvec2 q = (p.low[r & 1u] >> (r >> 1) * 4u) & 0x0f0f0f0fu, h = (p.high >> (2u * r)) & 0x03030303u;
        q |= h << 4;
        uint run = (t >> 2) * 4u + r;
        uvec2 x = x_pair(c, run, t & 3u);
        int s = dot4(less_32(q.x), x.x) + dot4(less_32(q.y), x.y);
        y += p.scales[r] * x_scales[c * RUNS + run].x * float(s);
    }
    return y;
}
