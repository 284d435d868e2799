#version 450
// Numbers of rows in 8 bits: an invocation for four, which lie one after another.
#extension GL_GOOGLE_include_directive : require
#include RESULT
#include "keys/q8.glsl"
layout(local_size_x_id = 0) in;
layout(set = 0, binding = 0) readonly buffer Rows { uint rows[]; };
layout(set = 0, binding = 1) writeonly buffer Output { uint out_words[]; };
layout(push_constant) uniform Push {
    uint count;   // fours
    uint fours;   // of a row
    uint middle;  // rows are (batch, middle, t)
    uint t;
    uint first;   // word, as strides
    int batch_stride;
    int middle_stride;
    int t_stride;
    uint out_first;
} p;

void main() {
    uint at = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    if (at >= p.count) return;
    uint four = at % p.fours, row = at / p.fours;
    uint t = row % p.t, m = row / p.t % p.middle, b = row / p.t / p.middle;
    uint base = uint(int(p.first) + int(b) * p.batch_stride + int(m) * p.middle_stride + int(t) * p.t_stride);
    vec4 x = FOUR_OF(RAW_FOUR(rows, base, four, p.fours), four);
    uint to = p.out_first + at * (4u / RESULT_PER_WORD);
    for (uint k = 0; k < 4u; k += RESULT_PER_WORD) {
        out_words[to + k / RESULT_PER_WORD] = result_word(x[k], x[(k + 1u) & 3u]);
    }
}
