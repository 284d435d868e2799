// Four elements of f32.
#define FOUR_WORDS vec4
#define FOUR(rows, base, i, fours) four(rows[(base) + (i)])
vec4 four(vec4 w) { return w; }
