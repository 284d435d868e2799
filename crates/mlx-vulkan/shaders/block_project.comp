#version 450
// Products of a few rows of f32 with up to three matrices in blocks, with what stands around them in a transformer: an
// RMS norm of the rows before, a gate or a sum after. A workgroup computes ROWS weight rows by COLS activations; its
// invocations share the blocks of a row and add up in a fixed order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define MATRICES
#include "common/words.glsl"
#include FORMAT
#include "common/math.glsl"
layout(constant_id = 1) const uint ROWS = 2;
layout(constant_id = 2) const uint COLS = 1;
layout(constant_id = 3) const uint COUNT = 1;      // matrices
layout(constant_id = 4) const uint GATE = 0;       // 1 silu, 2 gelu: of two matrices the first, times the second
layout(constant_id = 5) const bool NORM = false;
layout(constant_id = 6) const bool ADD = false;
layout(set = 0, binding = 3) readonly buffer Activations { float x_floats[]; };
// Bound to the activations where they are not used; results to the first.
layout(set = 0, binding = 4) readonly buffer Norm { float norm_floats[]; };
layout(set = 0, binding = 5) readonly buffer Added { float added_floats[]; };
layout(set = 0, binding = 6) writeonly buffer Product0 { float out_floats0[]; };
layout(set = 0, binding = 7) writeonly buffer Product1 { float out_floats1[]; };
layout(set = 0, binding = 8) writeonly buffer Product2 { float out_floats2[]; };
layout(push_constant) uniform Push {
    uint w_first[3];    // bytes
    uint n[3];          // rows of the matrices
    uint out_first[3];  // elements, as the three below
    uint x_first;
    uint norm_first;
    uint added_first;
    uint w_row;         // bytes
    uint k;
    float eps;
} p;

const uint SIZE = gl_WorkGroupSize.x;
// Of a gate both factors are computed at once.
const uint BOTH = GATE != 0u ? 2 : 1;
const uint SUMS = BOTH * ROWS * COLS;
shared float part[SIZE * (SUMS + (NORM ? COLS : 0u))];
float sum[SUMS];
float squares[COLS];

// Four activations of row `c`, none beyond the row.
vec4 activations(uint c, uint i) {
    uint at = p.x_first + c * p.k + i;
#ifdef RAGGED
    return vec4(i < p.k ? x_floats[at] : 0.0, i + 1u < p.k ? x_floats[at + 1u] : 0.0,
                i + 2u < p.k ? x_floats[at + 2u] : 0.0, i + 3u < p.k ? x_floats[at + 3u] : 0.0);
#else
    return vec4(x_floats[at], x_floats[at + 1u], x_floats[at + 2u], x_floats[at + 3u]);
#endif
}
vec4 norm_weights(uint i) {
    uint at = p.norm_first + i;
#ifdef RAGGED
    // What lies beyond is multiplied by zeros.
    uint end = p.norm_first + p.k - 1u;
    return vec4(norm_floats[min(at, end)], norm_floats[min(at + 1u, end)], norm_floats[min(at + 2u, end)],
                norm_floats[min(at + 3u, end)]);
#else
    return vec4(norm_floats[at], norm_floats[at + 1u], norm_floats[at + 2u], norm_floats[at + 3u]);
#endif
}

// Adds up the products of rows `row` on of matrix `m` (and the next, for a gate).
void products(uint m, uint row) {
    uint units = unit_count(p.k);
    for (uint t = gl_LocalInvocationID.x; t < units; t += SIZE) {
        uvec2 at = places(t);
        vec4 xa[COLS], xb[COLS];
        [[unroll]] for (uint c = 0; c < COLS; c++) {
            xa[c] = activations(c, at.x);
            xb[c] = activations(c, at.y);
        }
        if (NORM) {
            vec4 na = norm_weights(at.x), nb = norm_weights(at.y);
            [[unroll]] for (uint c = 0; c < COLS; c++) {
                squares[c] += dot(xa[c], xa[c]) + dot(xb[c], xb[c]);
                xa[c] *= na;
                xb[c] *= nb;
            }
        }
        [[unroll]] for (uint i = 0; i < BOTH; i++) {
            matrix = m + i;
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                // Rows beyond the last are computed as the last and not stored.
                vec4 a, b;
                decode(p.w_first[m + i] + min(row + r, p.n[m + i] - 1u) * p.w_row, t, p.k, a, b);
                [[unroll]] for (uint c = 0; c < COLS; c++) {
                    sum[(i * ROWS + r) * COLS + c] += dot(a, xa[c]) + dot(b, xb[c]);
                }
            }
        }
    }
}

void store(uint m, uint at, float y) {
    if (m == 0u) out_floats0[p.out_first[0] + at] = y;
    else if (m == 1u) out_floats1[p.out_first[1] + at] = y;
    else out_floats2[p.out_first[2] + at] = y;
}

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    [[unroll]] for (uint i = 0; i < SUMS; i++) sum[i] = 0.0;
    [[unroll]] for (uint c = 0; c < COLS; c++) squares[c] = 0.0;
    // Which matrix: those with more rows have more workgroups.
    uint m = 0u;
    if (GATE == 0u && COUNT > 1u) {
        uint groups = (p.n[0] + ROWS - 1u) / ROWS;
        if (group >= groups) {
            m = 1u;
            group -= groups;
            groups = (p.n[1] + ROWS - 1u) / ROWS;
            if (COUNT > 2u && group >= groups) {
                m = 2u;
                group -= groups;
            }
        }
    }
    uint first = group * ROWS;
    if (COUNT < 2u || GATE != 0u || m == 0u) products(0u, first);
    else if (COUNT < 3u || m == 1u) products(1u, first);
    else products(2u, first);
    [[unroll]] for (uint i = 0; i < SUMS; i++) part[i * SIZE + lane] = sum[i];
    if (NORM) {
        [[unroll]] for (uint c = 0; c < COLS; c++) part[(SUMS + c) * SIZE + lane] = squares[c];
    }
    const uint all = SUMS + (NORM ? COLS : 0u);
    barrier();
    for (uint h = SIZE >> 1; h > 0u; h >>= 1) {
        for (uint j = lane; j < h * all; j += SIZE) {
            uint at = j / h * SIZE + j % h;
            part[at] += part[at + h];
        }
        barrier();
    }
    for (uint j = lane; j < ROWS * COLS; j += SIZE) {
        uint row = first + j / COLS, c = j % COLS;
        float y = part[j * SIZE], other = part[(GATE != 0u ? ROWS * COLS + j : 0u) * SIZE];
        if (NORM) {
            float factor = 1.0 / sqrt(part[(SUMS + c) * SIZE] / float(p.k) + p.eps);
            y *= factor;
            other *= factor;
        }
        if (GATE != 0u) {
            float inner = GATE == 1u ? y : y * (y * y * 0.0713548162726 + 1.59576912161);
            y = y / (1.0 + exp_near(-inner)) * other;
        }
        uint rows = m == 0u ? p.n[0] : m == 1u ? p.n[1] : p.n[2];
        if (row < rows) {
            uint at = c * rows + row;
            if (ADD) y += added_floats[p.added_first + at];
            store(m, at, y);
        }
    }
}
