// Plain elements; a row may end within a unit.
uint unit_count(uint k) { return (k + 7u) >> 3; }
uvec2 places(uint t) { return uvec2(t * 8u) + uvec2(0, 4); }
float plain(uint row, uint i, uint k) { return i < k ? uintBitsToFloat(bytes4(row + i * 4u)) : 0.0; }
void decode(uint row, uint t, uint k, out vec4 a, out vec4 b) {
    if (WIDE_WEIGHTS) {
        a = uintBitsToFloat(weight_vector((row >> 4) + t * 2u));
        b = k - t * 8u > 4u ? uintBitsToFloat(weight_vector((row >> 4) + t * 2u + 1u)) : vec4(0.0);
        return;
    }
    uint i = t * 8u;
    a = vec4(plain(row, i, k), plain(row, i + 1u, k), plain(row, i + 2u, k), plain(row, i + 3u, k));
    b = vec4(plain(row, i + 4u, k), plain(row, i + 5u, k), plain(row, i + 6u, k), plain(row, i + 7u, k));
}
#define RAGGED
