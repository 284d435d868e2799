// Convolutions as products of matrices, a batch for each group of channels. A row of a is what a place of the result sees,
// in the order of a row of weights: the elements of the kernel, all channels of each. It is read from the input while a
// tile is loaded; the matrix never exists. Axes of space are 0 to 2, the last one innermost; those that are not there
// have size 1.
layout(local_size_x_id = 0) in;
const bool A_ALONG_K = true, B_ALONG_K = true;
// Chunks are whole words of 16 bytes; what is seen in one lies in one element of the kernel.
layout(constant_id = 2) const bool A_WIDE = false;
layout(constant_id = 4) const bool B_WIDE = false;
// There are zeros between the elements of the input.
layout(constant_id = 5) const bool SPREAD = false;
// Results are f32 sums of parts of the terms.
layout(constant_id = 6) const bool PARTS = false;
// The device's own conversion of f16 is used.
layout(constant_id = 7) const bool QUICK = false;
layout(set = 0, binding = 0) readonly buffer A { uint a_words[]; };
layout(set = 0, binding = 0) readonly buffer AVectors { uvec4 a_vectors[]; };
layout(set = 0, binding = 1) readonly buffer B { uint b_words[]; };
layout(set = 0, binding = 1) readonly buffer BVectors { uvec4 b_vectors[]; };
layout(set = 0, binding = 2) writeonly buffer Result { uint out_words[]; };
layout(push_constant) uniform Push {
    uint m, n, k;                      // places, features and terms of a group
    uint a_first, b_first, out_first;  // elements
    uint batches;                      // groups
    uint terms;                        // of a part
    uint parts;
    uint channels;                     // of a group
    uint kernel_1, kernel_2;
    int places[3];
    int stride[3];
    int low[3];                        // how far before the input the first place begins
    int pace[3];                       // from one element of the kernel to the next; negative if it is read backwards
    int spread[3];                     // from one element of the input to the next
    int size[3];
} p;
#include "chunks.glsl"

// How many of `most` there are from `i` on before `end`.
uint left(uint i, uint end, uint most) { return i < end ? min(end - i, most) : 0u; }
uint group_index() { return gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x; }
// The largest whole number that is not above a / b.
int floor_of(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }
// An element of the input in the order of its places.
int line_of(ivec3 at) { return (at[0] * p.size[1] + at[1]) * p.size[2] + at[2]; }

// Where a place begins to see: at an element of the input, and so far behind it. Before the input they are negative.
struct Row {
    ivec3 first, behind;
    int line;
};
Row row_at(uint row) {
    uint at_2 = row % uint(p.places[2]), rest = row / uint(p.places[2]);
    uint at_1 = rest % uint(p.places[1]);
    rest /= uint(p.places[1]);
    uint at_0 = rest % uint(p.places[0]), image = rest / uint(p.places[0]);
    ivec3 at = ivec3(at_0, at_1, at_2);
    Row r;
    r.behind = ivec3(0);
    [[unroll]] for (uint d = 0; d < 3u; d++) {
        int from = at[d] * p.stride[d] - p.low[d];
        r.first[d] = SPREAD ? floor_of(from, p.spread[d]) : from;
        if (SPREAD) r.behind[d] = from - r.first[d] * p.spread[d];
    }
    r.line = int(image) * p.size[0] * p.size[1] * p.size[2] + line_of(r.first);
    return r;
}

// A term: a channel and an element of the kernel, which is so many elements of the input on, and so far behind that.
struct Tap {
    uint channel;
    ivec3 at, on, behind;
    int line;
    // What an element of the kernel adds.
    ivec3 next_on, next_behind;
};
Tap tap_at(uint k) {
    Tap t;
    t.channel = k % p.channels;
    uint rest = k / p.channels;
    t.at = ivec3(rest / p.kernel_2 / p.kernel_1, rest / p.kernel_2 % p.kernel_1, rest % p.kernel_2);
    t.behind = t.next_behind = ivec3(0);
    [[unroll]] for (uint d = 0; d < 3u; d++) {
        int far = t.at[d] * p.pace[d];
        t.on[d] = SPREAD ? floor_of(far, p.spread[d]) : far;
        t.next_on[d] = SPREAD ? floor_of(p.pace[d], p.spread[d]) : p.pace[d];
        if (SPREAD) t.behind[d] = far - t.on[d] * p.spread[d];
        if (SPREAD) t.next_behind[d] = p.pace[d] - t.next_on[d] * p.spread[d];
    }
    t.line = line_of(t.on);
    return t;
}
#define ONE_ON(t, d) \
    t.at[d]++; \
    t.on[d] += t.next_on[d]; \
    if (SPREAD) { \
        t.behind[d] += t.next_behind[d]; \
        if (t.behind[d] >= p.spread[d]) { \
            t.behind[d] -= p.spread[d]; \
            t.on[d]++; \
        } \
    }
