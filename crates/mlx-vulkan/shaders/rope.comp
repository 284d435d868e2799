#version 450
// Rotary position embedding: an invocation makes one word of the output.
#extension GL_GOOGLE_include_directive : require
#include ELEMENT
#include RESULT
#include "common/math.glsl"
layout(local_size_x_id = 0) in;
#include "common/rope.glsl"

void main() {
    uint at = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    if (at >= p.count) return;
    uint words = p.d / RESULT_PER_WORD, w = at % words;
    Row row = row_of(at / words);
    float y[2];
    y[1] = 0.0;
    for (uint k = 0; k < RESULT_PER_WORD; k++) y[k] = rotated(row.base, row.position, w * RESULT_PER_WORD + k);
    out_words[row.to + w] = result_word(y[0], y[1]);
}
