// f16 d, f16 dmin; 12 bytes of scales; four times 32 bytes: one run in the low bits, the next in the high ones.
#include "../common/k_scales.glsl"
const float LESS = 0.0;
void run_bytes(uint row, uint t, out uint b[8], out vec2 scale, out float plus) {
    uint at = row + (t >> 3) * 144u, j = t & 7u, high = (j & 1u) * 4u;
    uvec4 head = sixteen(at);
    uvec4 first = sixteen(at + 16u + (j >> 1) * 32u), second = sixteen(at + 32u + (j >> 1) * 32u);
    first = (first >> high) & 0x0f0f0f0fu;
    second = (second >> high) & 0x0f0f0f0fu;
    [[unroll]] for (uint i = 0; i < 4u; i++) {
        b[i] = first[i];
        b[i + 4u] = second[i];
    }
    vec2 scales, least;
    k_scales(head.y, head.z, head.w, j & 6u, scales, least);
    scale = vec2(((j & 1u) == 0u ? scales.x : scales.y) * half_value(head.x & 0xffffu));
    plus = ((j & 1u) == 0u ? least.x : least.y) * -half_value(head.x >> 16);
}
