#version 450
// Rows in 8 bits, rotated before: 16 invocations for 64 numbers, which are two scales and 16 words of codes.
#extension GL_GOOGLE_include_directive : require
#include ELEMENT
#include "common/numbers.glsl"
#include "common/math.glsl"
#include "common/quotient.glsl"
layout(local_size_x_id = 0) in;  // a multiple of 16
#include "common/rope.glsl"
const float MOST = 127.0;
const uint TOGETHER = 16, BLOCK = 8;
// The bits of magnitudes, whose order as integers is the same; what is not a number is above all.
shared uint most[gl_WorkGroupSize.x];

// The scale of the block whose invocations begin there.
uint scale_bits(uint first) {
    uint all = most[first];
    for (uint i = 1; i < BLOCK; i++) all = max(all, most[first + i]);
    return half_bits(uintBitsToFloat(all));
}

void main() {
    uint local = gl_LocalInvocationID.x;
    uint at = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * gl_WorkGroupSize.x + local;
    uint fours = p.d / 4u, pairs = (fours + TOGETHER - 1u) / TOGETHER;
    uint number = at / TOGETHER / pairs, pair = at / TOGETHER % pairs, four = pair * TOGETHER + at % TOGETHER;
    bool inside = number < p.count, coded = inside && four < fours;
    Row row;
    float y[4];
    uint own = 0u;
    if (inside) row = row_of(number);
    if (coded) {
        for (uint k = 0; k < 4u; k++) {
            y[k] = rotated(row.base, row.position, four * 4u + k);
            own = max(own, floatBitsToUint(y[k]) & 0x7fffffffu);
        }
    }
    most[local] = own;
    barrier();
    uint scale = scale_bits(local / BLOCK * BLOCK);
    if (coded) {
        float inverse = scale == 0u ? 0.0 : quotient(MOST, half_value(scale));
        uint word = 0u;
        for (uint k = 0; k < 4u; k++) {
            precise float x = y[k] * inverse;
            int code = is_nan(x) ? 0 : int(roundEven(clamp(x, -MOST, MOST)));
            word |= (uint(code) & 0xffu) << (8u * k);
        }
        out_words[row.to + four] = word;
    }
    if (inside && at % TOGETHER == 0u) {
        out_words[row.to + fours + pair] = scale | (scale_bits(local + BLOCK) << 16);
    }
}
