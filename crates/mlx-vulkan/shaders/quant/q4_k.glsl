// f16 d, f16 dmin; 12 bytes of scales; four times 32 bytes: one run in the low bits, the next in the high ones.
#include "../common/k_scales.glsl"
uint unit_count(uint k) { return k >> 3; }
uvec2 places(uint t) { return uvec2((t >> 3) * 64u + (t & 7u) * 4u) + uvec2(0, 32); }
void decode(uint row, uint t, uint k, out vec4 a, out vec4 b) {
    uint at = row + (t >> 5) * 144u, u = t & 31u;
    uint dm = bytes4(at);
    vec2 scale, least;
    k_scales(bytes4(at + 4u), bytes4(at + 8u), bytes4(at + 12u), (u >> 3) * 2u, scale, least);
    scale *= half_value(dm & 0xffffu);
    least *= half_value(dm >> 16);
    uint q = bytes4(at + 16u + u * 4u);
    a = vec4(split(q & 0x0f0f0f0fu)) * scale.x - least.x;
    b = vec4(split((q >> 4) & 0x0f0f0f0fu)) * scale.y - least.y;
}
