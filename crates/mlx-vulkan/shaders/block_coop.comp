#version 450
// Products of many rows with weights in blocks by cooperative matrices: a workgroup computes BN weight rows by BM rows
// of activations, each of its subgroups WN by WM of them. Weights are decoded into shared memory as f16, STEP units of
// eight at a time; activations (pack.comp) are brought at the same places. While they are multiplied, the next ones are
// under way. Sums are f32.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "common/words.glsl"
#include FORMAT
layout(set = 0, binding = 1) readonly buffer Activations { uvec2 x_fours[]; };
layout(set = 0, binding = 2) readonly buffer Scales { float x_scales[]; };
layout(set = 0, binding = 3) writeonly buffer Product { float out_floats[]; };
layout(push_constant) uniform Push {
    uint w_first;  // byte
    uint w_row;    // bytes
    uint x_first;  // fours
    uint x_row;
    uint scale_first;
    uint out_first;
    uint k;
    uint n;        // rows of weights = columns of the product
    uint m;        // rows of activations
} p;
layout(constant_id = 1) const uint BN = 128;
layout(constant_id = 2) const uint BM = 128;
layout(constant_id = 3) const uint WN = 64;
layout(constant_id = 4) const uint WM = 32;
layout(constant_id = 5) const uint LANES = 32;  // of a subgroup
layout(constant_id = 6) const uint SIDE_N = 16; // of the matrices
layout(constant_id = 7) const uint SIDE_M = 16;
layout(constant_id = 8) const uint SIDE_K = 16;
const uint STEP = 8;
const uint SIZE = gl_WorkGroupSize.x;
// Chunks of eight f16 of a tile's row; one more spreads the rows over the banks.
const uint STRIDE = STEP + 1;
const uint W_EACH = BN * STEP / SIZE, X_EACH = BM * STEP / SIZE;
const uint FN = WN / SIDE_N, FM = WM / SIDE_M, ACROSS = BM / WM;
shared uvec4 w_tile[BN * STRIDE];
shared uvec4 x_tile[BM * STRIDE];
shared float stage[SIZE / LANES * SIDE_N * SIDE_M];

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint tiles = (p.n + BN - 1u) / BN;
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint n0 = group % tiles * BN, m0 = group / tiles * BM;
    uint down = gl_SubgroupID / ACROSS * WN, across = gl_SubgroupID % ACROSS * WM;
    uint unit = lane % STEP, first = lane / STEP;
    const uint each = SIZE / STEP;
    uint w_rows[W_EACH], x_rows[X_EACH];
    [[unroll]] for (uint i = 0; i < W_EACH; i++) w_rows[i] = p.w_first + min(n0 + first + i * each, p.n - 1u) * p.w_row;
    [[unroll]] for (uint i = 0; i < X_EACH; i++) x_rows[i] = p.x_first + min(m0 + first + i * each, p.m - 1u) * p.x_row;
    uvec4 w_next[W_EACH], x_next[X_EACH];
    coopmat<float, gl_ScopeSubgroup, SIDE_N, SIDE_M, gl_MatrixUseAccumulator> sum[FN * FM];
    [[unroll]] for (uint i = 0; i < FN * FM; i++)
        sum[i] = coopmat<float, gl_ScopeSubgroup, SIDE_N, SIDE_M, gl_MatrixUseAccumulator>(0.0);
    uint units = unit_count(p.k);
    for (uint t0 = 0; t0 < units + STEP; t0 += STEP) {
        // The first time round there is nothing to put into shared memory yet, the last time nothing to fetch.
        if (t0 > 0u) {
            [[unroll]] for (uint i = 0; i < W_EACH; i++) w_tile[(first + i * each) * STRIDE + unit] = w_next[i];
            [[unroll]] for (uint i = 0; i < X_EACH; i++) x_tile[(first + i * each) * STRIDE + unit] = x_next[i];
        }
        barrier();
        uint t = t0 + unit;
        if (t < units) {
            uvec2 at = places(t) >> 2;
            [[unroll]] for (uint i = 0; i < X_EACH; i++) x_next[i] = uvec4(x_fours[x_rows[i] + at.x], x_fours[x_rows[i] + at.y]);
            [[unroll]] for (uint i = 0; i < W_EACH; i++) {
                vec4 a, b;
                decode(w_rows[i], t, p.k, a, b);
                w_next[i] = uvec4(packHalf2x16(a.xy), packHalf2x16(a.zw), packHalf2x16(b.xy), packHalf2x16(b.zw));
            }
        } else {
            [[unroll]] for (uint i = 0; i < W_EACH; i++) w_next[i] = uvec4(0);
            [[unroll]] for (uint i = 0; i < X_EACH; i++) x_next[i] = uvec4(0);
        }
        if (t0 > 0u) {
            [[unroll]] for (uint q = 0; q < STEP * 8u; q += SIDE_K) {
                coopmat<float16_t, gl_ScopeSubgroup, SIDE_N, SIDE_K, gl_MatrixUseA> w[FN];
                [[unroll]] for (uint i = 0; i < FN; i++) {
                    coopMatLoad(w[i], w_tile, (down + i * SIDE_N) * STRIDE + q / 8u, STRIDE, gl_CooperativeMatrixLayoutRowMajor);
                }
                [[unroll]] for (uint j = 0; j < FM; j++) {
                    coopmat<float16_t, gl_ScopeSubgroup, SIDE_K, SIDE_M, gl_MatrixUseB> x;
                    coopMatLoad(x, x_tile, (across + j * SIDE_M) * STRIDE + q / 8u, STRIDE, gl_CooperativeMatrixLayoutColumnMajor);
                    [[unroll]] for (uint i = 0; i < FN; i++) sum[i * FM + j] = coopMatMulAdd(w[i], x, sum[i * FM + j]);
                }
            }
        }
        barrier();
    }
    // Through shared memory, each subgroup its own part: results are scaled and cut at the edges one by one.
    uint base = gl_SubgroupID * SIDE_N * SIDE_M;
    [[unroll]] for (uint i = 0; i < FN; i++) {
        [[unroll]] for (uint j = 0; j < FM; j++) {
            coopMatStore(sum[i * FM + j], stage, base, SIDE_N, gl_CooperativeMatrixLayoutColumnMajor);
            controlBarrier(gl_ScopeSubgroup, gl_ScopeSubgroup, gl_StorageSemanticsShared, gl_SemanticsAcquireRelease);
            for (uint e = gl_SubgroupInvocationID; e < SIDE_N * SIDE_M; e += LANES) {
                uint r = m0 + across + j * SIDE_M + e / SIDE_N, c = n0 + down + i * SIDE_N + e % SIDE_N;
                if (r < p.m && c < p.n) out_floats[p.out_first + r * p.n + c] = stage[base + e] * x_scales[p.scale_first + r];
            }
            controlBarrier(gl_ScopeSubgroup, gl_ScopeSubgroup, gl_StorageSemanticsShared, gl_SemanticsAcquireRelease);
        }
    }
}
