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
// Two blocks of a half and so many words each, from byte `at` on, a multiple of four: neighbours read whole words that
// lie apart by an odd number, which do not meet in a bank. They are kept as they lie: nothing is done with them before
// they are used, so that they need not be there sooner.
#define TWO_BLOCKS(count) \
    struct Piece { \
        uint raw[2 * count + 1]; \
    }; \
    void fetch_blocks(uint at, out Piece p) { \
        [[unroll]] for (uint j = 0; j < 2 * count + 1; j++) p.raw[j] = weight_word((at >> 2) + j); \
    } \
    float half_of(Piece p, uint b) { return half_value(b == 0u ? p.raw[0] & 0xffffu : p.raw[count] >> 16); } \
    uint word_of_block(Piece p, uint b, uint j) { \
        return b == 0u ? (p.raw[j] >> 16) | (p.raw[j + 1u] << 16) : p.raw[count + 1u + j]; \
    }
// The words that hold two from byte `at` on, an even place. The third is read only if it holds some of them.
struct Pair {
    uint raw[3];
};
Pair fetch_pair(uint at) {
    uint i = at >> 2;
    return Pair(uint[3](weight_word(i), weight_word(i + 1u), (at & 2u) != 0u ? weight_word(i + 2u) : 0u));
}
uvec2 pair_at(Pair p, uint at) {
    if ((at & 2u) == 0u) return uvec2(p.raw[0], p.raw[1]);
    return uvec2((p.raw[0] >> 16) | (p.raw[1] << 16), (p.raw[1] >> 16) | (p.raw[2] << 16));
}
uvec2 even_pair(uint at) { return pair_at(fetch_pair(at), at); }
// Sixteen bytes from byte `at` on, a multiple of 16.
uvec4 sixteen(uint at) { return weight_vector(at >> 4); }
// Four bits, each as the fifth of a byte.
uint fifths(uint h) { return (((h & 15u) * 0x00204081u) & 0x01010101u) << 4; }
