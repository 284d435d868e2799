#version 450
// Attention of many queries by cooperative matrices. Each subgroup takes SIDE_M queries that share a key head, and CHUNK
// keys at a time: scores, a running softmax whose rows some lanes share, the weighted sum of values. Keys and values are
// read where they lie; there are at least CHUNK of them, and their rows are whole runs of 16 bytes.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_vote : require
#extension GL_KHR_shader_subgroup_shuffle : require
#ifdef BRAIN
#extension GL_EXT_bfloat16 : require
#define MATRIX bfloat16_t
#else
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#define MATRIX float16_t
#endif
#include QUERIES
#include KEYS
#include "common/numbers.glsl"
#include "common/math.glsl"
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint TEAMS = 4;    // subgroups
layout(constant_id = 2) const uint D4 = 16;      // features of a key, in fours
layout(constant_id = 3) const uint E4 = 16;      // of a value
layout(constant_id = 4) const uint LANES = 32;   // of a subgroup
layout(constant_id = 5) const uint SIDE_M = 16;  // of the matrices
layout(constant_id = 8) const uint SIDE_N = 16;
layout(constant_id = 9) const uint SIDE_K = 16;
#include "common/attend.glsl"
const uint SIZE = gl_WorkGroupSize.x, ROWS = TEAMS * SIDE_M, CHUNK = 64;
// Eights of a query, and of its row in shared memory: one more spreads the rows over the banks.
const uint D8 = D4 / 2, Q_STRIDE = D8 + 1;
// Lanes of a row of scores; fours of its scores that each has.
const uint SHARE = LANES / SIDE_M, FOURS = CHUNK / SHARE / 4;
// Rows of scores, then of their weights and behind them a matrix of factors, in runs of 16 bytes.
const uint SCORE_STRIDE = CHUNK / 4 + 1, WEIGHT_STRIDE = CHUNK / 8 + 1, FACTOR_STRIDE = SIDE_N / 4;
const uint AREA = SIDE_M * SCORE_STRIDE, FACTORS = SIDE_M * WEIGHT_STRIDE;
const uint SCORES = CHUNK / SIDE_N, SUMS = E4 * 4 / SIDE_N;
shared uvec4 q[ROWS * Q_STRIDE];
shared uvec4 areas[TEAMS * AREA];
#define ACCUMULATOR coopmat<float, gl_ScopeSubgroup, SIDE_M, SIDE_N, gl_MatrixUseAccumulator>
#define LEFT coopmat<MATRIX, gl_ScopeSubgroup, SIDE_M, SIDE_K, gl_MatrixUseA>
#define RIGHT coopmat<MATRIX, gl_ScopeSubgroup, SIDE_K, SIDE_N, gl_MatrixUseB>

uint two(vec2 x) {
#ifdef BRAIN
    return brain_bits(x.x) | (brain_bits(x.y) << 16);
#else
    return packHalf2x16(x);
#endif
}

// What the lanes of a subgroup wrote is there for all of them.
void meet() {
    controlBarrier(gl_ScopeSubgroup, gl_ScopeSubgroup, gl_StorageSemanticsShared, gl_SemanticsAcquireRelease);
}

