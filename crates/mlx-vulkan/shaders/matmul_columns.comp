#version 450
// Products of a few rows with a matrix whose rows run along the columns of the product: an invocation computes CHUNK
// columns of all m = ROWS rows from a share of the terms; a workgroup is as wide as it has columns to store.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include ELEMENT
#include "common/product.glsl"
layout(constant_id = 8) const uint ROWS = 1;
const uint SIZE = gl_WorkGroupSize.x;
// Invocations side by side, and those that share the terms.
const uint ACROSS = SIZE / CHUNK, DOWN = CHUNK;
shared vec4 part[SIZE * (CHUNK / 4)];

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint across = (p.n + SIZE - 1u) / SIZE, rest = group_index() / across;
    uint first = group_index() % across * SIZE;
    bool live = rest < p.batches * p.parts;
    rest = min(rest, p.batches * p.parts - 1u);
    Share s = share(rest % p.batches, rest / p.batches);
    uint mine = lane % ACROSS, column = first + mine * CHUNK, count = left(column, p.n, CHUNK);
    vec4 low[ROWS], high[ROWS];
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        low[i] = vec4(0.0);
        high[i] = vec4(0.0);
    }
    for (uint k = s.first + lane / ACROSS; k < s.end; k += DOWN) {
        vec4 b, c;
        unpack(b_chunk(s.b + column * p.b_n + k * p.b_k, count), b, c);
        [[unroll]] for (uint i = 0; i < ROWS; i++) {
            uint at = s.a + i * p.a_m + k * p.a_k;
            float x = element(a_words[at / PER_WORD], at);
            low[i] += x * b;
            if (CHUNK == 8) high[i] += x * c;
        }
    }
    [[unroll]] for (uint i = 0; i < ROWS; i++) {
        barrier();
        uint at = (lane / ACROSS * ACROSS + mine) * (CHUNK / 4);
        part[at] = low[i];
        if (CHUNK == 8) part[at + 1u] = high[i];
        barrier();
        // Two columns for each of the first half of the invocations.
        if (lane < SIZE / 2) {
            vec2 sum = vec2(0.0);
            for (uint d = 0; d < DOWN; d++) {
                vec4 v = part[d * (SIZE / 4) + lane / 2u];
                sum += (lane & 1u) == 0u ? v.xy : v.zw;
            }
            uint j = first + lane * 2u;
            put(s, i, j, vec4(sum, 0.0, 0.0), live ? left(j, p.n, 2u) : 0u);
        }
    }
}
