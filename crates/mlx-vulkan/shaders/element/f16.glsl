// Elements of f16, two in a word, the first in the low half.
#include "../common/numbers.glsl"
#define SCALAR float16_t
#define PER_WORD 2
float element(uint word, uint i) { return half_value((word >> ((i & 1u) << 4)) & 0xffffu); }
uint word_of(float a, float b) { return half_bits(a) | (half_bits(b) << 16); }
// Exact but for subnormal numbers, which some devices set to 0.
vec2 quick_pair(uint word) { return unpackHalf2x16(word); }
