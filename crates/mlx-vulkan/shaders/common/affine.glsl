// A factor in MLX's affine quantization: rows of codes of BITS bits, the first in the low bits, and for each GROUP of them
// a scale and a bias. Steps of b count rows.
layout(constant_id = 16) const uint BITS = 4;
layout(constant_id = 17) const uint GROUP = 64;
layout(set = 0, binding = 1) readonly buffer Codes { uint code_words[]; };
layout(set = 0, binding = 1) readonly buffer CodePairs { uvec2 code_pairs[]; };
layout(set = 0, binding = 1) readonly buffer CodeVectors { uvec4 code_vectors[]; };
layout(set = 0, binding = 2) readonly buffer Scales { uint scale_words[]; };
layout(set = 0, binding = 3) readonly buffer Biases { uint bias_words[]; };
// There is no addend: its place holds those of scales and biases.
#define SCALES_FIRST p.c_first
#define BIASES_FIRST p.c_m

float scale_of(uint group) {
    uint at = SCALES_FIRST + group;
    return element(scale_words[at / PER_WORD], at);
}
float bias_of(uint group) {
    uint at = BIASES_FIRST + group;
    return element(bias_words[at / PER_WORD], at);
}
#include "codes.glsl"
