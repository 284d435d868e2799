// Division rounded to nearest, which devices only come near to.

// a - q·b without rounding, for a quotient q that is nearly right: the product in two parts (Dekker).
float rest(float a, float q, float b) {
    precise float cq = 4097.0 * q, cb = 4097.0 * b;
    precise float qh = cq - (cq - q), bh = cb - (cb - b);
    precise float ql = q - qh, bl = b - bh;
    precise float product = q * b;
    precise float error = ((qh * bh - product) + qh * bl + ql * bh) + ql * bl;
    precise float r = (a - product) - error;
    return r;
}
float quotient(float a, float b) {
    float q = a / b;
    // Nothing to mend, or nothing to mend it with.
    float size = abs(q);
    if (is_nan(q) || size > 1e30 || size < 1e-30 || abs(b) > 1e30 || abs(a) > 1e30) return q;
    precise float nearer = q + rest(a, q, b) / b;
    float r = rest(a, nearer, b);
    // Away from zero if the rest has the sign of a.
    bool away = (r < 0.0) == (a < 0.0);
    float next = uintBitsToFloat(floatBitsToUint(nearer) + (away ? 1u : 0xffffffffu));
    precise float half_unit = 0.5 * abs((next - nearer) * b);
    return abs(r) > half_unit ? next : nearer;
}
