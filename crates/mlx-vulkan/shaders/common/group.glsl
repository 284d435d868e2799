// Sums and extremes over a workgroup (a power of two) in a fixed order. Every invocation must take part.
shared float part[gl_WorkGroupSize.x];

float group_sum(float x) {
    uint lane = gl_LocalInvocationID.x;
    barrier();
    part[lane] = x;
    barrier();
    for (uint h = gl_WorkGroupSize.x >> 1; h > 0u; h >>= 1) {
        if (lane < h) part[lane] += part[lane + h];
        barrier();
    }
    return part[0];
}
// NaN is passed over.
float group_max(float x) {
    uint lane = gl_LocalInvocationID.x;
    barrier();
    part[lane] = x;
    barrier();
    for (uint h = gl_WorkGroupSize.x >> 1; h > 0u; h >>= 1) {
        if (lane < h) part[lane] = part[lane + h] > part[lane] ? part[lane + h] : part[lane];
        barrier();
    }
    return part[0];
}
