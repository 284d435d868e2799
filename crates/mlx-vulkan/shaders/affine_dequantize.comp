#version 450
// MLX's affine quantization undone, bit for bit as on the processor: the product is rounded, then the sum. An invocation
// for eight elements; rows lie one after another.
#extension GL_GOOGLE_include_directive : require
#include ELEMENT
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint BITS = 4;
layout(constant_id = 2) const uint GROUP = 64;
layout(set = 0, binding = 0) readonly buffer Codes { uint code_words[]; };
layout(set = 0, binding = 1) readonly buffer Scales { uint scale_words[]; };
layout(set = 0, binding = 2) readonly buffer Biases { uint bias_words[]; };
layout(set = 0, binding = 3) writeonly buffer Result { uint out_words[]; };
layout(push_constant) uniform Push {
    uint count;                     // elements
    uint codes_first, out_first;    // words
    uint scales_first, biases_first;  // elements
} p;
#include "common/codes.glsl"

float value(float code, float scale, float bias) {
    precise float x = code * scale;
    x = element(word_of(x, 0.0), 0u);
    precise float y = x + bias;
    return y;
}

void main() {
    uint chunk = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    uint i = chunk * 8u;
    if (i < p.count) {
        uint s = p.scales_first + i / GROUP, b = p.biases_first + i / GROUP;
        float scale = element(scale_words[s / PER_WORD], s), bias = element(bias_words[b / PER_WORD], b);
        // Whole words hold 32 codes: bits are counted from there, so that they stay small.
        uvec2 x = eight(p.codes_first + i / 32u * BITS, i % 32u * BITS);
        for (uint j = 0; j < 8u; j += PER_WORD) {
            float first = value(float(code(x, j)), scale, bias);
            float second = PER_WORD == 2 ? value(float(code(x, j + 1u)), scale, bias) : 0.0;
            out_words[p.out_first + (i + j) / PER_WORD] = word_of(first, second);
        }
    }
}
