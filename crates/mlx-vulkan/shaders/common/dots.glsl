// Activations in 8 bits: each run of 32 has a scale, x ≈ scale q with q in -127…127 (to the nearest, of two the even).
// They lie in shared memory: words 2 j and 2 j + 1 of all runs together, for j in 0…3, so that neither neighbours at
// one j nor those at different j meet in a bank.
#extension GL_EXT_integer_dot_product : require
layout(constant_id = 11) const uint RUNS = 8;  // of 32 activations, in a row
const uint PLANE = RUNS + 1;
shared uvec2 x_words[COLS * 4 * PLANE];
// Scale, and the sum of the rounded activations of a run.
shared vec2 x_scales[COLS * RUNS];
// Of each eight: the greatest magnitude, then the sum of the rounded ones.
shared float eighths[COLS * RUNS * 4];

uvec2 x_pair(uint c, uint run, uint j) { return x_words[(c * 4u + j) * PLANE + run]; }

int dot4(uint w, uint x) { return dotPacked4x8EXT(int(w), int(x)); }

void eight(uint c, uint i, out vec4 a, out vec4 b) {
    a = activations(c, i * 8u);
    b = activations(c, i * 8u + 4u);
    if (NORM) {
        a *= norm_weights(i * 8u);
        b *= norm_weights(i * 8u + 4u);
    }
}
uint bytes_of(vec4 v) {
    uvec4 q = uvec4(ivec4(roundEven(v))) & 0xffu;
    return q.x | (q.y << 8) | (q.z << 16) | (q.w << 24);
}

// Fills the shared memory above; `squares` adds up over the workgroup.
void round_activations() {
    uint lane = gl_LocalInvocationID.x;
    for (uint i = lane; i < COLS * RUNS * 4u; i += SIZE) {
        uint c = i / (RUNS * 4u), at = i % (RUNS * 4u);
        if (NORM) {
            vec4 a = activations(c, at * 8u), b = activations(c, at * 8u + 4u);
            float s = dot(a, a) + dot(b, b);
            [[unroll]] for (uint q = 0; q < COLS; q++) if (q == c) squares[q] += s;
        }
        vec4 a, b;
        eight(c, at, a, b);
        vec4 m = max(abs(a), abs(b));
        // Of NaN this sum is NaN, whatever becomes of the greatest.
        float all = dot(abs(a) + abs(b), vec4(1.0));
        eighths[i] = is_nan(all) ? all : max(max(m.x, m.y), max(m.z, m.w));
    }
    barrier();
    for (uint i = lane; i < COLS * RUNS * 4u; i += SIZE) {
        uint c = i / (RUNS * 4u), at = i % (RUNS * 4u), run = at >> 2, first = i & ~3u;
        vec4 m = vec4(eighths[first], eighths[first + 1u], eighths[first + 2u], eighths[first + 3u]);
        float all = dot(m, vec4(1.0));
        float most = is_nan(all) ? all : max(max(m.x, m.y), max(m.z, m.w));
        // So small a run counts for nothing, and its inverse would be infinite.
        float inverse = most > 1e-30 ? 127.0 / most : 0.0;
        vec4 a, b;
        eight(c, at, a, b);
        x_words[(c * 4u + (at & 3u)) * PLANE + run] = uvec2(bytes_of(a * inverse), bytes_of(b * inverse));
        if ((at & 3u) == 0u) x_scales[c * RUNS + run].x = most / 127.0;
    }
    barrier();
    for (uint i = lane; i < COLS * RUNS; i += SIZE) {
        uint c = i / RUNS, run = i % RUNS;
        int s = 0;
        [[unroll]] for (uint j = 0; j < 4u; j++) {
            uvec2 x = x_pair(c, run, j);
            s += dot4(0x01010101u, x.x) + dot4(0x01010101u, x.y);
        }
        x_scales[i].y = x_scales[i].x * float(s);
    }
    barrier();
}

// The half at byte `at`, an even place, and the words behind it.
#define WORDS_BEHIND_HALF(count) \
    void behind_half(uint at, out float d, out uint w[count]) { \
        uint i = at >> 2, x = weight_word(i); \
        bool high = (at & 2u) != 0u; \
        d = half_value(high ? x >> 16 : x & 0xffffu); \
        [[unroll]] for (uint j = 0; j < count; j++) { \
            uint next = weight_word(i + 1u + j); \
            w[j] = high ? next : (x >> 16) | (next << 16); \
            x = next; \
        } \
    }
// Two words from byte `at` on, an even place. The third is read only if it holds some of them.
uvec2 even_pair(uint at) {
    uint i = at >> 2;
    uvec2 x = uvec2(weight_word(i), weight_word(i + 1u));
    if ((at & 2u) == 0u) return x;
    return uvec2((x.x >> 16) | (x.y << 16), (x.y >> 16) | (weight_word(i + 2u) << 16));
}
// Sixteen bytes from byte `at` on, a multiple of 16.
uvec4 sixteen(uint at) { return weight_vector(at >> 4); }
