#version 450
// Products of many rows of f32 with weights in blocks: a workgroup of 128 computes 64 weight rows by 64 activations.
// Each invocation decodes one unit of eight weights into shared memory and brings the activations at the same places.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common/words.glsl"
#include FORMAT
#include "common/block_push.glsl"
const uint TILE = 64, UNITS = 2, STRIDE = TILE + 4;
const uint DOWN = 8, ACROSS = 4;
shared float ws[UNITS * 8 * STRIDE];
shared float xs[UNITS * 8 * STRIDE];

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint tiles = (p.n + TILE - 1u) / TILE;
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint row0 = group % tiles * TILE, x0 = group / tiles * TILE;
    uint mine = lane % TILE, unit = lane / TILE;
    uint row = p.w_first + min(row0 + mine, p.n - 1u) * p.w_row, x_row = min(x0 + mine, p.m - 1u);
    uint down = lane / 16u * DOWN, across = lane % 16u * ACROSS;
    float sum[DOWN * ACROSS];
    [[unroll]] for (uint i = 0; i < DOWN * ACROSS; i++) sum[i] = 0.0;
    uint units = unit_count(p.k);
    for (uint t0 = 0; t0 < units; t0 += UNITS) {
        uint t = t0 + unit;
        vec4 a = vec4(0.0), b = vec4(0.0), xa = vec4(0.0), xb = vec4(0.0);
        if (t < units) {
            uvec2 at = places(t);
            decode(row, t, p.k, a, b);
            xa = activations(x_row, at.x);
            xb = activations(x_row, at.y);
        }
        [[unroll]] for (uint j = 0; j < 4u; j++) {
            uint at = (unit * 8u + j) * STRIDE + mine;
            ws[at] = a[j];
            ws[at + 4u * STRIDE] = b[j];
            xs[at] = xa[j];
            xs[at + 4u * STRIDE] = xb[j];
        }
        barrier();
        for (uint s = 0; s < UNITS * 8u; s++) {
            float w[ACROSS];
            [[unroll]] for (uint i = 0; i < ACROSS; i++) w[i] = ws[s * STRIDE + across + i];
            [[unroll]] for (uint j = 0; j < DOWN; j++) {
                float x = xs[s * STRIDE + down + j];
                [[unroll]] for (uint i = 0; i < ACROSS; i++) sum[j * ACROSS + i] += x * w[i];
            }
        }
        barrier();
    }
    [[unroll]] for (uint j = 0; j < DOWN; j++) {
        [[unroll]] for (uint i = 0; i < ACROSS; i++) {
            uint r = x0 + down + j, c = row0 + across + i;
            if (r < p.m && c < p.n) out_floats[p.out_first + r * p.n + c] = sum[j * ACROSS + i];
        }
    }
}
