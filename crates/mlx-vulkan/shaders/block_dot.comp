#version 450
// As block_project.comp, with activations rounded to 8 bits, as the processor's kernels do: products of four at a time,
// in integers. Each workgroup rounds the activations for itself, and may compute several groups of rows with them; its teams
// are its subgroups, of LANES each.
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#define MATRICES
#include "common/words.glsl"
#include "common/project.glsl"
#include "common/runs.glsl"
#include "common/dots.glsl"
#include FORMAT

// A piece of every row of the team.
const uint PIECES = BOTH * ROWS;
Piece pieces[PIECES];

void fetch_pieces(uint m, uint row, uint t) {
    [[unroll]] for (uint i = 0; i < BOTH; i++) {
        matrix = m + i;
        [[unroll]] for (uint r = 0; r < ROWS; r++) fetch(row_start(m + i, row + r), t, pieces[i * ROWS + r]);
    }
}

// Asks for the first weights of the team's rows of matrix `m` (and the next, for a gate).
void begin(uint m, uint row) { fetch_pieces(m, row, min(gl_SubgroupInvocationID, piece_count(p.k) - 1u)); }

// Adds up the products of these rows, whose first weights `begin` asked for. No more are asked for ahead: the registers
// that they would take are worth more as room for other teams.
void products(uint m, uint row) {
    uint t = gl_SubgroupInvocationID, count = piece_count(p.k);
    while (t < count) {
        [[unroll]] for (uint i = 0; i < PIECES; i++) {
            [[unroll]] for (uint c = 0; c < COLS; c++) sum[i * COLS + c] += product(pieces[i], t, c);
        }
        t += LANES;
        if (t < count) fetch_pieces(m, row, t);
    }
}

// Adds up what the lanes have of the team's rows, the first of which is row `first` of the workgroup's. Each lane takes one
// of the results, if there is one for it.
void give(Place s, uint first) {
    [[unroll]] for (uint i = 0; i < SUMS; i++) sum[i] = subgroupAdd(sum[i]);
    const uint own = ROWS * COLS;
    for (uint j = gl_SubgroupInvocationID; j < own; j += LANES) {
        float y = 0.0, other = 0.0, all_squares = 0.0;
        [[unroll]] for (uint i = 0; i < own; i++) {
            if (i == j) {
                y = sum[i];
                other = GATE != 0u ? sum[own + i] : 0.0;
            }
        }
        if (NORM) {
            for (uint t = 0; t < SIZE / LANES; t++) all_squares += team_squares[t * COLS + j % COLS];
        }
        conclude(s, first + j / COLS, j % COLS, y, other, all_squares);
    }
}

void main() {
    [[unroll]] for (uint c = 0; c < COLS; c++) squares[c] = 0.0;
    uint group = first_group(), first = gl_SubgroupID * ROWS;
    Place s = place(group);
#define BEGIN(m) begin(m, s.first + first)
#define PRODUCTS(m) products(m, s.first + first)
    // Weights are under way while the activations are rounded, and while the results before them are given.
    FOR_MATRIX(s, BEGIN);
    round_activations();
    for (;;) {
        [[unroll]] for (uint i = 0; i < SUMS; i++) sum[i] = 0.0;
        FOR_MATRIX(s, PRODUCTS);
        Place done = s;
        group += gl_NumWorkGroups.x * gl_NumWorkGroups.y;
        bool more = group < p.groups;
        if (more) {
            s = place(group);
            FOR_MATRIX(s, BEGIN);
        }
        give(done, first);
        if (!more) break;
    }
}
