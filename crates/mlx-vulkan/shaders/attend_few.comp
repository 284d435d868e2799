#version 450
// Attention of the few queries of a key head, all ROWS of them in one workgroup. Each subgroup takes a few keys at a
// time, every so many, and has a running softmax of its own: some lanes together score a key, then all lanes add up
// values, each some features of them. The keys may be split among workgroups (PARTS), whose sums attend_join adds up.
// Most of the time is waiting for memory: what does not depend on anything else is asked for first, and the keys and
// values of the next step while those of this one are used.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_shuffle : require
#include QUERIES
#include KEYS
#include "common/math.glsl"
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint ROWS = 1;
layout(constant_id = 2) const uint D4 = 16;     // features of a key, in fours
layout(constant_id = 3) const uint E4 = 16;     // of a value
layout(constant_id = 4) const uint LANES = 32;  // of a subgroup, a multiple of TOGETHER
layout(constant_id = 5) const uint PASSES = 2;  // of a step, at most TOGETHER
#include "common/attend.glsl"
const uint SIZE = gl_WorkGroupSize.x, TEAMS = SIZE / LANES;
const uint EACH = (E4 + LANES - 1) / LANES;
// Lanes that score a key, and fours of a key that one of them multiplies; keys scored at a time, and in a step.
const uint TOGETHER = 8, FOURS = (D4 + TOGETHER - 1) / TOGETHER;
const uint PASS = LANES / TOGETHER, STEP = PASS * PASSES;
shared vec4 q[ROWS * D4];
shared vec4 part[TEAMS * ROWS * E4];
shared float tops[TEAMS * ROWS], totals[TEAMS * ROWS];
RAW k[PASSES * FOURS];
RAW v[STEP * EACH];

// Of the keys from `key0` on the lane's share; the last key there may be stands for those beyond it.
void fetch_keys(uint base, uint key0) {
    uint lane = gl_SubgroupInvocationID;
    [[unroll]] for (uint i = 0; i < PASSES; i++) {
        uint at = base + uint(int(min(key0 + i * PASS + lane / TOGETHER, p.s - 1u)) * p.k_step);
        [[unroll]] for (uint j = 0; j < FOURS; j++) {
            uint place = min(j * TOGETHER + lane % TOGETHER, D4 - 1u);
            k[i * FOURS + j] = RAW_FOUR(keys, at, place, D4);
        }
    }
}
// As above; the last key that is there stands for those beyond it, whose weight is zero.
void fetch_values(uint base, uint key0) {
    uint lane = gl_SubgroupInvocationID;
    [[unroll]] for (uint i = 0; i < STEP * EACH; i++) {
        uint at = base + uint(int(min(key0 + i / EACH, s - 1u)) * p.v_step);
        v[i] = RAW_FOUR(values, at, min(lane + i % EACH * LANES, E4 - 1u), E4);
    }
}

