// Bytes of a buffer of words that may begin anywhere.
#include "numbers.glsl"
layout(local_size_x_id = 0) in;
layout(set = 0, binding = 0) readonly buffer Weights { uint w_words[]; };

// The four bytes from byte `at` on. The second word is read only if some of them lie in it.
uint bytes4(uint at) {
    uint i = at >> 2, s = (at & 3u) << 3;
    uint x = w_words[i];
    return s == 0u ? x : (x >> s) | (w_words[i + 1u] << (32u - s));
}
// The two bytes from byte `at` on.
uint bytes2(uint at) {
    uint i = at >> 2, s = (at & 3u) << 3;
    uint x = w_words[i] >> s;
    return (s == 24u ? x | (w_words[i + 1u] << 8) : x) & 0xffffu;
}
uint byte1(uint at) {
    return (w_words[at >> 2] >> ((at & 3u) << 3)) & 0xffu;
}
// Bytes of a word, the low one first.
uvec4 split(uint x) {
    return (uvec4(x) >> uvec4(0, 8, 16, 24)) & 0xffu;
}
vec4 signed_split(uint x) {
    return vec4((ivec4(x) << ivec4(24, 16, 8, 0)) >> 24);
}
