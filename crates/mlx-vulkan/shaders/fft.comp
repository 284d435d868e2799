#version 450
// Fourier transforms of lines whose length is a power of two, LINES of them in a workgroup. Stockham's order: each pass of
// radix 4 (the first one of radix 2 if the power is odd) reads and writes shared memory, and the last one leaves the
// frequencies in order.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint LOG = 6;        // of the length
layout(constant_id = 2) const uint LINES = 4;
layout(constant_id = 3) const bool INVERSE = false;
layout(set = 0, binding = 0) readonly buffer Input { float x_floats[]; };
// e^(-2πi j / 4096): 64 for multiples j of 64, then 64 for j below.
layout(set = 0, binding = 1) readonly buffer Turns { float turns[]; };
layout(set = 0, binding = 2) writeonly buffer Output { float out_floats[]; };
layout(push_constant) uniform Push {
    uint lines;
    uint out_first;    // word
    uint turns_first;  // word
    float scale;
    uint x_first;      // elements, as strides
    uint step;
    uint dims;
    uint shape[6];
    uint strides[6];
} p;
#include "common/lines.glsl"
const uint SIZE = gl_WorkGroupSize.x, N = 1u << LOG, ALL = LINES * N;
// Elements of an invocation: whole groups of four.
const uint OWN = ALL / SIZE, TURNS_LOG = 12;
shared vec2 data[ALL];

vec2 product(vec2 a, vec2 b) { return vec2(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x); }
// e^(∓2πi at / 4096); coarse: `at` is a multiple of 64.
vec2 turn(uint at, bool coarse) {
    uint i = p.turns_first + (at >> 6) * 2u;
    vec2 t = vec2(turns[i], turns[i + 1u]);
    if (!coarse) {
        i = p.turns_first + 128u + (at & 63u) * 2u;
        t = product(t, vec2(turns[i], turns[i + 1u]));
    }
    return INVERSE ? vec2(t.x, -t.y) : t;
}
vec2 quarter_turn(vec2 z) { return INVERSE ? vec2(-z.y, z.x) : vec2(z.y, -z.x); }

void main() {
    uint lane = gl_LocalInvocationID.x;
    uint first = (gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x) * LINES;
    [[unroll]] for (uint q = 0; q < OWN; q++) {
        uint i = lane + q * SIZE, line = first + (i >> LOG);
        vec2 z = vec2(0.0);
        if (line < p.lines) {
            uint at = (line_start(line) + (i & (N - 1u)) * p.step) * 2u;
            z = vec2(x_floats[at], x_floats[at + 1u]);
        }
        data[i] = z;
    }
    barrier();
    vec2 v[OWN];
    // What is transformed already lies in runs of 2^done elements.
    uint done = 0u;
    if ((LOG & 1u) == 1u) {
        [[unroll]] for (uint q = 0; q < OWN / 2u; q++) {
            uint j = lane + q * SIZE, from = j >> (LOG - 1u) << LOG | (j & (N / 2u - 1u));
            vec2 a = data[from], b = data[from + N / 2u];
            v[2u * q] = a + b;
            v[2u * q + 1u] = a - b;
        }
        barrier();
        [[unroll]] for (uint q = 0; q < OWN / 2u; q++) {
            uint to = 2u * (lane + q * SIZE);
            data[to] = v[2u * q];
            data[to + 1u] = v[2u * q + 1u];
        }
        barrier();
        done = 1u;
    }
    for (; done < LOG; done += 2u) {
        bool coarse = done + 2u <= TURNS_LOG - 6u;
        [[unroll]] for (uint q = 0; q < OWN / 4u; q++) {
            uint j = lane + q * SIZE, from = j >> (LOG - 2u) << LOG | (j & (N / 4u - 1u));
            uint turned = (j & ((1u << done) - 1u)) << (TURNS_LOG - 2u - done);
            vec2 a = data[from], b = data[from + N / 4u], c = data[from + N / 2u], d = data[from + 3u * (N / 4u)];
            if (done > 0u) {
                b = product(b, turn(turned, coarse));
                c = product(c, turn(2u * turned, coarse));
                d = product(d, turn(3u * turned, coarse));
            }
            vec2 even = a + c, odd = a - c, sum = b + d, other = quarter_turn(b - d);
            v[4u * q] = even + sum;
            v[4u * q + 1u] = odd + other;
            v[4u * q + 2u] = even - sum;
            v[4u * q + 3u] = odd - other;
        }
        barrier();
        [[unroll]] for (uint q = 0; q < OWN / 4u; q++) {
            uint j = lane + q * SIZE, run = (1u << done) - 1u, to = (j & ~run) << 2 | (j & run);
            [[unroll]] for (uint r = 0; r < 4u; r++) data[to + (r << done)] = v[4u * q + r];
        }
        barrier();
    }
    [[unroll]] for (uint q = 0; q < OWN; q++) {
        uint i = lane + q * SIZE;
        if (first + (i >> LOG) < p.lines) {
            uint to = p.out_first + (first * N + i) * 2u;
            vec2 z = data[i] * p.scale;
            out_floats[to] = z.x;
            out_floats[to + 1u] = z.y;
        }
    }
}
