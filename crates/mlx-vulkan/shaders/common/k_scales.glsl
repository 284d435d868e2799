// Scale and minimum of runs j and j + 1 (j even) of a Q4_K or Q5_K block: six bits each, those of the last four runs in
// pieces. The three words of all scales.
void k_scales(uint first, uint second, uint third, uint j, out vec2 scale, out vec2 least) {
    uint s = (j & 2u) << 3;
    first >>= s;
    second >>= s;
    third >>= s;
    uint sc, mn;
    if (j < 4u) {
        sc = first & 0x3f3fu;
        mn = second & 0x3f3fu;
    } else {
        sc = (third & 0x0f0fu) | ((first >> 2) & 0x3030u);
        mn = ((third >> 4) & 0x0f0fu) | ((second >> 2) & 0x3030u);
    }
    scale = vec2(sc & 0xffu, sc >> 8);
    least = vec2(mn & 0xffu, mn >> 8);
}
