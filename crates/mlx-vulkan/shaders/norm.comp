#version 450
// Norms of rows: x / rms(x) or, CENTRED, (x - mean) / deviation; times a weight, plus a bias. A workgroup for each row.
#extension GL_GOOGLE_include_directive : require
#include ELEMENT
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool CENTRED = false;
layout(constant_id = 2) const bool WEIGHT = false;
layout(constant_id = 3) const bool BIAS = false;
layout(set = 0, binding = 0) readonly buffer Input { uint x_words[]; };
// Bound to the input where there is none.
layout(set = 0, binding = 1) readonly buffer Weight { uint weight_words[]; };
layout(set = 0, binding = 2) readonly buffer Bias { uint bias_words[]; };
layout(set = 0, binding = 3) writeonly buffer Output { uint out_words[]; };
layout(push_constant) uniform Push {
    uint rows;
    uint n;             // elements of a row
    uint x_first;       // element, as the two below
    uint weight_first;
    uint bias_first;
    uint out_first;     // word
    float eps;
} p;
#include "common/group.glsl"

void main() {
    uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x;
    uint row = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    // Workgroups beyond the last row compute it again and store nothing.
    uint base = p.x_first + min(row, p.rows - 1u) * p.n;
    float mean = 0.0;
    if (CENTRED) {
        float sum = 0.0;
        for (uint i = lane; i < p.n; i += size) sum += element(x_words[(base + i) / PER_WORD], base + i);
        mean = group_sum(sum) / float(p.n);
    }
    float squares = 0.0;
    for (uint i = lane; i < p.n; i += size) {
        float x = element(x_words[(base + i) / PER_WORD], base + i) - mean;
        squares += x * x;
    }
    float factor = 1.0 / sqrt(group_sum(squares) / float(p.n) + p.eps);
    if (row >= p.rows) return;
    uint words = p.n / PER_WORD;
    for (uint w = lane; w < words; w += size) {
        float y[2];
        y[1] = 0.0;
        for (uint j = 0; j < PER_WORD; j++) {
            uint i = w * PER_WORD + j, at = base + i;
            y[j] = (element(x_words[at / PER_WORD], at) - mean) * factor;
            if (WEIGHT) {
                uint from = p.weight_first + i;
                y[j] *= element(weight_words[from / PER_WORD], from);
            }
            if (BIAS) {
                uint from = p.bias_first + i;
                y[j] += element(bias_words[from / PER_WORD], from);
            }
        }
        out_words[p.out_first + row * words + w] = word_of(y[0], y[1]);
    }
}
