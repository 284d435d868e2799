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
// Chunk `i` of a tile with so many chunks in a run: its place in the run, and which run.
uvec2 spot(uint i, uint runs) { return uvec2(i % runs, i / runs); }
#ifdef AFFINE
#include "affine.glsl"
#else
const uint B_CHUNK = CHUNK;
uvec4 b_fetch(Share s, uint column, uint k, uint count) {
    return b_chunk(s.b + column * p.b_n + k * p.b_k, count);
}
void b_unpack(uvec4 raw, out vec4 low, out vec4 high) { unpack(raw, low, high); }
#endif