void main() {
    s = p.s;
    uint lane = gl_SubgroupInvocationID, area = gl_SubgroupID * AREA;
    uint group = gl_WorkGroupID.y, row0 = gl_WorkGroupID.x * ROWS;
    uint b = group / p.key_heads, g = group % p.key_heads, first_head = g * p.rep;
    for (uint i = gl_LocalInvocationID.x; i < ROWS * D8; i += SIZE) {
        uint row = min(row0 + i / D8, p.rows - 1u);
        uint at = uint(int(p.q_first) + int(b) * p.q_batch + int(first_head + of_head(row)) * p.q_head
                       + int(at_step(row)) * p.q_step) + i % D8 * 8u;
        uvec4 x;
        [[unroll]] for (uint j = 0; j < 4u; j++) x[j] = two(vec2(query(at + 2u * j), query(at + 2u * j + 1u)) * p.scale);
        q[i / D8 * Q_STRIDE + i % D8] = x;
    }
    barrier();
    uint block0 = row0;
    row0 += gl_SubgroupID * SIDE_M;
    // The row of scores that the lane shares.
    uint own = lane / SHARE, part = lane % SHARE, row = min(row0 + own, p.rows - 1u);
    bool sink = has(SINKS);
    uint sink_at = p.sinks_first + first_head + of_head(row);
    float top = sink ? element(sink_words[sink_at / PER_WORD], sink_at) : LOWEST, total = sink ? 1.0 : 0.0;

    // Keys that some row of the workgroup sees (its subgroups take as many steps as each other, as drivers that make all of
    // them wait where one does would have it), and from where on not all rows see all.
    uint first_row = min(block0, p.rows - 1u), last_row = min(block0 + ROWS - 1u, p.rows - 1u);
    bool one_head = of_head(first_row) == of_head(last_row);
    uint low = 0u, high = s, seen = has(MASK_BOOL | MASK_ADDED | WINDOW) ? 0u : s;
    if (has(CAUSAL)) {
        uint earliest = one_head ? at_step(first_row) : 0u, latest = one_head ? at_step(last_row) : p.l - 1u;
        seen = min(seen, uint(max(int(earliest + s - p.l) + 1, 0)));
        if (s >= p.l) {
            high = latest + s - p.l + 1u;
            uint first = earliest + s - p.l + 1u;
            if (has(WINDOW) && first > p.window) low = (first - p.window) / CHUNK * CHUNK;
        }
    }
    uint key_base = uint(int(p.k_first) + int(b) * p.k_batch + int(g) * p.k_head), k_step = uint(p.k_step);
    uint value_base = uint(int(p.v_first) + int(b) * p.v_batch + int(g) * p.v_head), v_step = uint(p.v_step);
    ACCUMULATOR sum[SUMS];
    [[unroll]] for (uint e = 0; e < SUMS; e++) sum[e] = ACCUMULATOR(0.0);

    [[dont_unroll]] for (uint key0 = low; key0 < high; key0 += CHUNK) {
        // The last keys are read with some before them, which do not count again.
        uint from = min(key0, s - CHUNK);
        ACCUMULATOR scores[SCORES];
        [[unroll]] for (uint j = 0; j < SCORES; j++) scores[j] = ACCUMULATOR(0.0);
        [[unroll]] for (uint d = 0; d < D4 * 4u; d += SIDE_K) {
            LEFT x;
            coopMatLoad(x, q, gl_SubgroupID * SIDE_M * Q_STRIDE + d / 8u, Q_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (uint j = 0; j < SCORES; j++) {
                RIGHT k;
                coopMatLoad(k, keys, key_base + (from + j * SIDE_N) * k_step + d / 4u, k_step,
                            gl_CooperativeMatrixLayoutColumnMajor);
                scores[j] = coopMatMulAdd(x, k, scores[j]);
            }
        }
        [[unroll]] for (uint j = 0; j < SCORES; j++) {
            coopMatStore(scores[j], areas, area + j * (SIDE_N / 4u), SCORE_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        }
        meet();
        vec4 x[FOURS];
        float most = top;
        [[unroll]] for (uint i = 0; i < FOURS; i++) {
            x[i] = uintBitsToFloat(areas[area + own * SCORE_STRIDE + part * FOURS + i]);
            if (from < key0 || from + CHUNK > seen) {
                [[unroll]] for (uint j = 0; j < 4u; j++) {
                    uint key = from + (part * FOURS + i) * 4u + j;
                    x[i][j] = key < key0 ? -INFINITE : masked(x[i][j], b, first_head, row, key);
                }
            }
            [[unroll]] for (uint j = 0; j < 4u; j++) most = x[i][j] > most ? x[i][j] : most;
        }
        [[unroll]] for (uint h = 1; h < SHARE; h <<= 1) {
            float other = subgroupShuffleXor(most, h);
            most = other > most ? other : most;
        }
        float weights = 0.0;
        [[unroll]] for (uint i = 0; i < FOURS; i++) {
            [[unroll]] for (uint j = 0; j < 4u; j++) x[i][j] = weight(x[i][j] - most);
            weights += (x[i].x + x[i].y) + (x[i].z + x[i].w);
        }
        [[unroll]] for (uint h = 1; h < SHARE; h <<= 1) weights += subgroupShuffleXor(weights, h);
        float factor = weight(top - most);
        total = total * factor + weights;
        top = most;
        bool changed = subgroupAny(factor != 1.0);
        meet();
        [[unroll]] for (uint i = 0; i < FOURS; i += 2u) {
            areas[area + own * WEIGHT_STRIDE + (part * FOURS + i) / 2u] =
                uvec4(two(x[i].xy), two(x[i].zw), two(x[i + 1u].xy), two(x[i + 1u].zw));
        }
        if (changed) {
            for (uint i = part; i < FACTOR_STRIDE; i += SHARE) {
                areas[area + FACTORS + own * FACTOR_STRIDE + i] = uvec4(floatBitsToUint(factor));
            }
        }
        meet();
        if (changed) {
            ACCUMULATOR f;
            coopMatLoad(f, areas, area + FACTORS, FACTOR_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (uint e = 0; e < SUMS; e++) sum[e] *= f;
        }
        [[unroll]] for (uint k = 0; k < CHUNK; k += SIDE_K) {
            LEFT w;
            coopMatLoad(w, areas, area + k / 8u, WEIGHT_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
            [[unroll]] for (uint e = 0; e < SUMS; e++) {
                RIGHT v;
                coopMatLoad(v, values, value_base + (from + k) * v_step + e * (SIDE_N / 4u), v_step,
                            gl_CooperativeMatrixLayoutRowMajor);
                sum[e] = coopMatMulAdd(w, v, sum[e]);
            }
        }
        meet();
    }
    for (uint i = part; i < FACTOR_STRIDE; i += SHARE) {
        areas[area + FACTORS + own * FACTOR_STRIDE + i] = uvec4(floatBitsToUint(1.0 / total));
    }
    meet();
    ACCUMULATOR f;
    coopMatLoad(f, areas, area + FACTORS, FACTOR_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
    [[unroll]] for (uint e = 0; e < SUMS; e++) {
        sum[e] *= f;
        coopMatStore(sum[e], areas, area, FACTOR_STRIDE, gl_CooperativeMatrixLayoutRowMajor);
        meet();
        for (uint i = lane; i < SIDE_M * FACTOR_STRIDE; i += LANES) {
            uint r = row0 + i / FACTOR_STRIDE;
            vec4 v = uintBitsToFloat(areas[area + i]);
            uint to = p.out_first + ((group * p.rows + r) * E4 * 4u + e * SIDE_N + i % FACTOR_STRIDE * 4u) / PER_WORD;
            if (r < p.rows) {
                [[unroll]] for (uint j = 0; j < 4u; j += PER_WORD) out_words[to + j / PER_WORD] = word_of(v[j], v[j | 1u]);
            }
        }
        meet();
    }
}
