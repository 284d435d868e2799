#version 450
// Products of a few rows of f32 with weights in blocks: a workgroup computes ROWS weight rows by COLS activations, its
// invocations share the blocks of a row and add up in a fixed order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/words.glsl"
#include FORMAT
#include "common/block_push.glsl"
layout(constant_id = 1) const uint ROWS = 2;
layout(constant_id = 2) const uint COLS = 1;
shared float part[gl_WorkGroupSize.x * ROWS * COLS];

void main() {
    uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x;
    uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * ROWS;
    float sum[ROWS * COLS];
    [[unroll]] for (uint i = 0; i < ROWS * COLS; i++) sum[i] = 0.0;
    uint units = unit_count(p.k);
    for (uint t = lane; t < units; t += size) {
        uvec2 at = places(t);
        vec4 xa[COLS], xb[COLS];
        [[unroll]] for (uint c = 0; c < COLS; c++) {
            xa[c] = activations(c, at.x);
            xb[c] = activations(c, at.y);
        }
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            // Rows beyond the last are computed as the last and not stored.
            vec4 a, b;
            decode(p.w_first + min(first + r, p.n - 1u) * p.w_row, t, p.k, a, b);
            [[unroll]] for (uint c = 0; c < COLS; c++) sum[r * COLS + c] += dot(a, xa[c]) + dot(b, xb[c]);
        }
    }
    [[unroll]] for (uint i = 0; i < ROWS * COLS; i++) part[i * size + lane] = sum[i];
    barrier();
    for (uint half_size = size >> 1; half_size > 0u; half_size >>= 1) {
        for (uint j = lane; j < half_size * ROWS * COLS; j += size) {
            uint at = j / half_size * size + j % half_size;
            part[at] += part[at + half_size];
        }
        barrier();
    }
    for (uint j = lane; j < ROWS * COLS; j += size) {
        uint row = first + j / COLS, column = j % COLS;
        if (row < p.n) out_floats[p.out_first + column * p.n + row] = part[j * size];
    }
}
