// As q4_k, with 32 bytes of fifth bits (bit j of a byte: run j) before the runs.
#include "../common/k_scales.glsl"
// Two runs.
struct Piece {
    uvec4 head;  // d, dmin and scales of the block
    uvec4 q[2];
    uvec4 h[2];
};
uint run_place(uint run) { return two_apart(run); }
uint piece_count(uint k) { return k >> 6; }
void fetch(uint row, uint t, out Piece p) {
    uint at = row + (t >> 2) * 176u, j = t & 3u;
    p.head = sixteen(at);
    p.q[0] = sixteen(at + 48u + j * 32u);
    p.q[1] = sixteen(at + 48u + 16u + j * 32u);
    p.h[0] = sixteen(at + 16u) >> (j * 2u);
    p.h[1] = sixteen(at + 32u) >> (j * 2u);
}
float product(Piece p, uint t, uint c) {
    vec2 scale, least;
    k_scales(p.head.y, p.head.z, p.head.w, (t & 3u) * 2u, scale, least);
    scale *= half_value(p.head.x & 0xffffu);
    least *= half_value(p.head.x >> 16);
    int first = 0, second = 0;
    [[unroll]] for (uint j = 0; j < 4u; j++) {
        uvec4 all = p.q[j >> 1];
        uvec2 q = (j & 1u) == 0u ? all.xy : all.zw;
        uvec2 low = q & 0x0f0f0f0fu, high = (q >> 4) & 0x0f0f0f0fu;
        uvec4 fifths = p.h[j >> 1];
        uvec2 h = (j & 1u) == 0u ? fifths.xy : fifths.zw;
        low |= (h & 0x01010101u) << 4;
        high |= (h & 0x02020202u) << 3;
        uvec2 x = x_pair(c, t * 2u, j), y = x_pair(c, t * 2u + 1u, j);
        first += dot4(low.x, x.x) + dot4(low.y, x.y);
        second += dot4(high.x, y.x) + dot4(high.y, y.y);
    }
    vec2 x = x_scale(c, t * 2u), y = x_scale(c, t * 2u + 1u);
    return scale.x * x.x * float(first) - least.x * x.y + scale.y * y.x * float(second) - least.y * y.y;
}
