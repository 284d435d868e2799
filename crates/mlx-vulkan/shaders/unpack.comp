#version 450
// Rows of weights in blocks as f16: an invocation unpacks a run of 32. Rows are aligned as common/runs.glsl wants them.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/words.glsl"
#include "common/runs.glsl"
#include FORMAT
layout(set = 0, binding = 1) writeonly buffer Unpacked { uvec4 out_eights[]; };
layout(push_constant) uniform Push {
    uint w_first;    // byte
    uint w_row;      // bytes
    uint out_first;  // eights
    uint runs;       // of a row
    uint rows;
} p;

// What a workgroup unpacks, so that it is stored by neighbours; a run takes five places, which spreads it over the banks.
shared uvec4 stage[gl_WorkGroupSize.x * 5];

void main() {
    uint t = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x, all = p.runs * p.rows;
    uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * size, i = min(first + t, all - 1u);
    uint row = p.w_first + i / p.runs * p.w_row, run = i % p.runs;
#ifdef PLAIN
    [[unroll]] for (uint j = 0; j < 4u; j++) stage[t * 5u + j] = eight(weight_vector((row >> 4) + run * 4u + j));
#else
    uint b[8];
    vec2 scale;
    float plus;
    run_bytes(row, run, b, scale, plus);
    [[unroll]] for (uint j = 0; j < 4u; j++) {
        float by = j < 2u ? scale.x : scale.y;
        vec4 low = vec4(split(b[2u * j])), high = vec4(split(b[2u * j + 1u]));
        low = (low - LESS) * by + plus;
        high = (high - LESS) * by + plus;
        stage[t * 5u + j] =
            uvec4(packHalf2x16(low.xy), packHalf2x16(low.zw), packHalf2x16(high.xy), packHalf2x16(high.zw));
    }
#endif
    barrier();
    [[unroll]] for (uint j = 0; j < 4u; j++) {
        uint at = j * size + t;
        if (first * 4u + at < all * 4u) out_eights[p.out_first + first * 4u + at] = stage[at / 4u * 5u + at % 4u];
    }
}
