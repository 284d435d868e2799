// f16 d; 16 bytes: elements i in the low bits, i + 16 in the high ones. (q - 8) d
TWO_BLOCKS(4)
uint run_place(uint run) { return two_apart(run); }
uint piece_count(uint k) { return k >> 6; }
void fetch(uint row, uint t, out Piece p) { fetch_blocks(row + t * 36u, p); }
float product(Piece p, uint t, uint c) {
    float y = 0.0;
    [[unroll]] for (uint b = 0; b < 2u; b++) {
        uint run = 2u * t + b;
        int s = 0;
        [[unroll]] for (uint j = 0; j < 2u; j++) {
            uvec2 low = x_pair(c, run, j), high = x_pair(c, run, j + 2u);
            uvec2 q = uvec2(word_of_block(p, b, 2u * j), word_of_block(p, b, 2u * j + 1u));
            s += dot4(q.x & 0x0f0f0f0fu, low.x) + dot4(q.y & 0x0f0f0f0fu, low.y);
            s += dot4((q.x >> 4) & 0x0f0f0f0fu, high.x) + dot4((q.y >> 4) & 0x0f0f0f0fu, high.y);
        }
        vec2 x = x_scale(c, run);
        y += half_of(p, b) * (x.x * float(s) - 8.0 * x.y);
    }
    return y;
}
