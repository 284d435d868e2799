// Low bits: two halves of 64 bytes; high bits: two halves of 32; 16 signed scales; f16 d. (q - 32) scale d
const float LESS = 32.0;
void run_bytes(uint row, uint t, out uint b[8], out vec2 scale, out float plus) {
    uint at = row + (t >> 3) * 210u, part = (t >> 2) & 1u, r = t & 3u;
    // Run r and run r + 2 of a half share bytes of low bits.
    [[unroll]] for (uint i = 0; i < 4u; i++) {
        uvec2 low = even_pair(at + part * 64u + (r & 1u) * 32u + i * 8u) >> (r >> 1) * 4u;
        uvec2 high = even_pair(at + 128u + part * 32u + i * 8u) >> (2u * r);
        uvec2 q = (low & 0x0f0f0f0fu) | ((high & 0x03030303u) << 4);
        b[2u * i] = q.x;
        b[2u * i + 1u] = q.y;
    }
    uint s = bytes2(at + 192u + part * 8u + r * 2u);
    float d = half_value(bytes2(at + 208u));
    scale = d * vec2((ivec2(s) << ivec2(24, 16)) >> 24);
    plus = 0.0;
}
