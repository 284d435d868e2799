// Cumulative operations on f32, f16 and bf16, all in f32.
#include "../common/math.glsl"
#include "../common/numbers.glsl"
#define VALUE float
layout(constant_id = 2) const uint FORMAT = 0;  // 0: f32, 1: f16, 2: bf16

// ln(1 + x) for x in [0, 1]: the series of the inverse hyperbolic tangent.
float log1p_near(float x) {
    float s = x / (2.0 + x), t = s * s;
    float sum = 1.0 / 15.0;
    sum = sum * t + 1.0 / 13.0;
    sum = sum * t + 1.0 / 11.0;
    sum = sum * t + 1.0 / 9.0;
    sum = sum * t + 1.0 / 7.0;
    sum = sum * t + 0.2;
    sum = sum * t + 1.0 / 3.0;
    return 2.0 * (s + s * t * sum);
}

VALUE combine(VALUE a, VALUE x) {
    if (KIND == SUM) return a + x;
    if (KIND == PROD) return a * x;
    if (KIND == MIN) return x < a || is_nan(x) ? x : a;
    if (KIND == MAX) return x > a || is_nan(x) ? x : a;
    if (is_nan(a) || is_nan(x)) return uintBitsToFloat(0x7fc00000u);
    float high = a > x ? a : x, low = a > x ? x : a;
    return low == -INFINITE || high == INFINITE ? high : high + log1p_near(exp_near(low - high));
}
VALUE value(uint first, uint second) { return uintBitsToFloat(first); }
VALUE element(uint i) {
    if (FORMAT == 0u) return uintBitsToFloat(x_words[i]);
    uint bits = (x_words[i >> 1] >> ((i & 1u) << 4)) & 0xffffu;
    return FORMAT == 1u ? half_value(bits) : brain_value(bits);
}
VALUE carried(uint i) { return uintBitsToFloat(carries[i]); }
void put(uint i, VALUE v) { out_words[p.out_first + i] = floatBitsToUint(v); }
