// Eight codes from the bit on that `at` counts from word `first` on, moved to the low end of two words.
uvec2 eight(uint first, uint at) {
    uint w = first + (at >> 5), s = at & 31u;
    uint low = code_words[w];
    uint high = s + 8u * BITS > 32u ? code_words[w + 1u] : 0u;
    return s == 0u ? uvec2(low, high) : uvec2((low >> s) | (high << (32u - s)), high >> s);
}
// Code j of eight.
uint code(uvec2 x, uint j) {
    uint at = j * BITS;
    uint low = at < 32u ? x.x >> (at & 31u) : x.y >> (at & 31u);
    uint high = at < 32u && at + BITS > 32u ? x.y << (32u - at) : 0u;
    return (low | high) & ((1u << BITS) - 1u);
}
void eight_codes(uvec2 x, out vec4 low, out vec4 high) {
    low = vec4(code(x, 0u), code(x, 1u), code(x, 2u), code(x, 3u));
    high = vec4(code(x, 4u), code(x, 5u), code(x, 6u), code(x, 7u));
}
