// Tiles of products.
struct Tile {
    Share s;
    uint row, column;
    bool live;
};
// Which tile a workgroup computes. Eight tile rows are walked together, so that tiles of b are found in a cache.
Tile tile(uint group, uint rows, uint columns) {
    const uint TOGETHER = 8;
    uint tiles_m = (p.m + rows - 1u) / rows, tiles_n = (p.n + columns - 1u) / columns;
    uint tiles = tiles_m * tiles_n, w = group % tiles, rest = group / tiles;
    uint band = w / (TOGETHER * tiles_n), inside = w % (TOGETHER * tiles_n);
    uint high = min(tiles_m - band * TOGETHER, TOGETHER);
    Tile t;
    t.row = (band * TOGETHER + inside % high) * rows;
    t.column = inside / high * columns;
    t.live = rest < p.batches * p.parts;
    rest = min(rest, p.batches * p.parts - 1u);
    t.s = share(rest % p.batches, rest / p.batches);
    return t;
}
#ifdef GATHERED
// Where the run of rows that begins at `from` ends.
uint run_end(uint from, uint end) {
    if (!RUNS || from >= end) return end;
    uint matrix = matrix_of(from * p.b_batch[2]), to = from + 1u;
    while (to < end && matrix_of(to * p.b_batch[2]) == matrix) to++;
    return to;
}
// Rows of a tile with one matrix after another: results of the others are not stored.
#define EACH_RUN(t, s, rows) \
    uint to = t.row, last = min(t.row + rows, p.m); \
    [[dont_unroll]] for (uint from = t.row; from < last; from = to) { \
        to = run_end(from, last); \
        if (RUNS) s.b = t.s.b + matrix_of(from * p.b_batch[2]) * p.b_matrix;
#define IN_RUN(r) (r >= from && r < to)
// Without runs it is no loop.
#define END_RUN \
        if (!RUNS) break; \
    }
#else
#define EACH_RUN(t, s, rows)
#define IN_RUN(r) (r < p.m)
#define END_RUN
#endif
// Chunk `i` of a tile with so many chunks in a run: its place in the run, and which run.
uvec2 spot(uint i, uint runs) { return uvec2(i % runs, i / runs); }
#ifdef AFFINE
#include "affine.glsl"
const uint B_CHUNK = 8;
uvec4 b_fetch(Share s, uint column, uint k, uint count) {
    uint row = s.b + (B_ALONG_K ? column : k), i = B_ALONG_K ? k : column, run = B_ALONG_K ? p.k : p.n;
    // Zeros where nothing is there.
    if (count == 0u) return uvec4(0);
    uint group = row * (run / GROUP) + i / GROUP;
    return uvec4(eight(p.b_first + row * (run / 32u * BITS), i * BITS),
                 floatBitsToUint(scale_of(group)), floatBitsToUint(bias_of(group)));
}
void b_unpack(uvec4 raw, out vec4 low, out vec4 high) {
    eight_codes(raw.xy, low, high);
    low = low * uintBitsToFloat(raw.z) + uintBitsToFloat(raw.w);
    high = high * uintBitsToFloat(raw.z) + uintBitsToFloat(raw.w);
}
// As the elements of a chunk.
uvec4 b_packed(uvec4 raw) {
    vec4 low, high;
    b_unpack(raw, low, high);
    return uvec4(word_of(low.x, low.y), word_of(low.z, low.w), word_of(high.x, high.y), word_of(high.z, high.w));
}
#else
const uint B_CHUNK = CHUNK;
uvec4 b_fetch(Share s, uint column, uint k, uint count) {
    return b_chunk(s.b + B_PLACE(column, k), count);
}
void b_unpack(uvec4 raw, out vec4 low, out vec4 high) { unpack(raw, low, high); }
uvec4 b_packed(uvec4 raw) { return raw; }
#endif
