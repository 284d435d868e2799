#version 450
// Sorted entries as elements or places, in the order of the result: an invocation for each word (two of wide elements).
#extension GL_GOOGLE_include_directive : require
#include "common/entries.glsl"
#include "common/keys.glsl"
layout(constant_id = 6) const uint GIVES = 0;
const uint PLACES = 0, VALUES = 1, ELEMENTS = 2;
layout(set = 0, binding = 0) readonly buffer Entries { uint entries[]; };
layout(set = 0, binding = 1) readonly buffer Input { uint x_words[]; };
layout(set = 0, binding = 2) writeonly buffer Output { uint out_words[]; };
layout(push_constant) uniform Push {
    uint count;      // elements of the result
    uint n;          // of a line
    uint inner;      // lines that lie side by side
    uint out_first;  // word
    uint x_first;
    uint step;
    uint dims;
    uint shape[6];
    uint strides[6];
} p;
#include "common/lines.glsl"

uvec2 result(uint i) {
    uint q = i / p.inner, outer = q / p.n, place = q - outer * p.n;
    uint line = outer * p.inner + (i - q * p.inner);
    ENTRY e = READ_ENTRY(entries, line * p.n + place);
    if (GIVES == PLACES) return uvec2(e.z, 0u);
    if (GIVES == VALUES) return value_of(e.xy);
    uint at = line_start(line) + e.z * p.step;
    return uvec2(x_words[2u * at], x_words[2u * at + 1u]);
}

void main() {
    uint number = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    const uint each = GIVES == PLACES || SIZE >= 4u ? 1u : 4u / SIZE;
    uint first = number * each;
    if (first >= p.count) return;
    uvec2 words = result(first);
    // The last word may hold fewer elements: then its rest repeats the last one.
    for (uint k = 1u; k < each; k++) words.x |= result(min(first + k, p.count - 1u)).x << (k * SIZE * 8u);
    if (GIVES != PLACES && SIZE == 8u) {
        out_words[p.out_first + 2u * number] = words.x;
        out_words[p.out_first + 2u * number + 1u] = words.y;
    } else {
        out_words[p.out_first + number] = words.x;
    }
}
