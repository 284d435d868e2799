// Cumulative operations along lines: what their shaders share.
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint KIND = 0;
const uint SUM = 0, PROD = 1, MIN = 2, MAX = 3, LOGADD = 4;
layout(set = 0, binding = 0) readonly buffer Input { uint x_words[]; };
// What comes before each chunk; bound to the input where nothing is carried.
layout(set = 0, binding = 1) readonly buffer Carries { uint carries[]; };
layout(set = 0, binding = 2) writeonly buffer Output { uint out_words[]; };
layout(push_constant) uniform Push {
    uint flags;
    uint lines;
    uint n;          // elements of a line
    uint inner;      // lines that lie side by side in the result
    uint chunk;      // elements of a chunk of a line
    uint chunks;     // of a line
    uint out_first;  // word
    uint start;      // what precedes the first element, in two words
    uint start_second;
    uint x_first;
    uint step;
    uint dims;
    uint shape[6];
    uint strides[6];
} p;
const uint REVERSE = 1, INCLUSIVE = 2, TOTALS = 4, CARRIED = 8;
#include "lines.glsl"

bool has(uint flag) { return (p.flags & flag) != 0u; }
// Where the i-th element from the beginning of the scan lies in its line.
uint place(uint i) { return has(REVERSE) ? p.n - 1u - i : i; }
// The first element of a line of the result; those of a line are `inner` apart.
uint out_line(uint line) {
    uint outer = line / p.inner;
    return outer * p.n * p.inner + (line - outer * p.inner);
}
