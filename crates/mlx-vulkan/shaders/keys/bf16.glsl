// Four elements of bf16.
#define FOUR_WORDS uvec2
#define RAW uvec2
#define RAW_FOUR(rows, base, i, fours) rows[(base) + (i)]
#define FOUR_OF(raw, i) four(raw)
vec4 four(uvec2 w) {
    return uintBitsToFloat(uvec4(w.x << 16, w.x & 0xffff0000u, w.y << 16, w.y & 0xffff0000u));
}
