// What is sorted: unsigned keys that compare as elements do, NaN the largest, each with its place in the line if the
// order of equal ones is to be kept or asked for.
layout(local_size_x_id = 0) in;
layout(constant_id = 1) const uint KEYS = 1;   // words of a key
layout(constant_id = 2) const uint PLACE = 1;  // words of the place
const uint WORDS = KEYS + PLACE;

// High and low word of the key (the low one 0 if there is one), the place.
#define ENTRY uvec3

bool key_less(ENTRY a, ENTRY b) { return a.x < b.x || (KEYS == 2u && a.x == b.x && a.y < b.y); }
bool less(ENTRY a, ENTRY b) { return key_less(a, b) || (PLACE == 1u && a.xy == b.xy && a.z < b.z); }

#define READ_ENTRY(from, i) ENTRY(from[(i) * WORDS], KEYS == 2u ? from[(i) * WORDS + 1u] : 0u, PLACE == 1u ? from[(i) * WORDS + KEYS] : 0u)
#define WRITE_ENTRY(to, i, e) { to[(i) * WORDS] = e.x; if (KEYS == 2u) to[(i) * WORDS + 1u] = e.y; if (PLACE == 1u) to[(i) * WORDS + KEYS] = e.z; }
