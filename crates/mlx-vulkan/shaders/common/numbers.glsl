// Numbers of 16 bits by integer arithmetic: exact on every device, with denormals, infinities and NaN.
#ifndef NUMBERS
#define NUMBERS

// The value of an f16.
float half_value(uint h) {
    uint sign = (h & 0x8000u) << 16, e = (h >> 10) & 31u, m = h & 0x3ffu;
    float tiny = uintBitsToFloat(floatBitsToUint(float(m) * 5.9604644775390625e-8) | sign);
    uint bits = sign | ((h & 0x7fffu) << 13);
    return e == 0u ? tiny : uintBitsToFloat(bits + (e == 31u ? 0x70000000u : 0x38000000u));
}
float brain_value(uint b) { return uintBitsToFloat(b << 16); }
// To the nearest, of two the even one.
uint half_bits(float x) {
    uint u = floatBitsToUint(x), sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu;
    if (a > 0x7f800000u) return sign | 0x7e00u;
    if (a >= 0x477ff000u) return sign | 0x7c00u;
    // The last bit of 0.5 is the smallest f16.
    if (a < 0x38800000u) return sign | (floatBitsToUint(uintBitsToFloat(a) + 0.5) - 0x3f000000u);
    return sign | ((a + 0xfffu + ((a >> 13) & 1u) - 0x38000000u) >> 13);
}
uint brain_bits(float x) {
    uint u = floatBitsToUint(x);
    if ((u & 0x7fffffffu) > 0x7f800000u) return (u >> 16) | 0x40u;
    return (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
}
#endif
