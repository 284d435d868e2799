// Four elements of f32.
#define FOUR_WORDS vec4
vec4 four(vec4 w) { return w; }
