// As q4_k, with 32 bytes of fifth bits (bit j of a byte: run j) before the runs.
#include "../common/k_scales.glsl"
uint unit_count(uint k) { return k >> 3; }
uvec2 places(uint t) { return uvec2((t >> 3) * 64u + (t & 7u) * 4u) + uvec2(0, 32); }
void decode(uint row, uint t, uint k, out vec4 a, out vec4 b) {
    uint at = row + (t >> 5) * 176u, u = t & 31u, j = (u >> 3) * 2u;
    uint dm = bytes4(at);
    vec2 scale, least;
    k_scales(bytes4(at + 4u), bytes4(at + 8u), bytes4(at + 12u), j, scale, least);
    scale *= half_value(dm & 0xffffu);
    least *= half_value(dm >> 16);
    uint h = bytes4(at + 16u + (u & 7u) * 4u) >> j, q = bytes4(at + 48u + u * 4u);
    a = vec4(split((q & 0x0f0f0f0fu) | ((h & 0x01010101u) << 4))) * scale.x - least.x;
    b = vec4(split(((q >> 4) & 0x0f0f0f0fu) | ((h & 0x02020202u) << 3))) * scale.y - least.y;
}
