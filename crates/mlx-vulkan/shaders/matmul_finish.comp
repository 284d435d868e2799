#version 450
// Adds up the f32 parts of a product and stores it, alpha·a·b + beta·c with ADD; an invocation for each word.
#extension GL_GOOGLE_include_directive : require
#include ELEMENT
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const bool ADD = false;
layout(set = 0, binding = 0) readonly buffer Parts { float part_floats[]; };
// Bound to the parts where there is none.
layout(set = 0, binding = 1) readonly buffer C { uint c_words[]; };
layout(set = 0, binding = 2) writeonly buffer Result { uint out_words[]; };
layout(push_constant) uniform Push {
    uint count;              // results
    uint parts;
    uint m, n;
    uint part_first;         // f32
    uint c_first, c_m, c_n;  // elements
    uint out_first;          // word
    float alpha, beta;
    uint batch_1, batch_2;
    uint c_batch[3];
} p;

float result(uint i) {
    float sum = 0.0;
    for (uint q = 0; q < p.parts; q++) sum += part_floats[p.part_first + q * p.count + i];
    if (!ADD) return sum;
    uint batch = i / (p.m * p.n), row = i / p.n % p.m, column = i % p.n;
    uint at = p.c_first + row * p.c_m + column * p.c_n + batch / (p.batch_1 * p.batch_2) * p.c_batch[0]
        + batch / p.batch_2 % p.batch_1 * p.c_batch[1] + batch % p.batch_2 * p.c_batch[2];
    return p.alpha * sum + p.beta * element(c_words[at / PER_WORD], at);
}

void main() {
    uint word = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    uint i = word * PER_WORD;
    if (i < p.count) {
        float second = PER_WORD == 2 && i + 1u < p.count ? result(i + 1u) : 0.0;
        out_words[p.out_first + word] = word_of(result(i), second);
    }
}
