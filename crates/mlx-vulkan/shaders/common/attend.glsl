// What the kernels of attention share: operands, and which keys a query sees. A masked key counts as a score of the
// lowest finite number.
layout(set = 0, binding = 0) readonly buffer Queries { uint q_words[]; };
layout(set = 0, binding = 1) readonly buffer Keys { FOUR_WORDS keys[]; };
layout(set = 0, binding = 2) readonly buffer Values { FOUR_WORDS values[]; };
// Bound to the queries where there are none, as the sinks.
layout(set = 0, binding = 3) readonly buffer Mask { uint mask_words[]; };
layout(set = 0, binding = 4) readonly buffer Sinks { uint sink_words[]; };
layout(set = 0, binding = 5) writeonly buffer Output { uint out_words[]; };
// How many keys are there.
layout(set = 0, binding = 6) readonly buffer Held { int held_words[]; };
layout(push_constant) uniform Push {
    uint rows;       // queries of a key head: heads that share it, times l
    uint l;
    uint s;
    uint rep;        // query heads of a key head
    uint key_heads;
    float scale;
    uint window;     // 0 without
    uint splits;
    uint q_first;    // element, as strides
    int q_batch;
    int q_head;
    int q_step;
    uint k_first;    // in fours (of rows in 8 bits: words), as strides
    int k_batch;
    int k_head;
    int k_step;
    uint v_first;
    int v_batch;
    int v_head;
    int v_step;
    uint mask_first; // element, as strides
    int mask_batch;
    int mask_head;
    int mask_row;
    int mask_key;
    uint sinks_first;
    uint out_first;  // word
    uint held_first; // word
} p;

layout(constant_id = 6) const uint FLAGS = 0;  // as below
layout(constant_id = 7) const bool ONE = false; // l is 1
const uint CAUSAL = 1, MASK_BOOL = 2, MASK_ADDED = 4, SINKS = 8, PARTS = 16, HELD = 32, WINDOW = 64;
bool has(uint flag) { return (FLAGS & flag) != 0u; }
const float LOWEST = -3.40282347e38;

// Keys that are there; set before anything else is done.
uint s;
void count_keys() { s = has(HELD) ? uint(clamp(held_words[p.held_first], 1, int(p.s))) : p.s; }

float query(uint at) { return element(q_words[at / PER_WORD], at); }

// Of row r of a key head: its query head, and its place in it.
uint of_head(uint row) { return ONE ? row : row / p.l; }
uint at_step(uint row) { return ONE ? 0u : row % p.l; }

// Weights relative to the greatest: the device's own function is near enough, for its error is small where it counts.
float weight(float x) { return is_nan(x) ? x : x < -104.0 ? 0.0 : exp(x); }

// The score of a key for the query in a place of a head.
float masked_at(float x, uint b, uint head, uint i, uint key) {
    if (key >= s) return -INFINITE;
    int last = int(i) + int(s) - int(p.l);
    // A query that is alone is the last.
    bool seen = !has(CAUSAL) || ONE || int(key) <= last;
    seen = seen && (!has(WINDOW) || int(key) > last - int(p.window));
    if (has(MASK_BOOL | MASK_ADDED)) {
        uint at = uint(int(p.mask_first) + int(b) * p.mask_batch + int(head) * p.mask_head + int(i) * p.mask_row
                       + int(key) * p.mask_key);
        if (has(MASK_BOOL)) seen = seen && ((mask_words[at >> 2] >> ((at & 3u) << 3)) & 0xffu) != 0u;
        else x += element(mask_words[at / PER_WORD], at);
    }
    return seen ? x : LOWEST;
}

// For row r of the workgroup.
float masked(float x, uint b, uint first_head, uint row, uint key) {
    return masked_at(x, b, first_head + of_head(row), at_step(row), key);
}
