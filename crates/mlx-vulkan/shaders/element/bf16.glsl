// Elements of bf16, two in a word, the first in the low half.
#include "../common/numbers.glsl"
#define SCALAR bfloat16_t
#define PER_WORD 2
float element(uint word, uint i) { return brain_value((word >> ((i & 1u) << 4)) & 0xffffu); }
uint word_of(float a, float b) { return brain_bits(a) | (brain_bits(b) << 16); }
vec2 quick_pair(uint word) { return uintBitsToFloat(uvec2(word << 16, word & 0xffff0000u)); }
