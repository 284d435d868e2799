// Weights of aligned rows by whole words.

// The half at byte `at`, an even place, and the words behind it.
#define WORDS_BEHIND_HALF(count) \
    void behind_half(uint at, out float d, out uint w[count]) { \
        uint i = at >> 2, x = weight_word(i); \
        bool high = (at & 2u) != 0u; \
        d = half_value(high ? x >> 16 : x & 0xffffu); \
        [[unroll]] for (uint j = 0; j < count; j++) { \
            uint next = weight_word(i + 1u + j); \
            w[j] = high ? next : (x >> 16) | (next << 16); \
            x = next; \
        } \
    }
// Two words from byte `at` on, an even place. The third is read only if it holds some of them.
uvec2 even_pair(uint at) {
    uint i = at >> 2;
    uvec2 x = uvec2(weight_word(i), weight_word(i + 1u));
    if ((at & 2u) == 0u) return x;
    return uvec2((x.x >> 16) | (x.y << 16), (x.y >> 16) | (weight_word(i + 2u) << 16));
}
// Sixteen bytes from byte `at` on, a multiple of 16.
uvec4 sixteen(uint at) { return weight_vector(at >> 4); }
// Four bits, each as the fifth of a byte.
uint fifths(uint h) { return (((h & 15u) * 0x00204081u) & 0x01010101u) << 4; }
