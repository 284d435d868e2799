#version 450
// A cumulative operation: a workgroup for each chunk of a line. Tiles are scanned in shared memory and carry on; of
// chunks either the totals are written, or what is carried into them was found before.
#extension GL_GOOGLE_include_directive : require
#include "common/scan.glsl"
#include VALUES
const uint EACH = 4;
shared VALUE part[gl_WorkGroupSize.x];

void main() {
    uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x;
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    // Workgroups beyond the last chunk compute it again and write nothing.
    bool mine = group < p.lines * p.chunks;
    group = min(group, p.lines * p.chunks - 1u);
    uint line = group / p.chunks, begin = (group - line * p.chunks) * p.chunk, end = min(begin + p.chunk, p.n);
    uint from = line_start(line), to = out_line(line);
    VALUE start = value(p.start, p.start_second);
    VALUE carry = start;
    if (has(CARRIED)) carry = carried(group);
    for (uint tile = begin; tile < end; tile += size * EACH) {
        uint first = tile + lane * EACH;
        VALUE sums[EACH];
        VALUE sum = start;
        for (uint k = 0; k < EACH; k++) {
            if (first + k < end) sum = combine(sum, element(from + place(first + k) * p.step));
            sums[k] = sum;
        }
        part[lane] = sum;
        barrier();
        for (uint h = 1u; h < size; h <<= 1) {
            VALUE before = start;
            if (lane >= h) before = part[lane - h];
            barrier();
            if (lane >= h) part[lane] = combine(before, part[lane]);
            barrier();
        }
        VALUE total = part[size - 1u], before = carry;
        if (lane > 0u) before = combine(carry, part[lane - 1u]);
        // Before the next tile comes into its place.
        barrier();
        carry = combine(carry, total);
        if (mine && !has(TOTALS)) {
            VALUE last = before;
            for (uint k = 0; k < EACH; k++) {
                VALUE v = combine(before, sums[k]);
                if (first + k < end) {
                    if (has(INCLUSIVE)) last = v;
                    put(to + place(first + k) * p.inner, last);
                }
                last = v;
            }
        }
    }
    if (mine && has(TOTALS) && lane == 0u) put(group, carry);
}
