// Four numbers of a row in 8 bits: codes, and behind those of a row of so many fours the scales, two in a word and each
// for eight fours.
#define FOUR_WORDS uint
#define RAW uvec2
#define RAW_FOUR(rows, base, i, fours) uvec2(rows[(base) + (i)], rows[(base) + (fours) + ((i) >> 4)])
#define FOUR_OF(raw, i) (codes((raw).x) * unit((raw).y, i))
vec4 codes(uint w) {
    int x = int(w);
    return vec4(bitfieldExtract(x, 0, 8), bitfieldExtract(x, 8, 8), bitfieldExtract(x, 16, 8), bitfieldExtract(x, 24, 8));
}
// What a code of one stands for.
float unit(uint w, uint i) {
    vec2 scales = unpackHalf2x16(w);
    return ((i & 8u) == 0u ? scales.x : scales.y) * 0.0078740157;
}
