// Four elements of f32.
#define FOUR_WORDS vec4
#define RAW vec4
#define RAW_FOUR(rows, base, i, fours) rows[(base) + (i)]
#define FOUR_OF(raw, i) four(raw)
vec4 four(vec4 w) { return w; }
