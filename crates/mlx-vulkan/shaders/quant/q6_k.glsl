// Low bits: two halves of 64 bytes; high bits: two halves of 32; 16 signed scales; f16 d. (q - 32) scale d
uint unit_count(uint k) { return k >> 3; }
uvec2 places(uint t) { return uvec2((t >> 4) * 128u + (t & 15u) * 4u) + uvec2(0, 64); }
void decode(uint row, uint t, uint k, out vec4 a, out vec4 b) {
    uint at = row + (t >> 5) * 210u, u = t & 31u;
    // Run r and run r + 2 of a half share bytes of low bits.
    uint part = u >> 4, r = (u >> 3) & 1u, l = (u & 7u) * 4u;
    uint q = bytes4(at + u * 4u), h = bytes4(at + 128u + part * 32u + l) >> (2u * r);
    uint s = at + 192u + part * 8u + 2u * r + (l >> 4);
    float d = half_value(bytes2(at + 208u));
    float first = float(int(byte1(s) << 24) >> 24) * d, second = float(int(byte1(s + 4u) << 24) >> 24) * d;
    a = (vec4(split((q & 0x0f0f0f0fu) | ((h & 0x03030303u) << 4))) - 32.0) * first;
    b = (vec4(split(((q >> 4) & 0x0f0f0f0fu) | (h & 0x30303030u))) - 32.0) * second;
}
