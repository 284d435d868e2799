// Four elements of bf16.
#define FOUR_WORDS uvec2
#define FOUR(rows, base, i, fours) four(rows[(base) + (i)])
vec4 four(uvec2 w) {
    return uintBitsToFloat(uvec4(w.x << 16, w.x & 0xffff0000u, w.y << 16, w.y & 0xffff0000u));
}