#define ALL_BACK(t, d) t.at[d] = t.on[d] = t.behind[d] = 0;
// The next element of the kernel.
void next_element(inout Tap t) {
    ONE_ON(t, 2)
    if (t.at[2] == int(p.kernel_2)) {
        ALL_BACK(t, 2)
        ONE_ON(t, 1)
        if (t.at[1] == int(p.kernel_1)) {
            ALL_BACK(t, 1)
            ONE_ON(t, 0)
        }
    }
    t.line = line_of(t.on);
}
void advance(inout Tap t, uint terms) {
    t.channel += terms;
    while (t.channel >= p.channels) {
        t.channel -= p.channels;
        next_element(t);
    }
}

// Whether a place sees an element of the input in a term, and which from the group's first channel on.
bool sees(Row r, Tap t, out uint at) {
    ivec3 i = r.first + t.on;
    int line = r.line + t.line;
    bool there = true;
    if (SPREAD) {
        [[unroll]] for (uint d = 0; d < 3u; d++) {
            int behind = r.behind[d] + t.behind[d];
            bool whole = behind == p.spread[d];
            there = there && (whole || behind == 0);
            if (whole) i[d]++;
        }
        line += line_of(i - r.first - t.on);
    }
    at = uint(line) * (p.batches * p.channels) + t.channel;
    [[unroll]] for (uint d = 0; d < 3u; d++) there = there && uint(i[d]) < uint(p.size[d]);
    return there;
}

// A chunk of what a place sees, the first `count` of it; the rest is 0.
uvec4 seen(uint first, Row r, Tap t, uint count) {
    uint at;
    bool there = sees(r, t, at);
    if (A_WIDE) return there && count > 0u ? a_vectors[(first + at) / CHUNK] : uvec4(0);
    uvec4 chunk = uvec4(0);
    [[unroll]] for (uint q = 0; q < CHUNK; q++) {
        if (there && q < count) {
#if PER_WORD == 2
            chunk[q / 2u] |= ELEMENT_BITS(a_words, first + at) << ((q & 1u) << 4);
#else
            chunk[q] = a_words[first + at];
#endif
        }
        at++;
        t.channel++;
        if (t.channel == p.channels) {
            t.channel = 0u;
            next_element(t);
            there = sees(r, t, at);
        }
    }
    return chunk;
}
uvec4 b_chunk(uint at, uint count) {
    if (B_WIDE) return count > 0u ? b_vectors[at / CHUNK] : uvec4(0);
    return GATHER(b_words, at, 1u, count);
}
// An invocation has the same terms of all its rows, since the chunks of a row divide a workgroup.
#define A_ROWS(t, loads, runs) \
    Row rows[loads]; \
    [[unroll]] for (uint i = 0; i < loads; i++) rows[i] = row_at(t.row + spot(lane + i * SIZE, runs).y); \
    Tap tap = tap_at(t.s.first + lane % (runs) * CHUNK);
#define A_FETCH(s, i, row, k, count) seen(s.a, rows[i], tap, count)
#define A_ON advance(tap, BK);
#define B_PLACE(column, k) column * p.k + k

// A group and its terms.
struct Share {
    uint batch, part;
    uint a, b;        // elements
    uint first, end;  // terms
};
Share share(uint batch, uint part) {
    Share s;
    s.batch = batch;
    s.part = part;
    s.a = p.a_first + batch * p.channels;
    s.b = p.b_first + batch * p.n * p.k;
    s.first = min(part * p.terms, p.k);
    s.end = min(s.first + p.terms, p.k);
    return s;
}

// Stores the first `count` of four neighbours in row i from column j on.
void put(Share s, uint i, uint j, vec4 v, uint count) {
    uint at = p.out_first + ((PARTS ? s.part * p.m : 0u) + i) * (p.batches * p.n) + s.batch * p.n + j;
    if (PARTS || PER_WORD == 1) {
        [[unroll]] for (uint q = 0; q < 4u; q++) if (q < count) out_words[at + q] = floatBitsToUint(v[q]);
    } else {
        if (count > 0u) out_words[at / PER_WORD] = word_of(v.x, v.y);
        if (count > 2u) out_words[at / PER_WORD + 1u] = word_of(v.z, v.w);
    }
}
