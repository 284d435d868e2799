#version 450
// Attention without the matrix of scores. A workgroup takes ROWS queries that share a key head, and CHUNK keys at a
// time: their scores, a running softmax, the weighted sum of their values. The keys may be split among workgroups
// (PARTS), whose sums attend_join adds up.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include QUERIES
#include KEYS
#include "common/math.glsl"
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint ROWS = 1;
layout(constant_id = 2) const uint D4 = 16;     // features of a key, in fours
layout(constant_id = 3) const uint E4 = 16;     // of a value; at most the size of the workgroup
layout(constant_id = 4) const uint CHUNK = 32;  // a multiple of the keys that are scored at a time
layout(constant_id = 5) const uint LANES = 4;   // invocations that share a key
#include "common/attend.glsl"
const uint SIZE = gl_WorkGroupSize.x;
const uint AT_ONCE = SIZE / LANES;
const uint EACH = SIZE / ROWS;
shared vec4 q[ROWS * D4];
shared float score[ROWS * CHUNK];
// Partial scores, then what is found about rows; at the end partial sums.
shared float part[SIZE * (ROWS > 4u ? ROWS : 4u)];
shared float top[ROWS], total[ROWS], factor[ROWS];

void main() {
    count_keys();
    uint t = gl_LocalInvocationID.x;
    uint group = gl_WorkGroupID.y, split = gl_WorkGroupID.z, row0 = gl_WorkGroupID.x * ROWS;
    uint b = group / p.key_heads, g = group % p.key_heads, first_head = g * p.rep;
    for (uint i = t; i < ROWS * D4; i += SIZE) {
        uint row = min(row0 + i / D4, p.rows - 1u);
        uint at = uint(int(p.q_first) + int(b) * p.q_batch + int(first_head + of_head(row)) * p.q_head
                       + int(at_step(row)) * p.q_step) + i % D4 * 4u;
        q[i] = vec4(query(at), query(at + 1u), query(at + 2u), query(at + 3u)) * p.scale;
    }
    if (t < ROWS) {
        bool sink = has(SINKS) && split == 0u;
        uint at = p.sinks_first + first_head + of_head(min(row0 + t, p.rows - 1u));
        top[t] = sink ? element(sink_words[at / PER_WORD], at) : LOWEST;
        total[t] = sink ? 1.0 : 0.0;
    }
    vec4 sum[ROWS];
    [[unroll]] for (uint r = 0; r < ROWS; r++) sum[r] = vec4(0.0);

    // Chunks that some row sees. With fewer keys than queries some rows see none and are means of all.
    uint last_row = min(row0 + ROWS - 1u, p.rows - 1u);
    bool one_head = of_head(row0) == of_head(last_row);
    uint low = 0u, high = s;
    if (has(CAUSAL) && s >= p.l) {
        high = (one_head ? at_step(last_row) : p.l - 1u) + s - p.l + 1u;
        uint earliest = (one_head ? at_step(row0) : 0u) + s - p.l + 1u;
        if (has(WINDOW) && earliest > p.window) low = (earliest - p.window) / CHUNK * CHUNK;
    }
    uint chunks = (high - low + CHUNK - 1u) / CHUNK, share = (chunks + p.splits - 1u) / p.splits;
    uint end = min(chunks, (split + 1u) * share);

    uint mine = t / EACH, other = t % EACH;
    uint feature = t % E4, subset = t / E4;
    const uint subsets = SIZE / E4;
    uint key_base = uint(int(p.k_first) + int(b) * p.k_batch + int(g) * p.k_head);
    uint value_base = uint(int(p.v_first) + int(b) * p.v_batch + int(g) * p.v_head);
    barrier();
    for (uint c = split * share; c < end; c++) {
        uint key0 = low + c * CHUNK;
        for (uint from = 0; from < CHUNK; from += AT_ONCE) {
            uint key = key0 + from + t / LANES;
            float x[ROWS];
            [[unroll]] for (uint r = 0; r < ROWS; r++) x[r] = 0.0;
            if (key < s) {
                uint base = key_base + uint(int(key) * p.k_step);
                for (uint j = t % LANES; j < D4; j += LANES) {
                    vec4 k = FOUR_OF(RAW_FOUR(keys, base, j, D4), j);
                    [[unroll]] for (uint r = 0; r < ROWS; r++) x[r] += dot(q[r * D4 + j], k);
                }
            }
            if (LANES > 1u) {
                [[unroll]] for (uint r = 0; r < ROWS; r++) part[r * SIZE + t] = x[r];
                barrier();
                for (uint i = t; i < ROWS * AT_ONCE; i += SIZE) {
                    uint r = i / AT_ONCE, k = i % AT_ONCE, at = r * SIZE + k * LANES;
                    float all = 0.0;
                    for (uint j = 0; j < LANES; j++) all += part[at + j];
                    score[r * CHUNK + from + k] = all;
                }
                barrier();
            } else {
                [[unroll]] for (uint r = 0; r < ROWS; r++) score[r * CHUNK + from + t] = x[r];
            }
        }
        barrier();
        for (uint i = t; i < ROWS * CHUNK; i += SIZE) {
            score[i] = masked(score[i], b, first_head, min(row0 + i / CHUNK, p.rows - 1u), key0 + i % CHUNK);
        }
        barrier();
        // EACH invocations for a row: its largest score, then the sum of the weights.
        float most = top[mine];
        for (uint k = other; k < CHUNK; k += EACH) {
            float x = score[mine * CHUNK + k];
            most = x > most ? x : most;
        }
        part[t] = most;
        barrier();
        for (uint h = EACH >> 1; h > 0u; h >>= 1) {
            if (other < h) part[t] = part[t + h] > part[t] ? part[t + h] : part[t];
            barrier();
        }
        most = part[mine * EACH];
        barrier();
        float weights = 0.0;
        for (uint k = other; k < CHUNK; k += EACH) {
            float w = weight(score[mine * CHUNK + k] - most);
            score[mine * CHUNK + k] = w;
            weights += w;
        }
        part[t] = weights;
        barrier();
        for (uint h = EACH >> 1; h > 0u; h >>= 1) {
            if (other < h) part[t] += part[t + h];
            barrier();
        }
        if (other == 0u) {
            float f = weight(top[mine] - most);
            factor[mine] = f;
            total[mine] = total[mine] * f + part[t];
            top[mine] = most;
        }
        barrier();
        if (subset < subsets) {
            [[unroll]] for (uint r = 0; r < ROWS; r++) sum[r] *= factor[r];
            uint keys_here = min(CHUNK, s - key0);
            for (uint k = subset; k < keys_here; k += subsets) {
                uint at = value_base + uint(int(key0 + k) * p.v_step);
                vec4 v = FOUR_OF(RAW_FOUR(values, at, feature, E4), feature);
                [[unroll]] for (uint r = 0; r < ROWS; r++) sum[r] += score[r * CHUNK + k] * v;
            }
        }
        barrier();
    }
    for (uint r = 0; r < ROWS; r++) {
        // Registers are not indexed by a variable.
        vec4 row_sum = sum[0];
        [[unroll]] for (uint i = 1; i < ROWS; i++) row_sum = i == r ? sum[i] : row_sum;
        [[unroll]] for (uint j = 0; j < 4u; j++) part[j * SIZE + t] = row_sum[j];
        barrier();
        uint row = row0 + r;
        if (t < E4 && row < p.rows) {
            vec4 all = vec4(0.0);
            for (uint i = 0; i < subsets; i++) {
                uint at = i * E4 + t;
                all += vec4(part[at], part[SIZE + at], part[2u * SIZE + at], part[3u * SIZE + at]);
            }
            if (has(PARTS)) {
                uint to = p.out_first + ((group * p.rows + row) * p.splits + split) * (E4 * 4u + 2u);
                [[unroll]] for (uint j = 0; j < 4u; j++) out_words[to + t * 4u + j] = floatBitsToUint(all[j]);
                if (t == 0u) {
                    out_words[to + E4 * 4u] = floatBitsToUint(top[r]);
                    out_words[to + E4 * 4u + 1u] = floatBitsToUint(total[r]);
                }
            } else {
                all /= total[r];
                uint to = p.out_first + ((group * p.rows + row) * E4 + t) * 4u / PER_WORD;
                for (uint j = 0; j < 4u; j += PER_WORD) {
                    out_words[to + j / PER_WORD] = word_of(all[j], all[j | 1u]);
                }
            }
        }
        barrier();
    }
}
