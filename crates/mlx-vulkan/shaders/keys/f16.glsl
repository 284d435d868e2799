// Four elements of f16.
#define FOUR_WORDS uvec2
#define RAW uvec2
#define RAW_FOUR(rows, base, i, fours) rows[(base) + (i)]
#define FOUR_OF(raw, i) four(raw)
vec4 four(uvec2 w) { return vec4(unpackHalf2x16(w.x), unpackHalf2x16(w.y)); }
