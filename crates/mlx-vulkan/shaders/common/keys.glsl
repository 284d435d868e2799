// Elements of any dtype and their keys.
layout(constant_id = 3) const uint SIZE = 4;    // bytes of an element
layout(constant_id = 4) const uint CLASS = 0;   // of numbers
layout(constant_id = 5) const uint INFINITE = 0;  // the bits of infinity
const uint SIGNED = 1, FLOAT = 2, COMPLEX = 3;
const uint MASK = 0xffffffffu >> (SIZE >= 4u ? 0u : 32u - 8u * SIZE);
const uint TOP = MASK ^ (MASK >> 1);

uint float_key(uint x) {
    uint size = x & ~TOP;
    // A negative zero counts as zero.
    uint key = x > TOP ? ~x & MASK : size | TOP;
    return size > INFINITE ? MASK : key;
}
// `x` is the word that holds the element, its first of two.
uvec2 key_of(uint x, uint second, uint i) {
    if (SIZE < 4u) x = (x >> ((i * SIZE & 3u) << 3)) & MASK;
    if (KEYS == 1u) return uvec2(CLASS == FLOAT ? float_key(x) : CLASS == SIGNED ? x ^ TOP : x, 0u);
    if (CLASS != COMPLEX) return uvec2(CLASS == SIGNED ? second ^ TOP : second, x);
    bool nan = (x & ~TOP) > INFINITE || (second & ~TOP) > INFINITE;
    return nan ? uvec2(MASK) : uvec2(float_key(x), float_key(second));
}
// The element's words; of NaN some NaN, of zero the positive one. Not for complex ones.
uvec2 value_of(uvec2 key) {
    if (KEYS == 2u) return uvec2(key.y, CLASS == SIGNED ? key.x ^ TOP : key.x);
    uint x = CLASS == FLOAT ? ((key.x & TOP) != 0u ? key.x & ~TOP : ~key.x & MASK) : CLASS == SIGNED ? key.x ^ TOP : key.x;
    return uvec2(x, 0u);
}
