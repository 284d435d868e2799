// Operands and results of products out = a·b, or alpha·a·b + beta·c, in batches; a (m, k), b (k, n). Operands are read
// in chunks of 16 bytes, by their strides where they are not aligned. A product may be computed in parts of the summed
// dimension, which are added up afterwards.
layout(local_size_x_id = 0) in;
// Chunks of a run along the summed dimension, else along its rows; they are whole words of 16 bytes.
layout(constant_id = 1) const bool A_ALONG_K = true;
layout(constant_id = 2) const bool A_WIDE = false;
layout(constant_id = 3) const bool B_ALONG_K = true;
layout(constant_id = 4) const bool B_WIDE = false;
layout(constant_id = 5) const bool ADD = false;
// Results are f32 sums of parts of the terms.
layout(constant_id = 6) const bool PARTS = false;
// The device's own conversion of f16 is used.
layout(constant_id = 7) const bool QUICK = false;
layout(set = 0, binding = 0) readonly buffer A { uint a_words[]; };
layout(set = 0, binding = 0) readonly buffer AVectors { uvec4 a_vectors[]; };
#ifdef AFFINE
#define OUT_BINDING 4
#else
#define OUT_BINDING 3
layout(set = 0, binding = 1) readonly buffer B { uint b_words[]; };
layout(set = 0, binding = 1) readonly buffer BVectors { uvec4 b_vectors[]; };
// Bound to a where there is none.
layout(set = 0, binding = 2) readonly buffer C { uint c_words[]; };
#endif
layout(set = 0, binding = OUT_BINDING) writeonly buffer Result { uint out_words[]; };
#ifdef GATHERED
// Which factors are chosen by indices, and of those the ones whose indices may be negative; bound to a where there are
// none.
layout(constant_id = 19) const bool A_CHOSEN = false;
layout(constant_id = 20) const bool B_CHOSEN = false;
layout(constant_id = 21) const bool A_SIGNED = false;
layout(constant_id = 22) const bool B_SIGNED = false;
// Every row has a matrix of its own; rows with the same one follow each other.
layout(constant_id = 23) const bool RUNS = false;
layout(set = 0, binding = OUT_BINDING + 1) readonly buffer AIndices { uint a_indices[]; };
layout(set = 0, binding = OUT_BINDING + 2) readonly buffer BIndices { uint b_indices[]; };
#endif
layout(push_constant) uniform Push {
    uint m, n, k;
    uint a_first, b_first, c_first, out_first;  // elements, as all strides
    uint a_m, a_k, b_n, b_k, c_m, c_n, out_m, out_n;
#ifdef GATHERED
    uint a_index, b_index;                      // the first
#else
    float alpha, beta;
#endif
    uint batches, batch_1, batch_2;             // all; sizes of the two innermost dimensions
    // Steps over the batch: of the indices where a factor is chosen.
    uint a_batch[3], b_batch[3];
#ifdef GATHERED
    uint a_count, b_count, a_matrix;            // matrices to choose from; steps between them
#else
    uint c_batch[3];
#endif
    uint terms;                                 // of a part
    uint parts;
#ifdef GATHERED
    uint b_matrix;
#endif
} p;

#include "chunks.glsl"

// The chunk of a from element `at` on, of which the first `count` (at most CHUNK) are there; the others are 0.
uvec4 a_chunk(uint at, uint count) {
    if (A_WIDE) return count > 0u ? a_vectors[at / CHUNK] : uvec4(0);
    uint step = A_ALONG_K ? p.a_k : p.a_m;
    return GATHER(a_words, at, step, count);
}
#ifndef AFFINE
uvec4 b_chunk(uint at, uint count) {
    if (B_WIDE) return count > 0u ? b_vectors[at / CHUNK] : uvec4(0);
    uint step = B_ALONG_K ? p.b_k : p.b_n;
    return GATHER(b_words, at, step, count);
}
#endif

// How many of `most` there are from `i` on before `end`.
uint left(uint i, uint end, uint most) { return i < end ? min(end - i, most) : 0u; }

// Where an element of a factor lies in its matrix; what of a is read beside that.
#define A_ROWS(t, loads, runs)
#define A_FETCH(s, i, row, k, count) a_chunk(s.a + row * p.a_m + k * p.a_k, count)
#define A_ON
#define B_PLACE(column, k) column * p.b_n + k * p.b_k

// The matrices of a workgroup and its terms.
struct Share {
    uint batch, part;
    uint a, b, c;         // elements
    uint first, end;      // terms
};
#define BATCH_PLACE(at, steps) (at.x * steps[0] + at.y * steps[1] + at.z * steps[2])
#ifdef GATHERED
// Negative indices count from the end; what is out of range is the nearest that is not.
uint inside(uint index, uint count, bool negative) {
    if (negative && int(index) < 0) return uint(max(int(index) + int(count), 0));
    return min(index, count - 1u);
}
uint matrix_of(uint at) { return inside(b_indices[p.b_index + at], p.b_count, B_SIGNED); }
#endif
Share share(uint batch, uint part) {
    Share s;
    s.batch = batch;
    s.part = part;
    uvec3 at = uvec3(batch / (p.batch_1 * p.batch_2), batch / p.batch_2 % p.batch_1, batch % p.batch_2);
#ifdef GATHERED
    uint from = BATCH_PLACE(at, p.a_batch);
    s.a = p.a_first + (A_CHOSEN ? inside(a_indices[p.a_index + from], p.a_count, A_SIGNED) * p.a_matrix : from);
    from = BATCH_PLACE(at, p.b_batch);
    s.b = p.b_first;
    if (!RUNS) s.b += B_CHOSEN ? matrix_of(from) * p.b_matrix : from;
#else
    s.a = p.a_first + BATCH_PLACE(at, p.a_batch);
    s.b = p.b_first + BATCH_PLACE(at, p.b_batch);
    s.c = p.c_first + BATCH_PLACE(at, p.c_batch);
#endif
#ifdef AFFINE
    s.b -= p.b_first;
#endif
    s.first = min(part * p.terms, p.k);
    s.end = min(s.first + p.terms, p.k);
    return s;
}

// Stores the first `count` of four neighbours in row i from column j on.
void put(Share s, uint i, uint j, vec4 v, uint count) {
    uint at = p.out_first + ((PARTS ? s.part * p.batches : 0u) + s.batch) * (p.m * p.n) + i * p.out_m + j * p.out_n;
#if !defined(AFFINE) && !defined(GATHERED)
    if (ADD) {
        [[unroll]] for (uint q = 0; q < 4u; q++) {
            uint from = s.c + i * p.c_m + (j + q) * p.c_n;
            if (q < count) v[q] = p.alpha * v[q] + p.beta * element(c_words[from / PER_WORD], from);
        }
    }
#endif
    if (PARTS || PER_WORD == 1) {
        [[unroll]] for (uint q = 0; q < 4u; q++) if (q < count) out_words[at + q * p.out_n] = floatBitsToUint(v[q]);
    } else {
        if (count > 0u) out_words[at / PER_WORD] = word_of(v.x, v.y);
        if (count > 2u) out_words[at / PER_WORD + 1u] = word_of(v.z, v.w);
    }
}
uint group_index() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }
