#version 450
// MLX's affine quantization, bit for bit as on the processor. An invocation for each group, or for two whose scales share
// a word; rows lie one after another.
#extension GL_GOOGLE_include_directive : require
#include ELEMENT
#include "common/math.glsl"
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint BITS = 4;
layout(constant_id = 2) const uint GROUP = 64;
layout(set = 0, binding = 0) readonly buffer Input { uint x_words[]; };
layout(set = 0, binding = 1) writeonly buffer Codes { uint code_words[]; };
layout(set = 0, binding = 2) writeonly buffer Scales { uint scale_words[]; };
layout(set = 0, binding = 3) writeonly buffer Biases { uint bias_words[]; };
layout(push_constant) uniform Push {
    uint groups;
    uint x_first;                                  // element
    uint codes_first, scales_first, biases_first;  // words
} p;
#include "common/quotient.glsl"

float at(uint i) {
    uint from = p.x_first + i;
    return element(x_words[from / PER_WORD], from);
}

// Scale and bias of group g; its codes are stored.
vec2 encode(uint g) {
    const float MOST = float((1u << BITS) - 1u);
    float low = INFINITE, high = -INFINITE;
    for (uint i = 0; i < GROUP; i++) {
        float x = at(g * GROUP + i);
        low = !is_nan(x) && x < low ? x : low;
        high = !is_nan(x) && x > high ? x : high;
    }
    precise float spread = high - low;
    float scale, bias;
    if (BITS == 1) {
        scale = !is_nan(spread) && spread > 1e-7 ? spread : 1e-7;
        bias = low;
    } else {
        bool low_edge = abs(low) > abs(high);
        float unit = quotient(spread, MOST);
        scale = !is_nan(unit) && unit > 1e-7 ? unit : 1e-7;
        scale = low_edge ? scale : -scale;
        float edge = low_edge ? low : high;
        // The code of the edge is a whole number, so that zero has one too.
        float whole = roundEven(quotient(edge, scale));
        bias = whole != 0.0 ? edge : 0.0;
        scale = whole != 0.0 ? quotient(edge, whole) : scale;
    }
    uint held = 0, have = 0, word = p.codes_first + g * (GROUP / 32u) * BITS;
    for (uint i = 0; i < GROUP; i++) {
        precise float x = at(g * GROUP + i) - bias;
        float q = roundEven(quotient(x, scale));
        uint c = is_nan(q) || !(q > 0.0) ? 0u : uint(min(q, MOST));
        held |= c << have;
        have += BITS;
        if (have >= 32u) {
            code_words[word] = held;
            word++;
            have -= 32u;
            held = have > 0u ? c >> (BITS - have) : 0u;
        }
    }
    return vec2(scale, bias);
}

void main() {
    uint word = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    uint g = word * PER_WORD;
    if (g < p.groups) {
        vec2 first = encode(g), second = vec2(0.0);
        if (PER_WORD == 2 && g + 1u < p.groups) second = encode(g + 1u);
        scale_words[p.scales_first + word] = word_of(first.x, second.x);
        bias_words[p.biases_first + word] = word_of(first.y, second.y);
    }
}
