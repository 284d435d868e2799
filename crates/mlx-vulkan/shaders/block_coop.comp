#version 450
// Products of many rows with weights in blocks by cooperative matrices: a workgroup computes BN weight rows by BM rows
// of activations, each of its subgroups WN by WM of them. Weights are decoded into shared memory as f16, two runs of 32
// at a time, with the activations (pack.comp) at the same places. While they are multiplied, the next ones are under
// way. Sums are f32. Rows of weights are aligned as common/runs.glsl wants them. Small products are computed in parts of
// the terms, one after another in the result, so that there are workgroups enough.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#include "common/words.glsl"
#include "common/runs.glsl"
#include FORMAT
layout(set = 0, binding = 1) readonly buffer Activations { uvec4 x_eights[]; };
layout(set = 0, binding = 2) readonly buffer Scales { float x_scales[]; };
layout(set = 0, binding = 3) writeonly buffer Product { float out_floats[]; };
layout(push_constant) uniform Push {
    uint w_first;  // byte
    uint w_row;    // bytes
    uint x_first;  // eights
    uint x_row;
    uint scale_first;
    uint out_first;
    uint k;
    uint n;        // rows of weights = columns of the product
    uint m;        // rows of activations
    uint steps;    // of 64 terms, of a part of the sums
} p;
layout(constant_id = 1) const uint BN = 128;
layout(constant_id = 2) const uint BM = 128;
layout(constant_id = 3) const uint WN = 64;
layout(constant_id = 4) const uint WM = 32;
layout(constant_id = 5) const uint LANES = 32;  // of a subgroup
layout(constant_id = 6) const uint SIDE_N = 16; // of the matrices
layout(constant_id = 7) const uint SIDE_M = 16;
layout(constant_id = 8) const uint SIDE_K = 16;
const uint SIZE = gl_WorkGroupSize.x;
// Chunks of eight f16 of a tile's row; one more spreads the rows over the banks.
const uint STEP = 8, RUNS = 2, STRIDE = STEP + 1;
const uint W_EACH = BN * RUNS / SIZE, X_EACH = BM * STEP / SIZE;
const uint FN = WN / SIDE_N, FM = WM / SIDE_M, ACROSS = BM / WM;
const uint SUBGROUPS = SIZE / LANES, SIDES = SIDE_N * SIDE_M;
shared uvec4 w_tile[BN * STRIDE];
shared uvec4 x_tile[BM * STRIDE];
// Scales of the columns of a row of matrices; then, at edges, a matrix of each subgroup.
shared float stage[SIDE_N * BM > SUBGROUPS * SIDES ? SIDE_N * BM : SUBGROUPS * SIDES];
#define SUMS coopmat<float, gl_ScopeSubgroup, SIDE_N, SIDE_M, gl_MatrixUseAccumulator>

uvec4 w_next[W_EACH * 4], x_next[X_EACH];

// Weights of run `t` of the row that begins at byte `row`.
void fetch_run(uint row, uint t, uint to) {
#ifdef PLAIN
    [[unroll]] for (uint i = 0; i < 4u; i++) {
        w_next[to + i] = t * 32u + i * 8u < p.k ? eight(weight_vector((row >> 4) + t * 4u + i)) : uvec4(0);
    }
#else
    uint b[8] = uint[8](0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u);
    vec2 scale = vec2(0.0);
    float plus = 0.0;
    if (t * 32u < p.k) run_bytes(row, t, b, scale, plus);
    // 1024 + a byte as f16 has the byte in its low bits.
    const f16vec2 less = f16vec2(1024.0 + LESS), after = f16vec2(plus);
    [[unroll]] for (uint i = 0; i < 4u; i++) {
        f16vec2 by = f16vec2(i < 2u ? scale.x : scale.y);
        [[unroll]] for (uint j = 0; j < 2u; j++) {
            uint x = b[2u * i + j];
            uvec2 two = uvec2((x & 0xffu) | ((x & 0xff00u) << 8), ((x >> 16) & 0xffu) | ((x >> 8) & 0xff0000u));
            two |= 0x64006400u;
            w_next[to + i][2u * j] = packFloat2x16(fma(unpackFloat2x16(two.x) - less, by, after));
            w_next[to + i][2u * j + 1u] = packFloat2x16(fma(unpackFloat2x16(two.y) - less, by, after));
        }
    }
#endif
}

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint tiles = (p.n + BN - 1u) / BN;
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint all = tiles * ((p.m + BM - 1u) / BM), part = group / all;
    uint n0 = group % tiles * BN, m0 = group % all / tiles * BM;
    uint first = part * p.steps, end = min(first + p.steps, (p.k + 63u) / 64u), out_first = p.out_first + part * p.m * p.n;
    // Of the whole workgroup.
    if (part > 0u && first >= end) return;
    uint down = gl_SubgroupID / ACROSS * WN, across = gl_SubgroupID % ACROSS * WM;
    uint run = lane % RUNS, w_row = lane / RUNS, chunk = lane % STEP, x_row = lane / STEP;
    uint w_rows[W_EACH], x_rows[X_EACH];
    [[unroll]] for (uint i = 0; i < W_EACH; i++) {
        w_rows[i] = p.w_first + min(n0 + w_row + i * (SIZE / RUNS), p.n - 1u) * p.w_row;
    }
    [[unroll]] for (uint i = 0; i < X_EACH; i++) {
        x_rows[i] = p.x_first + min(m0 + x_row + i * (SIZE / STEP), p.m - 1u) * p.x_row + chunk;
    }
    SUMS sum[FN * FM];
    [[unroll]] for (uint i = 0; i < FN * FM; i++) sum[i] = SUMS(0.0);
