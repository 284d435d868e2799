// f16 d, f16 m; 16 bytes as in q4_0. q d + m
uint unit_count(uint k) { return k >> 3; }
uvec2 places(uint t) { return uvec2((t >> 2) * 32u + (t & 3u) * 4u) + uvec2(0, 16); }
void decode(uint row, uint t, uint k, out vec4 a, out vec4 b) {
    uint at = row + (t >> 2) * 20u;
    uint dm = bytes4(at);
    float d = half_value(dm & 0xffffu), m = half_value(dm >> 16);
    uint q = bytes4(at + 4u + (t & 3u) * 4u);
    a = vec4(split(q & 0x0f0f0f0fu)) * d + m;
    b = vec4(split((q >> 4) & 0x0f0f0f0fu)) * d + m;
}
