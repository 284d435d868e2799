// f16 d; 32 signed bytes. q d
uint unit_count(uint k) { return k >> 3; }
uvec2 places(uint t) { return uvec2(t * 8u) + uvec2(0, 4); }
void decode(uint row, uint t, uint k, out vec4 a, out vec4 b) {
    uint at = row + (t >> 2) * 34u;
    float d = half_value(bytes2(at));
    uint q = at + 2u + (t & 3u) * 8u;
    a = signed_split(bytes4(q)) * d;
    b = signed_split(bytes4(q + 4u)) * d;
}