#define FETCH(step) \
    [[unroll]] for (uint i = 0; i < X_EACH; i++) x_next[i] = x_eights[x_rows[i] + (step) * STEP]; \
    [[unroll]] for (uint i = 0; i < W_EACH; i++) fetch_run(w_rows[i], (step) * RUNS + run, i * 4u)
#define PUT \
    [[unroll]] for (uint i = 0; i < W_EACH * 4u; i++) \
        w_tile[(w_row + i / 4u * (SIZE / RUNS)) * STRIDE + run * 4u + i % 4u] = w_next[i]; \
    [[unroll]] for (uint i = 0; i < X_EACH; i++) x_tile[(x_row + i * (SIZE / STEP)) * STRIDE + chunk] = x_next[i]
    FETCH(first);
    PUT;
    barrier();
    [[dont_unroll]] for (uint step = first + 1u; step <= end; step++) {
        bool more = step < end;
        if (more) {
            FETCH(step);
        }
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
        barrier();
        if (more) {
            PUT;
        }
        barrier();
    }
    for (uint i = lane; i < SIDE_N * BM; i += SIZE) stage[i] = x_scales[p.scale_first + min(m0 + i % BM, p.m - 1u)];
    barrier();
    [[unroll]] for (uint j = 0; j < FM; j++) {
        SUMS scales;
        coopMatLoad(scales, stage, across + j * SIDE_M, BM, gl_CooperativeMatrixLayoutRowMajor);
        [[unroll]] for (uint i = 0; i < FN; i++) sum[i * FM + j] *= scales;
    }
    // Every loop over the sums is unrolled: they live in registers only if no index is a variable.
    if (m0 + BM <= p.m && n0 + BN <= p.n) {
        [[unroll]] for (uint i = 0; i < FN; i++) {
            [[unroll]] for (uint j = 0; j < FM; j++) {
                uint at = out_first + (m0 + across + j * SIDE_M) * p.n + n0 + down + i * SIDE_N;
                coopMatStore(sum[i * FM + j], out_floats, at, p.n, gl_CooperativeMatrixLayoutColumnMajor);
            }
        }
        return;
    }
    barrier();
    uint base = gl_SubgroupID * SIDES;
    [[unroll]] for (uint i = 0; i < FN; i++) {
        [[unroll]] for (uint j = 0; j < FM; j++) {
            coopMatStore(sum[i * FM + j], stage, base, SIDE_N, gl_CooperativeMatrixLayoutColumnMajor);
            controlBarrier(gl_ScopeSubgroup, gl_ScopeSubgroup, gl_StorageSemanticsShared, gl_SemanticsAcquireRelease);
            [[unroll]] for (uint e = 0; e < SIDES; e += LANES) {
                uint own = e + gl_SubgroupInvocationID;
                uint r = m0 + across + j * SIDE_M + own / SIDE_N, c = n0 + down + i * SIDE_N + own % SIDE_N;
                if (r < p.m && c < p.n) out_floats[out_first + r * p.n + c] = stage[base + own];
            }
            controlBarrier(gl_ScopeSubgroup, gl_ScopeSubgroup, gl_StorageSemanticsShared, gl_SemanticsAcquireRelease);
        }
    }
}
