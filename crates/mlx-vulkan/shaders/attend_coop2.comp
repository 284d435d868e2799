#version 450
// Attention of many queries by cooperative matrices of a whole workgroup (VK_NV_cooperative_matrix2): a workgroup takes ROWS
// queries of one head, and CHUNK keys at a time: scores, a running softmax, the weighted sum of values. The driver brings
// queries, keys and values, whose rows begin at multiples of eight elements.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_NV_cooperative_matrix2 : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_16bit_storage : require
#ifdef BRAIN
#extension GL_EXT_bfloat16 : require
#define MATRIX bfloat16_t
#else
#define MATRIX float16_t
#endif
#include QUERIES
#define FOUR_WORDS MATRIX
#include "common/math.glsl"
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint ROWS = 64;
layout(constant_id = 2) const uint D4 = 16;     // features of a key, in fours
layout(constant_id = 3) const uint E4 = 16;     // of a value
layout(constant_id = 4) const uint CHUNK = 64;
#include "common/attend.glsl"
// No sums are of bf16: devices have no such accumulators. Queries of it go into a factor as they are, results come from one.
#ifdef BRAIN_QUERIES
#define HELD gl_MatrixUseA
#else
#define HELD gl_MatrixUseAccumulator
#endif
layout(set = 0, binding = 0) readonly buffer QueryElements { SCALAR queries[]; };
layout(set = 0, binding = 5) writeonly buffer OutputElements { SCALAR results[]; };
const uint D = D4 * 4, E = E4 * 4;
#define SCORES coopmat<float, gl_ScopeWorkgroup, ROWS, CHUNK, gl_MatrixUseAccumulator>
#define SUMS coopmat<float, gl_ScopeWorkgroup, ROWS, E, gl_MatrixUseAccumulator>
#define ABSENT_IS_0 gl_CooperativeMatrixClampModeConstantNV
#define NONE_ABSENT gl_CooperativeMatrixClampModeUndefinedNV

float shown(const in uint row, const in uint column, const in float x, const in uvec2 place, const in uint row0,
            const in uint key0) {
    return masked_at(x, place.x, place.y, min(row0 + row, p.l - 1u), key0 + column);
}
float larger(const in float a, const in float b) { return max(a, b); }
float larger_than(const in uint row, const in uint column, const in float a, const in float b) { return max(a, b); }
float more(const in float a, const in float b) { return a + b; }
// Of values that are all the same.
float either(const in float a, const in float b) { return a; }
float exponential(const in uint row, const in uint column, const in float x) { return exp(x); }
// A sink is a key that has a weight and no value.
float first_total(const in uint row, const in uint column, const in float x) { return column == 0u ? 1.0 : 0.0; }

