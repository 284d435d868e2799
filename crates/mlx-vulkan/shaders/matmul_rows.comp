#version 450
// Products of a few rows with a matrix whose columns run along the summed dimension: a workgroup computes COLUMNS
// columns of all m = ROWS rows, its invocations share the terms and add up in a fixed order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include ELEMENT
#include "common/product.glsl"
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
    for (uint k = s.first + lane * CHUNK; k < s.end; k += SIZE * CHUNK) {
        uint count = left(k, s.end, CHUNK);
        uvec4 raw[COLUMNS];
        // Columns beyond the last are computed as the last and not stored.
        [[unroll]] for (uint j = 0; j < COLUMNS; j++)
            raw[j] = b_chunk(s.b + min(first + j, p.n - 1u) * p.b_n + k * p.b_k, count);
        vec4 low[COLUMNS], high[COLUMNS];
        [[unroll]] for (uint j = 0; j < COLUMNS; j++) unpack(raw[j], low[j], high[j]);
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            vec4 x, y;
            unpack(a_chunk(s.a + i * p.a_m + k * p.a_k, count), x, y);
            [[unroll]] for (uint j = 0; j < COLUMNS; j++) {
                sum[i * COLUMNS + j] += dot(low[j], x);
                if (CHUNK == 8) sum[i * COLUMNS + j] += dot(high[j], y);
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
