#version 450
// Products in tiles: a workgroup computes BM rows by BN columns, each of its invocations TM by TN of them. BK terms of
// both operands lie in shared memory while the next are fetched into registers. With two places there for them
// (STAGES) nobody waits before the next are stored.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include ELEMENT
#ifdef CONV
#include "common/conv.glsl"
#else
#include "common/product.glsl"
#endif
#include "common/tile.glsl"
layout(constant_id = 8) const uint BM = 64;
layout(constant_id = 9) const uint BN = 64;
layout(constant_id = 10) const uint BK = 16;
layout(constant_id = 11) const uint TM = 8;
layout(constant_id = 12) const uint TN = 4;
layout(constant_id = 13) const uint STAGES = 1;
// The steps through a tile are laid out one after another: code that is long, and faster where there is room for it.
layout(constant_id = 14) const bool UNROLLED = false;
const uint SIZE = gl_WorkGroupSize.x;
const uint A_STRIDE = BM / 4 + 1, B_STRIDE = BN / 4 + 1;
const uint A_TILE = BK * A_STRIDE, B_TILE = BK * B_STRIDE;
const uint A_LOADS = BM * BK / (CHUNK * SIZE), B_LOADS = BN * BK / (B_CHUNK * SIZE);
shared vec4 a_tile[STAGES * A_TILE];
shared vec4 b_tile[STAGES * B_TILE];

// What an invocation adds for term q of the tiles.
#define STEP(q) { \
    vec4 a[TM / 4], b[TN / 4]; \
    [[unroll]] for (uint i = 0; i < TM / 4; i++) a[i] = a_tile[a_from + (q) * A_STRIDE + i * (BM / TM)]; \
    [[unroll]] for (uint j = 0; j < TN / 4; j++) b[j] = b_tile[b_from + (q) * B_STRIDE + j * (BN / TN)]; \
    [[unroll]] for (uint i = 0; i < TM; i++) { \
        [[unroll]] for (uint j = 0; j < TN / 4; j++) sum[i * (TN / 4) + j] += a[i / 4][i % 4] * b[j]; \
    } \
}

void main() {
    uint lane = gl_LocalInvocationID.x;
    Tile t = tile(group_index(), BM, BN);
    Share s = t.s;
    uvec4 a_next[A_LOADS], b_next[B_LOADS];
    A_ROWS(t, A_LOADS, BK / CHUNK)
    EACH_RUN(t, s, BM)
    vec4 sum[TM * TN / 4];
    [[unroll]] for (uint i = 0; i < TM * TN / 4; i++) sum[i] = vec4(0.0);
    // Eight neighbours across by four down, so that what they read of both tiles is about the same little.
    const uint ACROSS = BN / TN / 8;
    uint block = lane / 32, down = (block / ACROSS * 4 + lane % 32 / 8) * 4, across = (block % ACROSS * 8 + lane % 8) * 4;
    uint a_at = 0, b_at = 0;
    for (uint k = s.first; k < s.end + BK; k += BK) {
        // The first time round there is nothing in shared memory yet, the last time nothing to fetch.
        if (k > s.first) {
            [[unroll]] for (uint i = 0; i < A_LOADS; i++) {
                uvec2 at = A_ALONG_K ? spot(lane + i * SIZE, BK / CHUNK) : spot(lane + i * SIZE, BM / CHUNK);
                vec4 low, high;
                unpack(a_next[i], low, high);
                if (A_ALONG_K) {
                    [[unroll]] for (uint q = 0; q < CHUNK; q++)
                        a_tile[a_at + (at.x * CHUNK + q) * A_STRIDE + at.y / 4][at.y % 4] = q < 4 ? low[q & 3] : high[q & 3];
                } else {
                    a_tile[a_at + at.y * A_STRIDE + at.x * (CHUNK / 4)] = low;
                    if (CHUNK == 8) a_tile[a_at + at.y * A_STRIDE + at.x * 2 + 1] = high;
                }
            }
            [[unroll]] for (uint i = 0; i < B_LOADS; i++) {
                uvec2 at = B_ALONG_K ? spot(lane + i * SIZE, BK / B_CHUNK) : spot(lane + i * SIZE, BN / B_CHUNK);
                vec4 low, high;
                b_unpack(b_next[i], low, high);
                if (B_ALONG_K) {
                    [[unroll]] for (uint q = 0; q < B_CHUNK; q++)
                        b_tile[b_at + (at.x * B_CHUNK + q) * B_STRIDE + at.y / 4][at.y % 4] = q < 4 ? low[q & 3] : high[q & 3];
                } else {
                    b_tile[b_at + at.y * B_STRIDE + at.x * (B_CHUNK / 4)] = low;
                    if (B_CHUNK == 8) b_tile[b_at + at.y * B_STRIDE + at.x * 2 + 1] = high;
                }
            }
        }
        barrier();
        if (k < s.end) {
            [[unroll]] for (uint i = 0; i < A_LOADS; i++) {
                if (A_ALONG_K) {
                    uvec2 at = spot(lane + i * SIZE, BK / CHUNK);
                    uint r = t.row + at.y, kk = k + at.x * CHUNK;
                    a_next[i] = A_FETCH(s, i, r, kk, r < p.m ? left(kk, s.end, CHUNK) : 0u);
                } else {
                    uvec2 at = spot(lane + i * SIZE, BM / CHUNK);
                    uint r = t.row + at.x * CHUNK, kk = k + at.y;
                    a_next[i] = A_FETCH(s, i, r, kk, kk < s.end ? left(r, p.m, CHUNK) : 0u);
                }
            }
            [[unroll]] for (uint i = 0; i < B_LOADS; i++) {
                if (B_ALONG_K) {
                    uvec2 at = spot(lane + i * SIZE, BK / B_CHUNK);
                    uint c = t.column + at.y, kk = k + at.x * B_CHUNK;
                    b_next[i] = b_fetch(s, c, kk, c < p.n ? left(kk, s.end, B_CHUNK) : 0u);
                } else {
                    uvec2 at = spot(lane + i * SIZE, BN / B_CHUNK);
                    uint c = t.column + at.x * B_CHUNK, kk = k + at.y;
                    b_next[i] = b_fetch(s, c, kk, kk < s.end ? left(c, p.n, B_CHUNK) : 0u);
                }
            }
            A_ON
        }
        if (k > s.first) {
            uint a_from = a_at + down / 4, b_from = b_at + across / 4;
            if (UNROLLED) { [[unroll]] for (uint q = 0; q < BK; q++) STEP(q) }
            else { [[dont_unroll]] for (uint q = 0; q < BK; q++) STEP(q) }
        }
        if (STAGES == 1) {
            barrier();
        } else if (k > s.first) {
            a_at = A_TILE - a_at;
            b_at = B_TILE - b_at;
        }
    }
    [[unroll]] for (uint i = 0; i < TM; i++) {
        uint r = t.row + down + i / 4 * (BM * 4 / TM) + i % 4;
        [[unroll]] for (uint j = 0; j < TN / 4; j++) {
            uint c = t.column + across + j * (BN * 4 / TN);
            put(s, r, c, sum[i * (TN / 4) + j], t.live && IN_RUN(r) ? left(c, p.n, 4u) : 0u);
        }
    }
    END_RUN
}
