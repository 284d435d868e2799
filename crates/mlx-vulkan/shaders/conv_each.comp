#version 450
// Convolutions with few features in a group: an invocation for each word of the result at PLACES places, which share what
// is read of the weights.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include ELEMENT
#include "common/conv.glsl"
layout(constant_id = 8) const uint PLACES = 4;
const uint WIDTH = PARTS ? 1 : PER_WORD;

void main() {
    uint item = group_index() * gl_WorkGroupSize.x + gl_LocalInvocationID.x;
    uint features = p.batches * p.n, words = features / WIDTH;
    uint feature = item % words * WIDTH, block = item / words;
    // Places of neighbours lie side by side where a place has few words.
    uint beside = max(32u / words, 1u);
    uint place = block / beside * (beside * PLACES) + block % beside;
    Row rows[PLACES];
    [[unroll]] for (uint j = 0; j < PLACES; j++) rows[j] = row_at(place + j * beside);
    uint x_first[WIDTH], w_first[WIDTH];
    [[unroll]] for (uint f = 0; f < WIDTH; f++) {
        x_first[f] = p.a_first + (feature + f) / p.n * p.channels;
        w_first[f] = p.b_first + (feature + f) * p.k;
    }
    float sum[PLACES * WIDTH];
    [[unroll]] for (uint i = 0; i < PLACES * WIDTH; i++) sum[i] = 0.0;
    Tap t = tap_at(0u);
    for (uint k = 0; k < p.k; k += p.channels) {
        uint at[PLACES];
        bool there[PLACES];
        [[unroll]] for (uint j = 0; j < PLACES; j++) there[j] = sees(rows[j], t, at[j]) && place + j * beside < p.m;
        for (uint c = 0; c < p.channels; c++) {
            [[unroll]] for (uint f = 0; f < WIDTH; f++) {
                uint from = w_first[f] + k + c;
                float w = element(b_words[from / PER_WORD], from);
                [[unroll]] for (uint j = 0; j < PLACES; j++) {
                    uint i = x_first[f] + at[j] + c;
                    sum[j * WIDTH + f] += (there[j] ? element(a_words[i / PER_WORD], i) : 0.0) * w;
                }
            }
        }
        next_element(t);
    }
    [[unroll]] for (uint j = 0; j < PLACES; j++) {
        if (place + j * beside < p.m) {
            uint to = p.out_first + (place + j * beside) * features + feature;
            if (WIDTH == 2u) out_words[to / 2u] = word_of(sum[j * WIDTH], sum[j * WIDTH + WIDTH - 1u]);
            else out_words[to] = floatBitsToUint(sum[j]);
        }
    }
}
