// Bytes of a buffer of words that may begin anywhere.
#include "numbers.glsl"
layout(local_size_x_id = 0) in;
// Every row of weights is whole runs of 16 bytes.
layout(constant_id = 9) const bool WIDE_WEIGHTS = false;
// The device's own conversion of f16 is used.
layout(constant_id = 10) const bool QUICK = false;
#ifdef MATRICES
// Several matrices, of which one is read at a time. Where the choice is known when a pipeline is made, nothing is left
// of it.
layout(set = 0, binding = 0) readonly buffer Weights0 { uint w_words0[]; };
layout(set = 0, binding = 1) readonly buffer Weights1 { uint w_words1[]; };
layout(set = 0, binding = 2) readonly buffer Weights2 { uint w_words2[]; };
layout(set = 0, binding = 0) readonly buffer WeightVectors0 { uvec4 w_vectors0[]; };
layout(set = 0, binding = 1) readonly buffer WeightVectors1 { uvec4 w_vectors1[]; };
layout(set = 0, binding = 2) readonly buffer WeightVectors2 { uvec4 w_vectors2[]; };
uint matrix;
uint weight_word(uint i) {
    if (matrix == 0u) return w_words0[i];
    if (matrix == 1u) return w_words1[i];
    return w_words2[i];
}
uvec4 weight_vector(uint i) {
    if (matrix == 0u) return w_vectors0[i];
    if (matrix == 1u) return w_vectors1[i];
    return w_vectors2[i];
}
#else
layout(set = 0, binding = 0) readonly buffer Weights { uint w_words[]; };
layout(set = 0, binding = 0) readonly buffer WeightVectors { uvec4 w_vectors[]; };
uint weight_word(uint i) { return w_words[i]; }
uvec4 weight_vector(uint i) { return w_vectors[i]; }
#endif

// The four bytes from byte `at` on. The second word is read only if some of them lie in it.
uint bytes4(uint at) {
    uint i = at >> 2, s = (at & 3u) << 3;
    uint x = weight_word(i);
    return s == 0u ? x : (x >> s) | (weight_word(i + 1u) << (32u - s));
}
// The two bytes from byte `at` on.
uint bytes2(uint at) {
    uint i = at >> 2, s = (at & 3u) << 3;
    uint x = weight_word(i) >> s;
    return (s == 24u ? x | (weight_word(i + 1u) << 8) : x) & 0xffffu;
}
uint byte1(uint at) {
    return (weight_word(at >> 2) >> ((at & 3u) << 3)) & 0xffu;
}
// Both halves of a word.
vec2 half_pair(uint x) { return QUICK ? unpackHalf2x16(x) : vec2(half_value(x & 0xffffu), half_value(x >> 16)); }
// Bytes of a word, the low one first.
uvec4 split(uint x) {
    return (uvec4(x) >> uvec4(0, 8, 16, 24)) & 0xffu;
}
vec4 signed_split(uint x) {
    return vec4((ivec4(x) << ivec4(24, 16, 8, 0)) >> 24);
}
