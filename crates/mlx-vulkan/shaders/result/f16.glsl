// Words of results of f16, where they differ in type from what is read.
#include "../common/numbers.glsl"
#define RESULT_PER_WORD 2
uint result_word(float a, float b) { return half_bits(a) | (half_bits(b) << 16); }
