// Activations in 8 bits: each run of 32 has a scale, x ≈ scale q with q in -127…127 (to the nearest, of two the even).
// They lie in shared memory: words 2 j and 2 j + 1 of all runs together, for j in 0…3, so that neither neighbours at
// one j nor those at different j meet in a bank.
#extension GL_EXT_integer_dot_product : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_KHR_shader_subgroup_arithmetic : require
#extension GL_KHR_shader_subgroup_shuffle : require
layout(constant_id = 11) const uint RUNS = 8;  // of 32 activations, in a row
const uint PLANE = RUNS + 1;
shared uvec2 x_words[COLS * 4 * PLANE];
// Scale, and the sum of the rounded activations of a run.
shared vec2 x_scales[COLS * RUNS];
// Of each team: the squares of the activations that it rounded.
shared float team_squares[SIZE / LANES * COLS];

// Where the format wants a run: at the next place neighbours read the next one that they multiply at a time.
uint run_place(uint run);
// For formats whose pieces are two blocks.
uint two_apart(uint run) { return (run & 1u) * ((RUNS + 1u) / 2u) + (run >> 1); }
uvec2 x_pair(uint c, uint run, uint j) { return x_words[(c * 4u + j) * PLANE + run_place(run)]; }
vec2 x_scale(uint c, uint run) { return x_scales[c * RUNS + run_place(run)]; }

int dot4(uint w, uint x) { return dotPacked4x8EXT(int(w), int(x)); }

uint bytes_of(vec4 v) {
    uvec4 q = uvec4(ivec4(roundEven(v))) & 0xffu;
    return q.x | (q.y << 8) | (q.z << 16) | (q.w << 24);
}

// Fills the shared memory above. Each invocation rounds eight activations at a time, neighbours a run.
void round_activations() {
    uint lane = gl_SubgroupInvocationID;
    for (uint i = gl_SubgroupID * LANES + lane; i < COLS * RUNS * 4u; i += SIZE) {
        uint c = i / (RUNS * 4u), at = i % (RUNS * 4u), run = at >> 2;
        vec4 a = activations(c, at * 8u), b = activations(c, at * 8u + 4u);
        if (NORM) {
            float s = dot(a, a) + dot(b, b);
            [[unroll]] for (uint q = 0; q < COLS; q++) squares[q] += q == c ? s : 0.0;
            a *= norm_weights(at * 8u);
            b *= norm_weights(at * 8u + 4u);
        }
        vec4 m = max(abs(a), abs(b));
        float most = max(max(m.x, m.y), max(m.z, m.w));
        most = max(most, subgroupShuffleXor(most, 1u));
        most = max(most, subgroupShuffleXor(most, 2u));
        // Of NaN the sum is NaN, whatever becomes of the greatest.
        float all = dot(abs(a) + abs(b), vec4(1.0));
        all += subgroupShuffleXor(all, 1u);
        all += subgroupShuffleXor(all, 2u);
        if (is_nan(all)) most = all;
        // So small a run counts for nothing, and its inverse would be infinite.
        float inverse = most > 1e-30 ? 127.0 / most : 0.0;
        uvec2 x = uvec2(bytes_of(a * inverse), bytes_of(b * inverse));
        x_words[(c * 4u + (at & 3u)) * PLANE + run_place(run)] = x;
        int s = dot4(0x01010101u, x.x) + dot4(0x01010101u, x.y);
        s += subgroupShuffleXor(s, 1u);
        s += subgroupShuffleXor(s, 2u);
        if ((at & 3u) == 0u) x_scales[c * RUNS + run_place(run)] = vec2(most / 127.0, most / 127.0 * float(s));
    }
    if (NORM) {
        [[unroll]] for (uint c = 0; c < COLS; c++) {
            float s = subgroupAdd(squares[c]);
            if (lane == 0u) team_squares[gl_SubgroupID * COLS + c] = s;
        }
    }
    barrier();
}