void main() {
    count_keys();
    uint t = gl_LocalInvocationID.x, lane = gl_SubgroupInvocationID, team = gl_SubgroupID;
    uint group = gl_WorkGroupID.y, split = gl_WorkGroupID.z;
    uint b = group / p.key_heads, g = group % p.key_heads, first_head = g * p.rep;
    uint key_base = uint(int(p.k_first) + int(b) * p.k_batch + int(g) * p.k_head);
    uint value_base = uint(int(p.v_first) + int(b) * p.v_batch + int(g) * p.v_head);
    // Keys that no query sees come first. With fewer keys than queries some see none and are means of all.
    uint low = 0u;
    if (has(WINDOW) && has(CAUSAL) && s >= p.l && s - p.l + 1u > p.window) low = s - p.l + 1u - p.window;
    uint key0 = low + (split * TEAMS + team) * STEP, all_steps = p.splits * TEAMS * STEP;
    fetch_keys(key_base, key0);
    for (uint i = t; i < ROWS * D4; i += SIZE) {
        uint row = min(i / D4, p.rows - 1u);
        uint at = uint(int(p.q_first) + int(b) * p.q_batch + int(first_head + of_head(row)) * p.q_head
                       + int(at_step(row)) * p.q_step) + i % D4 * 4u;
        q[i] = vec4(query(at), query(at + 1u), query(at + 2u), query(at + 3u)) * p.scale;
    }
    fetch_values(value_base, key0);
    // Each lane has a part of the total.
    float top[ROWS], total[ROWS];
    bool sink = has(SINKS) && split == 0u && team == 0u;
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        uint at = p.sinks_first + first_head + of_head(min(r, p.rows - 1u));
        top[r] = sink ? element(sink_words[at / PER_WORD], at) : LOWEST;
        total[r] = sink && lane == 0u ? 1.0 : 0.0;
    }
    vec4 sum[ROWS * EACH];
    [[unroll]] for (uint i = 0; i < ROWS * EACH; i++) sum[i] = vec4(0.0);
    barrier();
    for (; key0 < s; key0 += all_steps) {
        // Scores of the keys of the lane's place in the passes.
        float y[PASSES * ROWS];
        [[unroll]] for (uint i = 0; i < PASSES * ROWS; i++) y[i] = 0.0;
        [[unroll]] for (uint j = 0; j < FOURS; j++) {
            uint place = j * TOGETHER + lane % TOGETHER;
            if (place >= D4) continue;
            [[unroll]] for (uint i = 0; i < PASSES; i++) {
                vec4 x = FOUR_OF(k[i * FOURS + j], place);
                [[unroll]] for (uint r = 0; r < ROWS; r++) y[i * ROWS + r] += dot(q[r * D4 + place], x);
            }
        }
        [[unroll]] for (uint i = 0; i < PASSES * ROWS; i++) {
            [[unroll]] for (uint h = 1; h < TOGETHER; h <<= 1) y[i] += subgroupShuffleXor(y[i], h);
        }
        uint after = key0 + all_steps;
        if (after < s) fetch_keys(key_base, after);
        // Of the weights the lane has that of one key, if its place among those that scored together is that of a pass.
        float x[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            float most = top[r], own = -INFINITE;
            [[unroll]] for (uint i = 0; i < PASSES; i++) {
                uint key = key0 + i * PASS + lane / TOGETHER;
                float score = masked(y[i * ROWS + r], b, first_head, min(r, p.rows - 1u), key);
                most = max(most, score);
                own = lane % TOGETHER == i ? score : own;
            }
            [[unroll]] for (uint h = TOGETHER; h < LANES; h <<= 1) most = max(most, subgroupShuffleXor(most, h));
            float f = weight(top[r] - most);
            x[r] = weight(own - most);
            total[r] = total[r] * f + x[r];
            top[r] = most;
            [[unroll]] for (uint i = 0; i < EACH; i++) sum[r * EACH + i] *= f;
        }
        [[unroll]] for (uint j = 0; j < STEP; j++) {
            uint holder = j % PASS * TOGETHER + j / PASS;
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                float w = subgroupShuffle(x[r], holder);
                [[unroll]] for (uint e = 0; e < EACH; e++) {
                    vec4 value = FOUR_OF(v[j * EACH + e], min(lane + e * LANES, E4 - 1u));
                    sum[r * EACH + e] += w * value;
                }
            }
        }
        if (after < s) fetch_values(value_base, after);
    }
    [[unroll]] for (uint r = 0; r < ROWS; r++) total[r] = subgroupAdd(total[r]);
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        [[unroll]] for (uint e = 0; e < EACH; e++) {
            uint at = lane + e * LANES;
            if (at < E4) part[(team * ROWS + r) * E4 + at] = sum[r * EACH + e];
        }
        if (lane == 0u) {
            tops[team * ROWS + r] = top[r];
            totals[team * ROWS + r] = total[r];
        }
    }
    barrier();
    for (uint i = t; i < ROWS * E4; i += SIZE) {
        uint r = i / E4, e = i % E4;
        float most = tops[r], weights = 0.0;
        [[unroll]] for (uint j = 1; j < TEAMS; j++) most = max(most, tops[j * ROWS + r]);
        vec4 all = vec4(0.0);
        [[unroll]] for (uint j = 0; j < TEAMS; j++) {
            float f = weight(tops[j * ROWS + r] - most);
            all += f * part[(j * ROWS + r) * E4 + e];
            weights += f * totals[j * ROWS + r];
        }
        if (r >= p.rows) continue;
        if (has(PARTS)) {
            uint to = p.out_first + ((group * p.rows + r) * p.splits + split) * (E4 * 4u + 2u);
            [[unroll]] for (uint j = 0; j < 4u; j++) out_words[to + e * 4u + j] = floatBitsToUint(all[j]);
            if (e == 0u) {
                out_words[to + E4 * 4u] = floatBitsToUint(most);
                out_words[to + E4 * 4u + 1u] = floatBitsToUint(weights);
            }
        } else {
            all /= weights;
            uint to = p.out_first + ((group * p.rows + r) * E4 + e) * 4u / PER_WORD;
            for (uint j = 0; j < 4u; j += PER_WORD) out_words[to + j / PER_WORD] = word_of(all[j], all[j | 1u]);
        }
    }
}
