#version 450
// Products by cooperative matrices of a whole workgroup (VK_NV_cooperative_matrix2): a workgroup computes BM rows by BN
// columns; the driver brings the factors. Sums are f32. Rows of the factors begin at multiples of eight elements.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_cooperative_matrix : require
#extension GL_NV_cooperative_matrix2 : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
#extension GL_EXT_shader_16bit_storage : require
#ifdef BRAIN
#extension GL_EXT_bfloat16 : require
#endif
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint BM = 128;
layout(constant_id = 2) const uint BN = 128;
layout(constant_id = 3) const uint BK = 64;
// Rows of b run along the summed dimension, else along the columns.
layout(constant_id = 4) const bool B_ALONG_K = true;
// Some tiles reach beyond the factors, and some beyond the result: what is not there is 0. Looking for it halves the
// speed, so only these do.
layout(constant_id = 5) const bool EDGES = false;
layout(constant_id = 6) const bool OUT_EDGES = false;
// Rows of the first factor are there for whole tiles.
layout(constant_id = 7) const bool PADDED = false;
// Rows of the result begin at multiples of eight.
layout(constant_id = 8) const bool OUT_EVEN = false;
layout(set = 0, binding = 0) readonly buffer A { FACTOR a[]; };
layout(set = 0, binding = 1) readonly buffer B { FACTOR b[]; };
layout(set = 0, binding = 2) writeonly buffer Result { RESULT results[]; };
#ifdef SCALED
// What each row is multiplied with.
layout(set = 0, binding = 3) readonly buffer Scales { float scales[]; };
#endif
layout(push_constant) uniform Push {
    uint m, n, k;
    uint a_first, b_first, out_first;  // elements, as all strides
    uint a_row, b_row;                 // multiples of eight
    uint scale_first;
    uint batch_1, batch_2;             // sizes of the two innermost dimensions
    uint a_batch[3], b_batch[3];
    uint tiles;                        // of all batches
} p;

#ifdef SCALED
float scaled(const in uint row, const in uint column, const in float x, const in uint row0) {
    return x * scales[p.scale_first + min(row0 + row, p.m - 1u)];
}
#endif

// Steps along k that are laid out one after another, so that loads run ahead. More gain a little where rows of both run
// along k, and take the driver long.
const uint AHEAD = B_ALONG_K && !EDGES ? 8 : 4;

// Results of bf16 are held as a factor is: devices have no accumulators of it.
#ifdef BRAIN_RESULTS
#define HELD gl_MatrixUseA
#else
#define HELD gl_MatrixUseAccumulator
#endif
#define SUMS coopmat<float, gl_ScopeWorkgroup, BM, BN, gl_MatrixUseAccumulator>
#define STEP { \
    coopmat<FACTOR, gl_ScopeWorkgroup, BM, BK, gl_MatrixUseA> x; \
    coopmat<FACTOR, gl_ScopeWorkgroup, BK, BN, gl_MatrixUseB> y; \
    coopMatLoadTensorNV(x, a, a_first, sliceTensorLayoutNV(a_at, row, BM, k, BK)); \
    if (B_ALONG_K) coopMatLoadTensorNV(y, b, b_first, sliceTensorLayoutNV(b_at, column, BN, k, BK), across); \
    else coopMatLoadTensorNV(y, b, b_first, sliceTensorLayoutNV(b_at, k, BK, column, BN)); \
    sum = coopMatMulAdd(x, y, sum); \
    k += BK; \
}
#define PRODUCT(CLAMP, ROWS) { \
    tensorLayoutNV<2, CLAMP> a_at = createTensorLayoutNV(2, CLAMP), b_at = createTensorLayoutNV(2, CLAMP); \
    a_at = setTensorLayoutStrideNV(setTensorLayoutDimensionNV(a_at, ROWS, p.k), a_row, 1); \
    if (B_ALONG_K) b_at = setTensorLayoutStrideNV(setTensorLayoutDimensionNV(b_at, p.n, p.k), b_row, 1); \
    else b_at = setTensorLayoutStrideNV(setTensorLayoutDimensionNV(b_at, p.k, p.n), b_row, 1); \
    uint k = 0; \
    [[dont_unroll]] while (k + BK * AHEAD <= p.k) { [[unroll]] for (uint i = 0; i < AHEAD; i++) STEP } \
    [[dont_unroll]] while (k < p.k) STEP \
}
#define STORE(CLAMP) { \
    tensorLayoutNV<2, CLAMP> at = createTensorLayoutNV(2, CLAMP); \
    at = setTensorLayoutStrideNV(setTensorLayoutDimensionNV(at, p.m, p.n), out_row, 1); \
    coopMatStoreTensorNV(z, results, out_first, sliceTensorLayoutNV(at, row, BM, column, BN)); \
}
#define ABSENT_IS_0 gl_CooperativeMatrixClampModeConstantNV
#define NONE_ABSENT gl_CooperativeMatrixClampModeUndefinedNV

void main() {
    // Eight tile rows are walked together, so that tiles of b are found in a cache.
    const uint TOGETHER = 8;
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    // Of the whole workgroup.
    if (group >= p.tiles) return;
    uint tiles_m = (p.m + BM - 1u) / BM, tiles_n = (p.n + BN - 1u) / BN;
    uint tiles = tiles_m * tiles_n, w = group % tiles, batch = group / tiles;
    uint band = w / (TOGETHER * tiles_n), inside = w % (TOGETHER * tiles_n);
    uint high = min(tiles_m - band * TOGETHER, TOGETHER);
    uint row = (band * TOGETHER + inside % high) * BM, column = inside / high * BN;
    uvec3 at = uvec3(batch / (p.batch_1 * p.batch_2), batch / p.batch_2 % p.batch_1, batch % p.batch_2);
    // That these are multiples of eight is for the compiler to see: it loads vectors then.
    uint a_row = p.a_row & ~7u, b_row = p.b_row & ~7u;
    uint a_first = (p.a_first + at.x * p.a_batch[0] + at.y * p.a_batch[1] + at.z * p.a_batch[2]) & ~7u;
    uint b_first = (p.b_first + at.x * p.b_batch[0] + at.y * p.b_batch[1] + at.z * p.b_batch[2]) & ~7u;
    uint out_row = OUT_EVEN ? p.n & ~7u : p.n, out_first = p.out_first + batch * p.m * p.n;
    if (OUT_EVEN) out_first &= ~7u;
    tensorViewNV<2, false, 1, 0> across = createTensorViewNV(2, false, 1, 0);
    SUMS sum = SUMS(0.0);
    bool low = row + BM > p.m, right = column + BN > p.n;
    if (EDGES && ((low && !PADDED) || right || p.k % BK > 0u)) PRODUCT(ABSENT_IS_0, p.m)
    else PRODUCT(NONE_ABSENT, tiles_m * BM)
#ifdef SCALED
    coopMatPerElementNV(sum, sum, scaled, row);
#endif
    coopmat<RESULT, gl_ScopeWorkgroup, BM, BN, HELD> z = coopmat<RESULT, gl_ScopeWorkgroup, BM, BN, HELD>(sum);
    if (OUT_EDGES && (low || right)) STORE(ABSENT_IS_0)
    else STORE(NONE_ABSENT)
}
