// Cumulative operations on complex numbers; extremes by real, then imaginary part.
#include "../common/math.glsl"
#define VALUE vec2

bool nan(VALUE x) { return is_nan(x.x) || is_nan(x.y); }
bool less(VALUE a, VALUE b) { return a.x < b.x || (a.x == b.x && a.y < b.y); }
VALUE combine(VALUE a, VALUE x) {
    if (KIND == SUM) return a + x;
    if (KIND == PROD) {
        precise VALUE product = VALUE(a.x * x.x - a.y * x.y, a.x * x.y + a.y * x.x);
        return product;
    }
    bool better = KIND == MIN ? less(x, a) : less(a, x);
    return !nan(a) && (nan(x) || better) ? x : a;
}
VALUE value(uint first, uint second) { return uintBitsToFloat(uvec2(first, second)); }
VALUE element(uint i) { return uintBitsToFloat(uvec2(x_words[2u * i], x_words[2u * i + 1u])); }
VALUE carried(uint i) { return uintBitsToFloat(uvec2(carries[2u * i], carries[2u * i + 1u])); }
void put(uint i, VALUE v) {
    out_words[p.out_first + 2u * i] = floatBitsToUint(v.x);
    out_words[p.out_first + 2u * i + 1u] = floatBitsToUint(v.y);
}
