#version 450
// Attention of the few queries of a key head, all ROWS of them in one workgroup. Each subgroup takes LANES keys at a
// time and has a running softmax of its own: some lanes together score a key, until each lane has the scores of one;
// then all lanes add up values, each some features of them. The keys may be split among workgroups (PARTS), whose sums
// attend_join adds up.
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
#include "common/attend.glsl"
const uint SIZE = gl_WorkGroupSize.x, TEAMS = SIZE / LANES;
const uint EACH = (E4 + LANES - 1) / LANES;
// Lanes that score a key, and values that are added up at a time.
const uint TOGETHER = 8, AT_ONCE = 8;
shared vec4 q[ROWS * D4];
shared vec4 part[TEAMS * ROWS * E4];
shared float tops[TEAMS * ROWS], totals[TEAMS * ROWS];

void main() {
    count_keys();
    uint t = gl_LocalInvocationID.x, lane = gl_SubgroupInvocationID, team = gl_SubgroupID;
    uint group = gl_WorkGroupID.y, split = gl_WorkGroupID.z;
    uint b = group / p.key_heads, g = group % p.key_heads, first_head = g * p.rep;
    for (uint i = t; i < ROWS * D4; i += SIZE) {
        uint row = min(i / D4, p.rows - 1u);
        uint at = uint(int(p.q_first) + int(b) * p.q_batch + int(first_head + of_head(row)) * p.q_head
                       + int(at_step(row)) * p.q_step) + i % D4 * 4u;
        q[i] = vec4(query(at), query(at + 1u), query(at + 2u), query(at + 3u)) * p.scale;
    }
    float top[ROWS], total[ROWS];
    bool sink = has(SINKS) && split == 0u && team == 0u;
    [[unroll]] for (uint r = 0; r < ROWS; r++) {
        uint at = p.sinks_first + first_head + of_head(min(r, p.rows - 1u));
        top[r] = sink ? element(sink_words[at / PER_WORD], at) : LOWEST;
        total[r] = sink ? 1.0 : 0.0;
    }
    vec4 sum[ROWS * EACH];
    [[unroll]] for (uint i = 0; i < ROWS * EACH; i++) sum[i] = vec4(0.0);
    // Keys that some query sees. With fewer keys than queries some see none and are means of all.
    uint low = 0u;
    if (has(CAUSAL) && s >= p.l && p.window != 0u && s - p.l + 1u > p.window) low = s - p.l + 1u - p.window;
    uint share = (s - low + p.splits - 1u) / p.splits;
    uint begin = low + split * share, end = min(begin + share, s);
    // Those of this subgroup, in whole passes.
    const uint pass = LANES / TOGETHER;
    share = ((end - min(begin, end) + TEAMS - 1u) / TEAMS + pass - 1u) / pass * pass;
    begin += team * share;
    end = min(begin + share, end);
    uint key_base = uint(int(p.k_first) + int(b) * p.k_batch + int(g) * p.k_head);
    uint value_base = uint(int(p.v_first) + int(b) * p.v_batch + int(g) * p.v_head);
    barrier();
    for (uint key0 = begin; key0 < end; key0 += LANES) {
        float x[ROWS];
        [[unroll]] for (uint r = 0; r < ROWS; r++) x[r] = 0.0;
        [[unroll]] for (uint i = 0; i < TOGETHER; i++) {
            uint base = key_base + uint(int(min(key0 + i * pass + lane / TOGETHER, end - 1u)) * p.k_step);
            float y[ROWS];
            [[unroll]] for (uint r = 0; r < ROWS; r++) y[r] = 0.0;
            [[unroll]] for (uint j0 = 0; j0 < D4; j0 += TOGETHER) {
                uint j = j0 + lane % TOGETHER;
                if (j < D4) {
                    vec4 k = FOUR(keys, base, j, D4);
                    [[unroll]] for (uint r = 0; r < ROWS; r++) y[r] += dot(q[r * D4 + j], k);
                }
            }
            [[unroll]] for (uint r = 0; r < ROWS; r++) {
                [[unroll]] for (uint h = 1; h < TOGETHER; h <<= 1) y[r] += subgroupShuffleXor(y[r], h);
                x[r] = lane % TOGETHER == i ? y[r] : x[r];
            }
        }
        // The key whose scores the lane has.
        uint at_key = key0 + lane % TOGETHER * pass + lane / TOGETHER, key = min(at_key, end - 1u);
        [[unroll]] for (uint r = 0; r < ROWS; r++) {
            float y = masked(x[r], b, first_head, min(r, p.rows - 1u), key);
            y = at_key < end ? y : -INFINITE;
            float most = max(top[r], subgroupMax(y)), f = exp_near(top[r] - most);
            x[r] = exp_near(y - most);
            total[r] = total[r] * f + subgroupAdd(x[r]);
            top[r] = most;
            [[unroll]] for (uint i = 0; i < EACH; i++) sum[r * EACH + i] *= f;
        }
        uint count = min(LANES, end - key0);
        for (uint i = 0; i < count; i += AT_ONCE) {
            vec4 v[AT_ONCE * EACH];
            [[unroll]] for (uint j = 0; j < AT_ONCE * EACH; j++) {
                // Those beyond the last have no weight.
                uint at = value_base + uint(int(min(key0 + i + j / EACH, end - 1u)) * p.v_step);
                uint feature = min(lane + j % EACH * LANES, E4 - 1u);
                v[j] = FOUR(values, at, feature, E4);
            }
            [[unroll]] for (uint j = 0; j < AT_ONCE; j++) {
                uint holder = (i + j) % pass * TOGETHER + (i + j) / pass;
                [[unroll]] for (uint r = 0; r < ROWS; r++) {
                    float w = subgroupShuffle(x[r], holder);
                    [[unroll]] for (uint e = 0; e < EACH; e++) sum[r * EACH + e] += w * v[j * EACH + e];
                }
            }
        }
    }
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
            float f = exp_near(tops[j * ROWS + r] - most);
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
