// Words of results of f32, where they differ in type from what is read.
#define RESULT_PER_WORD 1
uint result_word(float a, float b) { return floatBitsToUint(a); }
