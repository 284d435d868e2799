// What products of a few rows of f32 with up to three matrices in blocks share: operands, which rows a workgroup
// computes, sums over its invocations in a fixed order, and what follows the products. A workgroup is one or more teams
// of LANES invocations; a team computes ROWS weight rows by COLS activations.
#include "math.glsl"
layout(constant_id = 1) const uint ROWS = 2;
layout(constant_id = 2) const uint COLS = 1;
layout(constant_id = 3) const uint COUNT = 1;      // matrices
layout(constant_id = 4) const uint GATE = 0;       // 1 silu, 2 gelu: of two matrices the first, times the second
layout(constant_id = 5) const bool NORM = false;
layout(constant_id = 6) const bool ADD = false;
layout(constant_id = 7) const uint LANES = 32;
// Activations and norm weights begin, and their rows too, at whole runs of 16 bytes.
layout(constant_id = 8) const bool WIDE = false;
layout(set = 0, binding = 3) readonly buffer Activations { float x_floats[]; };
layout(set = 0, binding = 3) readonly buffer ActivationVectors { vec4 x_vectors[]; };
// Bound to the activations where they are not used; results to the first.
layout(set = 0, binding = 4) readonly buffer Norm { float norm_floats[]; };
layout(set = 0, binding = 4) readonly buffer NormVectors { vec4 norm_vectors[]; };
layout(set = 0, binding = 5) readonly buffer Added { float added_floats[]; };
layout(set = 0, binding = 6) writeonly buffer Product0 { float out_floats0[]; };
layout(set = 0, binding = 7) writeonly buffer Product1 { float out_floats1[]; };
layout(set = 0, binding = 8) writeonly buffer Product2 { float out_floats2[]; };
layout(push_constant) uniform Push {
    uint w_first[3];    // bytes
    uint n[3];          // rows of the matrices
    uint out_first[3];  // elements, as the three below
    uint x_first;
    uint norm_first;
    uint added_first;
    uint w_row;         // bytes
    uint k;
    float eps;
    uint groups;        // of rows, in all matrices
} p;

const uint SIZE = gl_WorkGroupSize.x;
// Of a gate both factors are computed at once.
const uint BOTH = GATE != 0u ? 2 : 1;
const uint SUMS = BOTH * ROWS * COLS;
const uint GROUP_ROWS = SIZE / LANES * ROWS;
float sum[SUMS];
// Squares of the activations.
float squares[COLS];

// A matrix and the first of the rows of it that a workgroup computes at a time: a group of rows, counted over all matrices.
struct Place {
    uint m;
    uint first;
};
uint first_group() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }
Place place(uint group) {
    Place s = Place(0u, group);
    if (GATE == 0u && COUNT > 1u) {
        uint groups = (p.n[0] + GROUP_ROWS - 1u) / GROUP_ROWS;
        if (s.first >= groups) {
            s.m = 1u;
            s.first -= groups;
            groups = (p.n[1] + GROUP_ROWS - 1u) / GROUP_ROWS;
            if (COUNT > 2u && s.first >= groups) {
                s.m = 2u;
                s.first -= groups;
            }
        }
    }
    s.first *= GROUP_ROWS;
    return s;
}
// The matrix as a constant, so that nothing is left of the choice of its buffer: `products` is called for each.
#define FOR_MATRIX(s, products) \
    if (COUNT < 2u || GATE != 0u || s.m == 0u) products(0u); \
    else if (COUNT < 3u || s.m == 1u) products(1u); \
    else products(2u)

// The first byte of row `row` of matrix `m`; of rows beyond the last, which are not stored, that of the last.
uint row_start(uint m, uint row) { return p.w_first[m] + min(row, p.n[m] - 1u) * p.w_row; }

// Four activations of row `c`, none beyond the row.
vec4 activations(uint c, uint i) {
    uint at = p.x_first + c * p.k + i;
    if (WIDE) return x_vectors[at >> 2];
#ifdef RAGGED
    return vec4(i < p.k ? x_floats[at] : 0.0, i + 1u < p.k ? x_floats[at + 1u] : 0.0,
                i + 2u < p.k ? x_floats[at + 2u] : 0.0, i + 3u < p.k ? x_floats[at + 3u] : 0.0);
#else
    return vec4(x_floats[at], x_floats[at + 1u], x_floats[at + 2u], x_floats[at + 3u]);
#endif
}
vec4 norm_weights(uint i) {
    uint at = p.norm_first + i;
    if (WIDE) return norm_vectors[at >> 2];
#ifdef RAGGED
    // What lies beyond is multiplied by zeros.
    uint end = p.norm_first + p.k - 1u;
    return vec4(norm_floats[min(at, end)], norm_floats[min(at + 1u, end)], norm_floats[min(at + 2u, end)],
                norm_floats[min(at + 3u, end)]);
#else
    return vec4(norm_floats[at], norm_floats[at + 1u], norm_floats[at + 2u], norm_floats[at + 3u]);
#endif
}

void store(uint m, uint at, float y) {
    if (m == 0u) out_floats0[p.out_first[0] + at] = y;
    else if (m == 1u) out_floats1[p.out_first[1] + at] = y;
    else out_floats2[p.out_first[2] + at] = y;
}

// What follows the product `y` of weight row `r` of the workgroup with activations `c` (of a gate, that of the first
// matrix), and its place.
void conclude(Place s, uint r, uint c, float y, float other, float all_squares) {
    uint rows = s.m == 0u ? p.n[0] : s.m == 1u ? p.n[1] : p.n[2];
    if (NORM) {
        float factor = 1.0 / sqrt(all_squares / float(p.k) + p.eps);
        y *= factor;
        other *= factor;
    }
    if (GATE != 0u) {
        float inner = GATE == 1u ? y : y * (y * y * 0.0713548162726 + 1.59576912161);
        y = y / (1.0 + exp_near(-inner)) * other;
    }
    if (s.first + r < rows) {
        uint at = c * rows + s.first + r;
        if (ADD) y += added_floats[p.added_first + at];
        store(s.m, at, y);
    }
}
