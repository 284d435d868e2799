// Lines along an axis of an array of any strides. The push constants end with the dimensions but the axis, in elements.

// The first element of a line.
uint line_start(uint line) {
    uint at = p.x_first, rest = line;
    for (uint d = p.dims; d > 0u; d--) {
        uint q = rest / p.shape[d - 1u];
        at += (rest - q * p.shape[d - 1u]) * p.strides[d - 1u];
        rest = q;
    }
    return at;
}
