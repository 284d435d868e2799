// f16 d; 32 fifth bits; 16 bytes as in q4_0. (q - 16) d
uint unit_count(uint k) { return k >> 3; }
uvec2 places(uint t) { return uvec2((t >> 2) * 32u + (t & 3u) * 4u) + uvec2(0, 16); }
void decode(uint row, uint t, uint k, out vec4 a, out vec4 b) {
    uint at = row + (t >> 2) * 22u, l = (t & 3u) * 4u;
    float d = half_value(bytes2(at));
    uint h = bytes4(at + 2u), q = bytes4(at + 6u + l);
    uvec4 low = (uvec4(h >> l) >> uvec4(0, 1, 2, 3)) & 1u;
    uvec4 high = (uvec4(h >> (l + 16u)) >> uvec4(0, 1, 2, 3)) & 1u;
    a = (vec4(split(q & 0x0f0f0f0fu) | (low << 4)) - 16.0) * d;
    b = (vec4(split((q >> 4) & 0x0f0f0f0fu) | (high << 4)) - 16.0) * d;
}
