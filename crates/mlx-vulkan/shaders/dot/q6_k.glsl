// Low bits: two halves of 64 bytes; high bits: two halves of 32; 16 signed scales; f16 d. (q - 32) scale d
// A piece is eight elements of each of the four runs of a half.
struct Piece {
    // As they lie: nothing is done with them before they are used, so that they need not be there sooner.
    Pair low[2];
    Pair high;
    Pair scales;
    uint d;
    uint at;
};
uint run_place(uint run) { return run; }
uint piece_count(uint k) { return k >> 5; }
void fetch(uint row, uint t, out Piece p) {
    uint at = row + (t >> 3) * 210u, half_block = (t >> 2) & 1u, l = (t & 3u) * 8u;
    p.low[0] = fetch_pair(at + half_block * 64u + l);
    p.low[1] = fetch_pair(at + half_block * 64u + 32u + l);
    p.high = fetch_pair(at + 128u + half_block * 32u + l);
    p.scales = fetch_pair(at + 192u + half_block * 8u);
    p.d = weight_word((at + 208u) >> 2);
    // All places differ by multiples of four.
    p.at = at;
}
// q - 32 in each byte: q is below 64, so the high bit keeps the bytes apart.
uint less_32(uint q) { return ((q | 0x80808080u) - 0x20202020u) ^ 0x80808080u; }
float product(Piece p, uint t, uint c) {
    float y = 0.0;
    uvec2 low[2] = uvec2[2](pair_at(p.low[0], p.at), pair_at(p.low[1], p.at)), high = pair_at(p.high, p.at);
    uvec2 all = pair_at(p.scales, p.at) >> (t & 2u) * 4u;
    vec4 scales = vec4((ivec4(all.x, all.x, all.y, all.y) << ivec4(24, 8, 24, 8)) >> 24);
    scales *= half_value((p.at & 2u) != 0u ? p.d >> 16 : p.d & 0xffffu);
    [[unroll]] for (uint r = 0; r < 4u; r++) {
        uvec2 q = (low[r & 1u] >> (r >> 1) * 4u) & 0x0f0f0f0fu, h = (high >> (2u * r)) & 0x03030303u;
        q |= h << 4;
        uint run = (t >> 2) * 4u + r;
        uvec2 x = x_pair(c, run, t & 3u);
        int s = dot4(less_32(q.x), x.x) + dot4(less_32(q.y), x.y);
        y += scales[r] * x_scale(c, run).x * float(s);
    }
    return y;
}
