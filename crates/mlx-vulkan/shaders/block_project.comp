#version 450
// Products of a few rows of f32 with up to three matrices in blocks, with what stands around them in a transformer: an
// RMS norm of the rows before, a gate or a sum after. The invocations of a team share the blocks of a row.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define MATRICES
#include "common/words.glsl"
#include FORMAT
#include "common/project.glsl"

// Adds up the products of the team's rows of matrix `m` (and the next, for a gate).
void products(uint m, uint row) {
    uint units = unit_count(p.k);
    for (uint t = gl_LocalInvocationID.x % LANES; t < units; t += LANES) {
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

void main() {
    [[unroll]] for (uint i = 0; i < SUMS; i++) sum[i] = 0.0;
    [[unroll]] for (uint c = 0; c < COLS; c++) squares[c] = 0.0;
    Place s = place();
    uint row = s.first + gl_LocalInvocationID.x / LANES * ROWS;
#define PRODUCTS(m) products(m, row)
    FOR_MATRIX(s, PRODUCTS);
    finish(s);
}
