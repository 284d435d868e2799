// Four elements of f16.
#define FOUR_WORDS uvec2
#define FOUR(rows, base, i, fours) four(rows[(base) + (i)])
vec4 four(uvec2 w) { return vec4(unpackHalf2x16(w.x), unpackHalf2x16(w.y)); }
