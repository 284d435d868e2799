// Plain elements. Eight of them as f16.
#define PLAIN
uvec4 eight(uvec4 x) {
    uvec4 low = x << 16, high = x & 0xffff0000u;
    [[unroll]] for (uint i = 0; i < 4u; i++) x[i] = packHalf2x16(uintBitsToFloat(uvec2(low[i], high[i])));
    return x;
}
