#version 450
// Merges neighbouring sorted runs of lines: each entry finds how many of the other run come before it.
#extension GL_GOOGLE_include_directive : require
#include "common/entries.glsl"
layout(set = 0, binding = 0) readonly buffer From { uint from[]; };
layout(set = 0, binding = 1) writeonly buffer To { uint to[]; };
layout(push_constant) uniform Push {
    uint count;  // entries of all lines
    uint n;      // of a line
    uint run;
} p;

void main() {
    uint i = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    if (i >= p.count) return;
    uint base = i / p.n * p.n, place = i - base, run = place / p.run;
    uint other = (run ^ 1u) * p.run;
    ENTRY e = READ_ENTRY(from, i);
    uint low = 0u, high = other < p.n ? min(p.run, p.n - other) : 0u;
    while (low < high) {
        uint middle = (low + high) >> 1;
        ENTRY m = READ_ENTRY(from, base + other + middle);
        // Of equal ones those of the first run come first.
        bool before = (run & 1u) == 1u ? !key_less(e, m) : key_less(m, e);
        if (before) low = middle + 1u;
        else high = middle;
    }
    uint at = base + (run & ~1u) * p.run + (place - run * p.run) + low;
    WRITE_ENTRY(to, at, e)
}
