// f16 d; 32 signed bytes. q d
TWO_BLOCKS(8)
uint run_place(uint run) { return two_apart(run); }
uint piece_count(uint k) { return k >> 6; }
void fetch(uint row, uint t, out Piece p) { fetch_blocks(row + t * 68u, p); }
float product(Piece p, uint t, uint c) {
    float y = 0.0;
    [[unroll]] for (uint b = 0; b < 2u; b++) {
        uint run = 2u * t + b;
        int s = 0;
        [[unroll]] for (uint j = 0; j < 4u; j++) {
            uvec2 x = x_pair(c, run, j);
            s += dot4(word_of_block(p, b, 2u * j), x.x) + dot4(word_of_block(p, b, 2u * j + 1u), x.y);
        }
        y += half_of(p, b) * x_scale(c, run).x * float(s);
    }
    return y;
}
