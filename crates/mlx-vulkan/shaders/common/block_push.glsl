layout(set = 0, binding = 1) readonly buffer Activations { float x_floats[]; };
layout(set = 0, binding = 2) writeonly buffer Product { float out_floats[]; };
layout(push_constant) uniform Push {
    uint w_first;  // byte
    uint w_row;    // bytes
    uint x_first;  // element
    uint out_first;
    uint k;
    uint n;        // rows of weights = columns of the product
    uint m;        // rows of activations
} p;

// Activations of row `r` from `i` on; none beyond the row, nor of rows that are not there.
vec4 activations(uint r, uint i) {
    uint at = p.x_first + r * p.k + i;
#ifdef RAGGED
    return vec4(i < p.k ? x_floats[at] : 0.0, i + 1u < p.k ? x_floats[at + 1u] : 0.0,
                i + 2u < p.k ? x_floats[at + 2u] : 0.0, i + 3u < p.k ? x_floats[at + 3u] : 0.0);
#else
    return vec4(x_floats[at], x_floats[at + 1u], x_floats[at + 2u], x_floats[at + 3u]);
#endif
}