void main() {
    s = p.s;
    // Blocks with the last queries, which see the most keys, come first.
    uint row0 = (gl_NumWorkGroups.y - 1u - gl_WorkGroupID.y) * ROWS, heads = p.key_heads * p.rep;
    uint b = gl_WorkGroupID.x / heads, head = gl_WorkGroupID.x % heads, g = head / p.rep;
    // That these are multiples of eight is for the compiler to see: it loads vectors then.
    uint q_first = uint(int(p.q_first) + int(b) * p.q_batch + int(head) * p.q_head) & ~7u, q_step = uint(p.q_step) & ~7u;
    uint k_first = uint(int(p.k_first) + int(b) * p.k_batch + int(g) * p.k_head) & ~7u, k_step = uint(p.k_step) & ~7u;
    uint v_first = uint(int(p.v_first) + int(b) * p.v_batch + int(g) * p.v_head) & ~7u, v_step = uint(p.v_step) & ~7u;
    tensorLayoutNV<2, ABSENT_IS_0> q_at = createTensorLayoutNV(2, ABSENT_IS_0), out_at = createTensorLayoutNV(2, ABSENT_IS_0);
    tensorLayoutNV<2, ABSENT_IS_0> k_last = createTensorLayoutNV(2, ABSENT_IS_0), v_last = createTensorLayoutNV(2, ABSENT_IS_0);
    tensorLayoutNV<2, NONE_ABSENT> k_at = createTensorLayoutNV(2, NONE_ABSENT), v_at = createTensorLayoutNV(2, NONE_ABSENT);
    q_at = setTensorLayoutStrideNV(setTensorLayoutDimensionNV(q_at, p.l, D), q_step, 1);
    out_at = setTensorLayoutStrideNV(setTensorLayoutDimensionNV(out_at, p.l, E), E, 1);
    k_at = setTensorLayoutStrideNV(setTensorLayoutDimensionNV(k_at, s, D), k_step, 1);
    v_at = setTensorLayoutStrideNV(setTensorLayoutDimensionNV(v_at, s, E), v_step, 1);
    k_last = setTensorLayoutStrideNV(setTensorLayoutDimensionNV(k_last, s, D), k_step, 1);
    v_last = setTensorLayoutStrideNV(setTensorLayoutDimensionNV(v_last, s, E), v_step, 1);
    tensorViewNV<2, false, 1, 0> across = createTensorViewNV(2, false, 1, 0);

#ifdef BRAIN_QUERIES
    coopmat<MATRIX, gl_ScopeWorkgroup, ROWS, D, gl_MatrixUseA> q;
    coopMatLoadTensorNV(q, queries, q_first, sliceTensorLayoutNV(q_at, row0, ROWS, 0, D));
#else
    coopmat<SCALAR, gl_ScopeWorkgroup, ROWS, D, gl_MatrixUseAccumulator> given;
    coopMatLoadTensorNV(given, queries, q_first, sliceTensorLayoutNV(q_at, row0, ROWS, 0, D));
    coopmat<MATRIX, gl_ScopeWorkgroup, ROWS, D, gl_MatrixUseA> q = coopmat<MATRIX, gl_ScopeWorkgroup, ROWS, D, gl_MatrixUseA>(
        coopmat<float, gl_ScopeWorkgroup, ROWS, D, gl_MatrixUseAccumulator>(given) * p.scale);
#endif

    bool sink = has(SINKS);
    uint sink_at = p.sinks_first + head;
    SCORES top = SCORES(sink ? element(sink_words[sink_at / PER_WORD], sink_at) : LOWEST), totals = SCORES(0.0);
    if (sink) coopMatPerElementNV(totals, totals, first_total);
    SUMS sum = SUMS(0.0);

    // Keys that some query of the workgroup sees, and from where on not all see all.
    uint low = 0u, high = s, seen = has(MASK_BOOL | MASK_ADDED | WINDOW) ? 0u : s;
    if (has(CAUSAL)) {
        uint latest = min(row0 + ROWS, p.l) - 1u;
        seen = min(seen, uint(max(int(row0 + s - p.l) + 1, 0)));
        if (s >= p.l) {
            high = latest + s - p.l + 1u;
            uint first = row0 + s - p.l + 1u;
            if (has(WINDOW) && first > p.window) low = (first - p.window) / CHUNK * CHUNK;
        }
    }
    [[dont_unroll]] for (uint key0 = low; key0 < high; key0 += CHUNK) {
        bool whole = key0 + CHUNK <= s;
        coopmat<MATRIX, gl_ScopeWorkgroup, D, CHUNK, gl_MatrixUseB> k;
        coopmat<MATRIX, gl_ScopeWorkgroup, CHUNK, E, gl_MatrixUseB> v;
        if (whole) {
            coopMatLoadTensorNV(k, keys, k_first, sliceTensorLayoutNV(k_at, key0, CHUNK, 0, D), across);
            coopMatLoadTensorNV(v, values, v_first, sliceTensorLayoutNV(v_at, key0, CHUNK, 0, E));
        } else {
            coopMatLoadTensorNV(k, keys, k_first, sliceTensorLayoutNV(k_last, key0, CHUNK, 0, D), across);
            coopMatLoadTensorNV(v, values, v_first, sliceTensorLayoutNV(v_last, key0, CHUNK, 0, E));
        }
        SCORES x = coopMatMulAdd(q, k, SCORES(0.0)), most, factor;
#ifdef BRAIN_QUERIES
        x *= p.scale;
#endif
        if (key0 + CHUNK > seen) coopMatPerElementNV(x, x, shown, uvec2(b, head), row0, key0);
        coopMatReduceNV(most, x, gl_CooperativeMatrixReduceRowNV, larger);
        coopMatPerElementNV(most, most, larger_than, top);
        coopMatPerElementNV(factor, top - most, exponential);
        coopMatPerElementNV(x, x - most, exponential);
        // Each column by itself; they are added up in the end.
        totals = totals * factor + x;
        top = most;
        SUMS factors;
        coopMatReduceNV(factors, factor, gl_CooperativeMatrixReduceRowNV, either);
        sum *= factors;
        sum = coopMatMulAdd(coopmat<MATRIX, gl_ScopeWorkgroup, ROWS, CHUNK, gl_MatrixUseA>(x), v, sum);
    }
    SUMS total;
    coopMatReduceNV(total, totals, gl_CooperativeMatrixReduceRowNV, more);
    sum /= total;
    coopmat<SCALAR, gl_ScopeWorkgroup, ROWS, E, HELD> z = coopmat<SCALAR, gl_ScopeWorkgroup, ROWS, E, HELD>(sum);
    // Of the first word that the results take.
    uint to = p.out_first * PER_WORD + (b * heads + head) * p.l * E;
    coopMatStoreTensorNV(z, results, to, sliceTensorLayoutNV(out_at, row0, ROWS, 0, E));
}
