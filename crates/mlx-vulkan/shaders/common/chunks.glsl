// Operands in chunks of 16 bytes.
#if PER_WORD == 2
const uint CHUNK = 8;
#define ELEMENT_BITS(words, at) ((words[(at) >> 1] >> (((at) & 1u) << 4)) & 0xffffu)
#define PIECE(words, at, step, q, count) \
    ((2u * q < count ? ELEMENT_BITS(words, at + 2u * q * step) : 0u) \
     | ((2u * q + 1u < count ? ELEMENT_BITS(words, at + (2u * q + 1u) * step) : 0u) << 16))
vec2 pair(uint word) { return QUICK ? quick_pair(word) : vec2(element(word, 0u), element(word, 1u)); }
void unpack(uvec4 raw, out vec4 low, out vec4 high) {
    low = vec4(pair(raw.x), pair(raw.y));
    high = vec4(pair(raw.z), pair(raw.w));
}
#else
const uint CHUNK = 4;
#define PIECE(words, at, step, q, count) (q < count ? words[at + q * step] : 0u)
void unpack(uvec4 raw, out vec4 low, out vec4 high) {
    low = uintBitsToFloat(raw);
    high = vec4(0.0);
}
#endif
#define GATHER(words, at, step, count) \
    uvec4(PIECE(words, at, step, 0u, count), PIECE(words, at, step, 1u, count), PIECE(words, at, step, 2u, count), \
          PIECE(words, at, step, 3u, count))
