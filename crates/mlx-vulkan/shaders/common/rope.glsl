// Rotary position embedding: what is read, where it is written, and one number of it. Where the output begins along an
// axis may be read from a buffer (AT).
layout(constant_id = 1) const bool TRADITIONAL = false;
layout(constant_id = 2) const bool INVERSE = false;
layout(constant_id = 3) const bool FREQS = false;
layout(constant_id = 4) const bool AT = false;
layout(set = 0, binding = 0) readonly buffer Input { uint x_words[]; };
layout(set = 0, binding = 1) readonly buffer Offset { uint offset_words[]; };
// Wavelengths; bound to the input where there are none.
layout(set = 0, binding = 2) readonly buffer Freqs { float freqs[]; };
layout(set = 0, binding = 3) writeonly buffer Output { uint out_words[]; };
layout(set = 0, binding = 4) readonly buffer At { int at_words[]; };
layout(push_constant) uniform Push {
    uint count;          // words of the output; of rows in 8 bits: rows
    uint middle;         // x is (batch, middle, t, d)
    uint t;
    uint d;
    int batch_stride;    // elements
    int middle_stride;
    int t_stride;
    uint x_first;        // element
    uint offset_first;   // word
    uint offset_step;    // words from one offset to the next, 0 with one for all
    uint freqs_first;    // word
    int freqs_step;
    uint out_first;      // word
    uint dims;           // rotated elements
    // log2(base) / (dims / 2): so many bits that products with an index are exact, and the rest.
    float octaves_high;
    float octaves_low;
    float scale;
    int out_batch_stride;  // words
    int out_middle_stride;
    int out_t_stride;
    uint at_first;  // word
    int at_most;    // the last place at which the output fits
    int at_stride;  // words
} p;

float x_at(uint base, uint j) { return element(x_words[(base + j) / PER_WORD], base + j); }

// Angle of a position of one, for pair i.
float frequency(uint i) {
    if (FREQS) {
        float f = freqs[uint(int(p.freqs_first) + int(i) * p.freqs_step)];
        return 1.0 / f;
    }
    float e = float(i) * p.octaves_high, n = floor(e);
    return exp_near(-0.69314718 * ((e - n) + float(i) * p.octaves_low)) * power_of_two(-int(n));
}

// Number j of the row that begins at an element.
float rotated(uint base, float position, uint j) {
    if (j >= p.dims) return x_at(base, j);
    uint pairs = p.dims / 2u, i = TRADITIONAL ? j >> 1 : j % pairs;
    bool second = TRADITIONAL ? (j & 1u) == 1u : j >= pairs;
    vec2 cs = cos_sin(position * frequency(i));
    if (INVERSE) cs.y = -cs.y;
    float a = x_at(base, TRADITIONAL ? 2u * i : i), c = x_at(base, TRADITIONAL ? 2u * i + 1u : pairs + i);
    return second ? a * cs.y + c * cs.x : a * cs.x - c * cs.y;
}

// A row of x: its first element, its position, and the first word that is made of it.
struct Row { uint base; float position; uint to; };
Row row_of(uint row) {
    uint t = row % p.t, m = row / p.t % p.middle, b = row / p.t / p.middle;
    uint base = uint(int(p.x_first) + int(b) * p.batch_stride + int(m) * p.middle_stride + int(t) * p.t_stride);
    float position = (float(int(offset_words[p.offset_first + b * p.offset_step])) + float(t)) * p.scale;
    uint to = uint(int(p.out_first) + int(b) * p.out_batch_stride + int(m) * p.out_middle_stride
                   + int(t) * p.out_t_stride);
    if (AT) to += uint(clamp(at_words[p.at_first], 0, p.at_most) * p.at_stride);
    return Row(base, position, to);
}
