#version 450
// Sorts blocks of lines: a workgroup sorts as many blocks as it has slots for, by Batcher's network.
#extension GL_GOOGLE_include_directive : require
#include "common/entries.glsl"
#include "common/keys.glsl"
layout(constant_id = 6) const uint SLOTS = 1024;
layout(set = 0, binding = 0) readonly buffer Input { uint x_words[]; };
layout(set = 0, binding = 1) writeonly buffer Entries { uint entries[]; };
layout(push_constant) uniform Push {
    uint lines;
    uint n;       // elements of a line
    uint span;    // slots of a block: a power of two
    uint blocks;  // of a line
    uint x_first;
    uint step;    // elements from one of a line to the next
    uint dims;
    uint shape[6];
    uint strides[6];
} p;
#include "common/lines.glsl"
shared uint slots[SLOTS * WORDS];

ENTRY slot(uint i) {
    return ENTRY(slots[i], KEYS == 2u ? slots[SLOTS + i] : 0u, PLACE == 1u ? slots[SLOTS * KEYS + i] : 0u);
}
void set_slot(uint i, ENTRY e) {
    slots[i] = e.x;
    if (KEYS == 2u) slots[SLOTS + i] = e.y;
    if (PLACE == 1u) slots[SLOTS * KEYS + i] = e.z;
}

void main() {
    uint lane = gl_LocalInvocationID.x, size = gl_WorkGroupSize.x;
    uint group = gl_WorkGroupID.y * gl_NumWorkGroups.x + gl_WorkGroupID.x;
    uint first = group * (SLOTS / p.span);
    for (uint s = lane; s < SLOTS; s += size) {
        uint block = first + s / p.span, line = block / p.blocks;
        uint place = (block - line * p.blocks) * p.span + (s & (p.span - 1u));
        ENTRY e = ENTRY(0xffffffffu);
        if (line < p.lines && place < p.n) {
            uint i = line_start(line) + place * p.step;
            uint w = SIZE == 8u ? i << 1 : i * SIZE >> 2;
            e = ENTRY(key_of(x_words[w], SIZE == 8u ? x_words[w + 1u] : 0u, i), place);
        }
        set_slot(s, e);
    }
    for (uint k = 2u; k <= p.span; k <<= 1) {
        for (uint j = k >> 1; j > 0u; j >>= 1) {
            barrier();
            for (uint t = lane; t < SLOTS / 2u; t += size) {
                uint i = 2u * t - (t & (j - 1u));
                ENTRY a = slot(i), b = slot(i + j);
                // The last round runs upwards in every block.
                bool up = (i & (p.span - 1u) & k) == 0u;
                if (up ? less(b, a) : less(a, b)) {
                    set_slot(i, b);
                    set_slot(i + j, a);
                }
            }
        }
    }
    barrier();
    for (uint s = lane; s < SLOTS; s += size) {
        uint block = first + s / p.span, line = block / p.blocks;
        uint place = (block - line * p.blocks) * p.span + (s & (p.span - 1u));
        if (line < p.lines && place < p.n) {
            ENTRY e = slot(s);
            WRITE_ENTRY(entries, line * p.n + place, e)
        }
    }
}
