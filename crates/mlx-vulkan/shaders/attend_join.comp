#version 450
// Adds up what workgroups of attend made of their parts of the keys: a workgroup for each query.
#extension GL_GOOGLE_include_directive : require
#include ELEMENT
#include "common/math.glsl"
layout(local_size_x_id = 0) in;
layout(set = 0, binding = 0) readonly buffer Parts { float parts[]; };
layout(set = 0, binding = 1) writeonly buffer Output { uint out_words[]; };
layout(push_constant) uniform Push {
    uint rows;
    uint splits;
    uint e;            // features of a value
    uint parts_first;  // element
    uint out_first;    // word
} p;

void main() {
    uint row = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    if (row >= p.rows) return;
    uint stride = p.e + 2u, base = p.parts_first + row * p.splits * stride;
    float most = -3.40282347e38;
    for (uint i = 0; i < p.splits; i++) {
        float x = parts[base + i * stride + p.e];
        most = x > most ? x : most;
    }
    uint words = p.e / PER_WORD;
    for (uint w = gl_LocalInvocationID.x; w < words; w += gl_WorkGroupSize.x) {
        float total = 0.0;
        float y[2];
        y[0] = 0.0;
        y[1] = 0.0;
        for (uint i = 0; i < p.splits; i++) {
            uint at = base + i * stride;
            float f = exp_near(parts[at + p.e] - most);
            total += parts[at + p.e + 1u] * f;
            for (uint j = 0; j < PER_WORD; j++) y[j] += parts[at + w * PER_WORD + j] * f;
        }
        out_words[p.out_first + row * words + w] = word_of(y[0] / total, y[1] / total);
    }
}
