#version 450
// Products in tiles by cooperative matrices: a workgroup computes BM rows by BN columns, each of its subgroups WM by WN
// of them from matrices of MM by MK and MK by MN elements. BK terms of both operands lie in shared memory as they come,
// while the next are fetched into registers. Sums are f32.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_shader_subgroup_basic : require
#include ELEMENT
#ifdef BRAIN
#extension GL_EXT_bfloat16 : require
#define MATRIX bfloat16_t
#else
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define MATRIX float16_t
#endif
#ifdef CONV
#include "common/conv.glsl"
#else
#include "common/product.glsl"
#endif
#include "common/tile.glsl"
layout(constant_id = 8) const uint BM = 64;
layout(constant_id = 9) const uint BN = 64;
layout(constant_id = 10) const uint BK = 32;
layout(constant_id = 11) const uint WM = 32;
layout(constant_id = 12) const uint WN = 32;
layout(constant_id = 13) const uint MM = 16;
layout(constant_id = 14) const uint MN = 16;
layout(constant_id = 15) const uint MK = 16;
// 16 and 17 are those of quantized factors.
layout(constant_id = 18) const uint LANES = 32;  // of a subgroup
const uint SIZE = gl_WorkGroupSize.x;
const uint SUBGROUPS = (BM / WM) * (BN / WN);
// Rows of chunks in shared memory; one more chunk in each spreads them over the banks.
const uint A_STRIDE = (A_ALONG_K ? BK : BM) / CHUNK + 1, A_RUNS = A_ALONG_K ? BM : BK;
const uint B_STRIDE = (B_ALONG_K ? BK : BN) / CHUNK + 1, B_RUNS = B_ALONG_K ? BN : BK;
const uint A_LOADS = BM * BK / (CHUNK * SIZE), B_LOADS = BN * BK / (CHUNK * SIZE);
const uint FM = WM / MM, FN = WN / MN;
shared uvec4 a_tile[A_RUNS * A_STRIDE];
shared uvec4 b_tile[B_RUNS * B_STRIDE];
shared float stage[SUBGROUPS * MM * MN];

void main() {
    uint lane = gl_LocalInvocationID.x;
    Tile t = tile(group_index(), BM, BN);
    Share s = t.s;
    uint down = gl_SubgroupID / (BN / WN) * WM, across = gl_SubgroupID % (BN / WN) * WN;
    uvec4 a_next[A_LOADS], b_next[B_LOADS];
    A_ROWS(t, A_LOADS, A_STRIDE - 1)
    EACH_RUN(t, s, BM)
    coopmat<float, gl_ScopeSubgroup, MM, MN, gl_MatrixUseAccumulator> sum[FM * FN];
    [[unroll]] for (uint i = 0; i < FM * FN; i++)
        sum[i] = coopmat<float, gl_ScopeSubgroup, MM, MN, gl_MatrixUseAccumulator>(0.0);
    for (uint k = s.first; k < s.end + BK; k += BK) {
        // The first time round there is nothing in shared memory yet, the last time nothing to fetch.
        if (k > s.first) {
            [[unroll]] for (uint i = 0; i < A_LOADS; i++) {
                uvec2 at = spot(lane + i * SIZE, A_STRIDE - 1);
                a_tile[at.y * A_STRIDE + at.x] = a_next[i];
            }
            [[unroll]] for (uint i = 0; i < B_LOADS; i++) {
                uvec2 at = spot(lane + i * SIZE, B_STRIDE - 1);
                b_tile[at.y * B_STRIDE + at.x] = b_packed(b_next[i]);
            }
        }
        barrier();
        if (k < s.end) {
            [[unroll]] for (uint i = 0; i < A_LOADS; i++) {
                uvec2 at = spot(lane + i * SIZE, A_STRIDE - 1);
                uint r = t.row + (A_ALONG_K ? at.y : at.x * CHUNK), kk = k + (A_ALONG_K ? at.x * CHUNK : at.y);
                uint there = A_ALONG_K ? left(kk, s.end, CHUNK) : left(r, p.m, CHUNK);
                a_next[i] = A_FETCH(s, i, r, kk, r < p.m && kk < s.end ? there : 0u);
            }
            [[unroll]] for (uint i = 0; i < B_LOADS; i++) {
                uvec2 at = spot(lane + i * SIZE, B_STRIDE - 1);
                uint c = t.column + (B_ALONG_K ? at.y : at.x * CHUNK), kk = k + (B_ALONG_K ? at.x * CHUNK : at.y);
                uint there = B_ALONG_K ? left(kk, s.end, CHUNK) : left(c, p.n, CHUNK);
                b_next[i] = b_fetch(s, c, kk, c < p.n && kk < s.end ? there : 0u);
            }
            A_ON
        }
        if (k > s.first) {
            [[unroll]] for (uint q = 0; q < BK; q += MK) {
                coopmat<MATRIX, gl_ScopeSubgroup, MM, MK, gl_MatrixUseA> a[FM];
                [[unroll]] for (uint i = 0; i < FM; i++) {
                    uint r = down + i * MM;
                    if (A_ALONG_K) {
                        coopMatLoad(a[i], a_tile, r * A_STRIDE + q / CHUNK, A_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                    } else {
                        coopMatLoad(a[i], a_tile, q * A_STRIDE + r / CHUNK, A_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
                    }
                }
                [[unroll]] for (uint j = 0; j < FN; j++) {
                    coopmat<MATRIX, gl_ScopeSubgroup, MK, MN, gl_MatrixUseB> b;
                    uint c = across + j * MN;
                    if (B_ALONG_K) {
                        coopMatLoad(b, b_tile, c * B_STRIDE + q / CHUNK, B_STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
                    } else {
                        coopMatLoad(b, b_tile, q * B_STRIDE + c / CHUNK, B_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                    }
                    [[unroll]] for (uint i = 0; i < FM; i++) sum[i * FN + j] = coopMatMulAdd(a[i], b, sum[i * FN + j]);
                }
            }
        }
        barrier();
    }
    // Through shared memory: results are rounded, added to and cut at the edges one by one. Every loop is unrolled, since
    // a matrix that a loop picks at run time would send all of them through memory, in the loop above too.
    uint base = gl_SubgroupID * MM * MN;
    [[unroll]] for (uint i = 0; i < FM; i++) {
        [[unroll]] for (uint j = 0; j < FN; j++) {
            coopMatStore(sum[i * FN + j], stage, base, MN, gl_CooperativeMatrixLayoutRowMajor);
            controlBarrier(gl_ScopeSubgroup, gl_ScopeSubgroup, gl_StorageSemanticsShared, gl_SemanticsAcquireRelease);
            [[unroll]] for (uint step = 0; step < MM * MN; step += LANES * 4u) {
                uint e = step + gl_SubgroupInvocationID * 4u;
                uint r = t.row + down + i * MM + e / MN, c = t.column + across + j * MN + e % MN;
                uint own = base + min(e, MM * MN - 4u);
                bool mine = t.live && e < MM * MN && IN_RUN(r);
                vec4 v = vec4(stage[own], stage[own + 1u], stage[own + 2u], stage[own + 3u]);
                put(s, r, c, v, mine ? left(c, p.n, 4u) : 0u);
            }
            controlBarrier(gl_ScopeSubgroup, gl_ScopeSubgroup, gl_StorageSemanticsShared, gl_SemanticsAcquireRelease);
        }
    }
    END_RUN
}
