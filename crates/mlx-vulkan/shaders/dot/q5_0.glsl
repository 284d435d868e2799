// f16 d; 32 fifth bits; 16 bytes: elements i in the low bits, i + 16 in the high ones. (q - 16) d
// Words: the fifth bits, then the others.
TWO_BLOCKS(5)
uint run_place(uint run) { return two_apart(run); }
uint piece_count(uint k) { return k >> 6; }
void fetch(uint row, uint t, out Piece p) { fetch_blocks(row + t * 44u, p); }
float product(Piece p, uint t, uint c) {
    float y = 0.0;
    [[unroll]] for (uint b = 0; b < 2u; b++) {
        uint run = 2u * t + b, fifth = word_of_block(p, b, 0u);
        int s = 0;
        [[unroll]] for (uint j = 0; j < 2u; j++) {
            uvec2 low = x_pair(c, run, j), high = x_pair(c, run, j + 2u);
            uvec2 q = uvec2(word_of_block(p, b, 2u * j + 1u), word_of_block(p, b, 2u * j + 2u));
            uint h = fifth >> (8u * j);
            s += dot4((q.x & 0x0f0f0f0fu) | fifths(h), low.x) + dot4((q.y & 0x0f0f0f0fu) | fifths(h >> 4), low.y);
            h >>= 16;
            s += dot4(((q.x >> 4) & 0x0f0f0f0fu) | fifths(h), high.x);
            s += dot4(((q.y >> 4) & 0x0f0f0f0fu) | fifths(h >> 4), high.y);
        }
        vec2 x = x_scale(c, run);
        y += half_of(p, b) * (x.x * float(s) - 16.0 * x.y);
    }
    return y;
}
