// f16 d; 16 bytes: elements i in the low bits, i + 16 in the high ones. (q - 8) d
uint unit_count(uint k) { return k >> 3; }
uvec2 places(uint t) { return uvec2((t >> 2) * 32u + (t & 3u) * 4u) + uvec2(0, 16); }
void decode(uint row, uint t, uint k, out vec4 a, out vec4 b) {
    uint at = row + (t >> 2) * 18u;
    float d = half_value(bytes2(at));
    uint q = bytes4(at + 2u + (t & 3u) * 4u);
    a = (vec4(split(q & 0x0f0f0f0fu)) - 8.0) * d;
    b = (vec4(split((q >> 4) & 0x0f0f0f0fu)) - 8.0) * d;
}
