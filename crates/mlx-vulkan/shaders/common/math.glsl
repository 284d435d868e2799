// Functions whose precision GLSL leaves open, to an ulp or two on every device.
const float INFINITE = uintBitsToFloat(0x7f800000u);

// By the bits: comparisons with NaN may be optimised away.
bool is_nan(float x) { return (floatBitsToUint(x) & 0x7fffffffu) > 0x7f800000u; }

// 2^n for n in [-126, 127].
float power_of_two(int n) { return uintBitsToFloat(uint(n + 127) << 23); }

// Cody and Waite's reduction by ln 2; the polynomial is that of Cephes' expf.
float exp_near(float x) {
    if (is_nan(x)) return x;
    if (x > 88.8) return INFINITE;
    if (x < -104.0) return 0.0;
    float n = round(x * 1.44269504);
    float r = (x - n * 0.693359375) + n * 2.12194440e-4;
    float y = 1.9875691500e-4;
    y = y * r + 1.3981999507e-3;
    y = y * r + 8.3334519073e-3;
    y = y * r + 4.1665795894e-2;
    y = y * r + 1.6666665459e-1;
    y = y * r + 5.0000001201e-1;
    y = y * r * r + r + 1.0;
    int whole = int(n), half_way = whole / 2;
    return y * power_of_two(half_way) * power_of_two(whole - half_way);
}

// Cosine and sine of angles up to 2^16·π/2, beyond which f32 holds no angle of use. Reduction by π/2 in three parts
// whose products with the count are exact; polynomials of Cephes' sinf and cosf.
vec2 cos_sin(float x) {
    float n = round(x * 0.636619772);
    float r = ((x - n * 1.5703125) - n * 4.837512969970703125e-4) - n * 7.549789948768648e-8;
    float r2 = r * r;
    float s = ((-1.9515295891e-4 * r2 + 8.3321608736e-3) * r2 - 1.6666654611e-1) * r2 * r + r;
    float c = ((2.443315711809948e-5 * r2 - 1.388731625493765e-3) * r2 + 4.166664568298827e-2) * r2 * r2 - 0.5 * r2 + 1.0;
    int quarter = int(n) & 3;
    vec2 cs = (quarter & 1) == 0 ? vec2(c, s) : vec2(s, c);
    return vec2(quarter == 1 || quarter == 2 ? -cs.x : cs.x, quarter >= 2 ? -cs.y : cs.y);
}
