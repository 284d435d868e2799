#version 450
// Softmax of rows, ln of the sum of their powers of e (LOG), or that less one of the row's elements (CROSS), in f32: a
// workgroup for each row.
#extension GL_GOOGLE_include_directive : require
#include ELEMENT
#include "common/math.glsl"
layout(local_size_x_id = 0) in;
layout(set = 0, binding = 0) readonly buffer Input { uint x_words[]; };
#ifdef CROSS
const bool LOG = true;
// Targets are integers of so many bytes.
layout(constant_id = 1) const uint BYTES = 4;
layout(constant_id = 2) const bool SIGNED = true;
layout(set = 0, binding = 1) readonly buffer Targets { uint target_words[]; };
layout(set = 0, binding = 2) writeonly buffer Output { uint out_words[]; };
#else
layout(constant_id = 1) const bool LOG = false;
layout(set = 0, binding = 1) writeonly buffer Output { uint out_words[]; };
#endif
layout(push_constant) uniform Push {
    uint rows;
    uint n;        // elements of a row
    uint x_first;  // element
    uint out_first;  // word
#ifdef CROSS
    uint targets_first;  // byte
#endif
} p;
#include "common/group.glsl"

#ifdef CROSS
// Which element is the target of a row: negative ones count from the end, others are moved into the row.
uint target(uint row) {
    uint at = p.targets_first + row * BYTES;
    uint low = target_words[at / 4u], high = 0;
    if (BYTES == 8u) {
        high = target_words[at / 4u + 1u];
    } else {
        int from = int(at % 4u * 8u), bits = int(min(BYTES, 4u) * 8u);
        low = SIGNED ? uint(bitfieldExtract(int(low), from, bits)) : bitfieldExtract(low, from, bits);
        if (SIGNED && int(low) < 0) high = 0xffffffffu;
    }
    if (!SIGNED || int(high) >= 0) return high == 0u ? min(low, p.n - 1u) : p.n - 1u;
    // Not negative any more if the sum needs another bit.
    uint wrapped = low + p.n;
    return high == 0xffffffffu && wrapped < low ? wrapped : 0u;
}
#endif

// ln of a sum of powers, each divided by e^shift. The logarithms of NaN, infinity and zero are not the same on every
// device.
float log_of(float sum, float shift) {
    return is_nan(sum) || sum == INFINITE ? sum : sum == 0.0 ? -INFINITE : log(sum) + shift;
}

void main() {
    uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x;
    uint row = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    // Workgroups beyond the last row compute it again and store nothing.
    uint base = p.x_first + min(row, p.rows - 1u) * p.n;
    float most = -INFINITE;
    for (uint i = lane; i < p.n; i += size) {
        float x = element(x_words[(base + i) / PER_WORD], base + i);
        most = x > most ? x : most;
    }
    most = group_max(most);
    // An infinite one would give inf - inf.
    float shift = LOG && abs(most) == INFINITE ? 0.0 : most;
    float sum = 0.0;
    for (uint i = lane; i < p.n; i += size) sum += exp_near(element(x_words[(base + i) / PER_WORD], base + i) - shift);
    sum = group_sum(sum);
    if (row >= p.rows) return;
#ifdef CROSS
    if (lane == 0u) {
        uint at = base + target(row);
        out_words[p.out_first + row] = floatBitsToUint(log_of(sum, shift) - element(x_words[at / PER_WORD], at));
    }
    return;
#endif
    if (LOG) {
        if (lane == 0u) out_words[p.out_first + row] = word_of(log_of(sum, shift), 0.0);
        return;
    }
    uint words = p.n / PER_WORD;
    for (uint w = lane; w < words; w += size) {
        float y[2];
        y[1] = 0.0;
        for (uint j = 0; j < PER_WORD; j++) {
            uint at = base + w * PER_WORD + j;
            y[j] = exp_near(element(x_words[at / PER_WORD], at) - shift) / sum;
        }
        out_words[p.out_first + row * words + w] = word_of(y[0], y[1]);
    }
}
