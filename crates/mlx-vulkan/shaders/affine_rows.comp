#version 450
// Products of a few rows with a matrix (n, k) in MLX's affine quantization: a workgroup computes COLUMNS columns of all
// m = ROWS rows, its invocations share the terms, 32 at a time, and add up in a fixed order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define AFFINE
#include ELEMENT
#include "common/product.glsl"
#include "common/affine.glsl"
layout(constant_id = 8) const uint COLUMNS = 2;
layout(constant_id = 9) const uint ROWS = 1;
const uint SIZE = gl_WorkGroupSize.x;
shared float part[SIZE * ROWS * COLUMNS];

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint across = (p.n + COLUMNS - 1u) / COLUMNS, rest = group_index() / across;
    uint first = group_index() % across * COLUMNS;
    bool live = rest < p.batches * p.parts;
    rest = min(rest, p.batches * p.parts - 1u);
    Share s = share(rest % p.batches, rest / p.batches);
    float sum[ROWS * COLUMNS];
    [[unroll]] for (uint i = 0; i < ROWS * COLUMNS; i++) sum[i] = 0.0;
    for (uint k = s.first + lane * 32u; k < s.end; k += SIZE * 32u) {
        uvec2 codes[COLUMNS * 4];
        vec2 side[COLUMNS];
        // Columns beyond the last are computed as the last and not stored.
        [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
            uint row = s.b + min(first + j, p.n - 1u), group = row * (p.k / GROUP) + k / GROUP;
            uint words[BITS], from = p.b_first + (row * (p.k / 32u) + k / 32u) * BITS;
            // As wide as every 32 codes are aligned.
            const uint WIDTH = !B_WIDE ? 1u : BITS % 4u == 0u ? 4u : BITS % 2u == 0u ? 2u : 1u;
            [[unroll]] for (uint w = 0; w < BITS; w += WIDTH) {
                uvec4 v = uvec4(0);
                if (WIDTH == 4u) v = code_vectors[(from + w) / 4u];
                else if (WIDTH == 2u) v.xy = code_pairs[(from + w) / 2u];
                else v.x = code_words[from + w];
                [[unroll]] for (uint i = 0; i < WIDTH; i++) words[w + i] = v[i];
            }
            [[unroll]] for (uint q = 0; q < 4u; q++) {
                uint w = q * BITS / 4u, at = q * BITS * 8u & 31u;
                uint low = words[w], high = at + 8u * BITS > 32u ? words[min(w + 1u, BITS - 1u)] : 0u;
                codes[j * 4 + q] = at == 0u ? uvec2(low, high) : uvec2((low >> at) | (high << (32u - at)), high >> at);
            }
            side[j] = vec2(scale_of(group), bias_of(group));
        }
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            vec4 x[8];
            float all = 0.0, dots[COLUMNS];
            [[unroll]] for (uint q = 0; q < 32u / CHUNK; q++) {
                vec4 low, high;
                unpack(a_chunk(s.a + i * p.a_m + (k + q * CHUNK) * p.a_k, CHUNK), low, high);
                x[q * (CHUNK / 4)] = low;
                if (CHUNK == 8) x[q * (CHUNK / 4) + CHUNK / 8] = high;
            }
            [[unroll]] for (uint q = 0; q < 8u; q++) all += dot(x[q], vec4(1.0));
            [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
                dots[j] = 0.0;
                [[unroll]] for (uint q = 0; q < 4u; q++) {
                    vec4 low, high;
                    eight_codes(codes[j * 4 + q], low, high);
                    dots[j] += dot(low, x[q * 2]) + dot(high, x[q * 2 + 1]);
                }
                sum[i * COLUMNS + j] += side[j].x * dots[j] + side[j].y * all;
            }
        }
    }
    [[unroll]] for (uint i = 0; i < ROWS * COLUMNS; i++) part[i * SIZE + lane] = sum[i];
    barrier();
    for (uint h = SIZE >> 1; h > 0u; h >>= 1) {
        for (uint j = lane; j < h * ROWS * COLUMNS; j += SIZE) {
            uint at = j / h * SIZE + j % h;
            part[at] += part[at + h];
        }
        barrier();
    }
    // Two columns at a time: those of narrow types share a word.
    for (uint j = lane; j < ROWS * ((COLUMNS + 1) / 2); j += SIZE) {
        uint i = j / ((COLUMNS + 1) / 2), c = j % ((COLUMNS + 1) / 2) * 2;
        uint there = min(left(first + c, p.n, 2u), COLUMNS - c);
        uint at = (i * COLUMNS + c) * SIZE;
        vec4 v = vec4(part[at], COLUMNS > 1 ? part[at + SIZE] : 0.0, 0.0, 0.0);
        put(s, i, first + c, v, live ? there : 0u);
    }
}
