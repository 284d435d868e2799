// Elements of f32 in words.
#define SCALAR float
#define PER_WORD 1
float element(uint word, uint i) { return uintBitsToFloat(word); }
uint word_of(float a, float b) { return floatBitsToUint(a); }
