// Cumulative operations on integers of up to 32 bits and bool; what is carried is wider than the result.
#define VALUE uint
layout(constant_id = 2) const uint FORMAT = 4;  // bytes; 0: bool
layout(constant_id = 3) const bool SIGNED = false;

bool less(VALUE a, VALUE b) { return SIGNED ? int(a) < int(b) : a < b; }
VALUE combine(VALUE a, VALUE x) {
    if (KIND == SUM) return a + x;
    if (KIND == PROD) return a * x;
    if (KIND == MIN) return less(x, a) ? x : a;
    return less(a, x) ? x : a;
}
VALUE value(uint first, uint second) { return first; }
VALUE element(uint i) {
    if (FORMAT == 4u) return x_words[i];
    const uint bits = FORMAT == 2u ? 16u : 8u;
    const uint in_word = 32u / bits;
    uint x = x_words[i / in_word] >> (i % in_word * bits);
    uint up = x << (32u - bits);
    x = SIGNED ? uint(int(up) >> (32u - bits)) : up >> (32u - bits);
    return FORMAT == 0u ? min(x, 1u) : x;
}
VALUE carried(uint i) { return carries[i]; }
void put(uint i, VALUE v) { out_words[p.out_first + i] = v; }
