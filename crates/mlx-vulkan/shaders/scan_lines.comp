#version 450
// A cumulative operation: an invocation for each line, for short lines and those that lie side by side.
#extension GL_GOOGLE_include_directive : require
#include "common/scan.glsl"
#include VALUES

void main() {
    uint line = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    if (line >= p.lines) return;
    uint from = line_start(line), to = out_line(line);
    VALUE sum = value(p.start, p.start_second);
    for (uint i = 0u; i < p.n; i++) {
        uint at = place(i);
        VALUE next = combine(sum, element(from + at * p.step));
        if (has(INCLUSIVE)) sum = next;
        put(to + at * p.inner, sum);
        sum = next;
    }
}
