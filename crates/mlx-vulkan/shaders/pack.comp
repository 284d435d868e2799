#version 450
// Rows of f32 as f16 for cooperative matrices: each is scaled by a power of two so that its greatest magnitude lies in
// [1, 2), and filled up with zeros to STRIDE elements. A workgroup packs one row.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/math.glsl"
layout(local_size_x_id = 0) in;
#include "common/group.glsl"
// Rows are whole runs of 16 bytes.
layout(constant_id = 1) const bool WIDE = false;
layout(set = 0, binding = 0) readonly buffer Rows { float x_floats[]; };
layout(set = 0, binding = 0) readonly buffer Fours { vec4 x_fours[]; };
layout(set = 0, binding = 1) writeonly buffer Packed { uint out_words[]; };
layout(set = 0, binding = 1) writeonly buffer PackedFours { uvec2 out_fours[]; };
// What each row must be multiplied with afterwards.
layout(set = 0, binding = 2) writeonly buffer Scales { float scales[]; };
layout(push_constant) uniform Push {
    uint x_first;  // element
    uint out_first;  // word
    uint scale_first;
    uint k;
    uint stride;   // elements, a multiple of two
    uint rows;
} p;

void main() {
    uint row = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    bool live = row < p.rows;
    uint lane = gl_LocalInvocationID.x, from = p.x_first + row * p.k, to = p.out_first + row * (p.stride >> 1);
    float most = 0.0;
    if (WIDE) {
        for (uint i = lane; live && i < p.k / 4u; i += gl_WorkGroupSize.x) {
            vec4 x = abs(x_fours[from / 4u + i]);
            [[unroll]] for (uint j = 0; j < 4u; j++) most = x[j] > most ? x[j] : most;
        }
    } else {
        for (uint i = lane; live && i < p.k; i += gl_WorkGroupSize.x) {
            float x = abs(x_floats[from + i]);
            most = x > most ? x : most;
        }
    }
    // Infinity and zero have no power of two; NaN is passed over and stays in its element.
    uint exponent = floatBitsToUint(group_max(most)) >> 23;
    exponent = exponent == 0u || exponent > 253u ? 127u : exponent;
    float down = uintBitsToFloat((254u - exponent) << 23);
    if (!live) return;
    if (lane == 0u) scales[p.scale_first + row] = uintBitsToFloat(exponent << 23);
    if (WIDE) {
        for (uint i = lane; i < p.stride / 4u; i += gl_WorkGroupSize.x) {
            vec4 x = i < p.k / 4u ? x_fours[from / 4u + i] * down : vec4(0.0);
            out_fours[to / 2u + i] = uvec2(packHalf2x16(x.xy), packHalf2x16(x.zw));
        }
        return;
    }
    for (uint i = lane * 2u; i < p.stride; i += gl_WorkGroupSize.x * 2u) {
        vec2 x = vec2(i < p.k ? x_floats[from + i] : 0.0, i + 1u < p.k ? x_floats[from + i + 1u] : 0.0);
        out_words[to + (i >> 1)] = packHalf2x16(x * down);
    }
}
