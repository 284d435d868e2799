#version 450
// Products of a few rows of f32 with up to three matrices in blocks, with what stands around them in a transformer: an
// RMS norm of the rows before, a gate or a sum after. A workgroup is one team, whose invocations share the blocks of a
// row and add up in a fixed order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define MATRICES
#include "common/words.glsl"
#include FORMAT
#include "common/project.glsl"
shared float part[SIZE * (SUMS + (NORM ? COLS : 0u))];

// Adds up the products of the team's rows of matrix `m` (and the next, for a gate).
void products(uint m, uint row) {
    uint units = unit_count(p.k);
    for (uint t = gl_LocalInvocationID.x; t < units; t += LANES) {
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
                vec4 a, b;
                decode(row_start(m + i, row + r), t, p.k, a, b);
                [[unroll]] for (uint c = 0; c < COLS; c++) {
                    sum[(i * ROWS + r) * COLS + c] += dot(a, xa[c]) + dot(b, xb[c]);
                }
            }
        }
    }
}

// Adds up what the invocations have, and stores the results.
void finish(Place s) {
    uint lane = gl_LocalInvocationID.x;
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
        float other = part[(GATE != 0u ? ROWS * COLS + j : j) * SIZE];
        conclude(s, j / COLS, j % COLS, part[j * SIZE], other, NORM ? part[(SUMS + j % COLS) * SIZE] : 0.0);
    }
}

void main() {
    [[unroll]] for (uint i = 0; i < SUMS; i++) sum[i] = 0.0;
    [[unroll]] for (uint c = 0; c < COLS; c++) squares[c] = 0.0;
    Place s = place(first_group());
#define PRODUCTS(m) products(m, s.first)
    FOR_MATRIX(s, PRODUCTS);
    finish(s);
}
