// Cumulative operations on integers of 64 bits as two words, the low one first: no device need know them.
#define VALUE uvec2
layout(constant_id = 3) const bool SIGNED = false;

bool less(VALUE a, VALUE b) {
    if (a.y != b.y) return SIGNED ? int(a.y) < int(b.y) : a.y < b.y;
    return a.x < b.x;
}
VALUE combine(VALUE a, VALUE x) {
    if (KIND == SUM) {
        uint over;
        uint low = uaddCarry(a.x, x.x, over);
        return VALUE(low, a.y + x.y + over);
    }
    if (KIND == PROD) {
        uint low, high;
        umulExtended(a.x, x.x, high, low);
        return VALUE(low, high + a.x * x.y + a.y * x.x);
    }
    if (KIND == MIN) return less(x, a) ? x : a;
    return less(a, x) ? x : a;
}
VALUE value(uint first, uint second) { return VALUE(first, second); }
VALUE element(uint i) { return VALUE(x_words[2u * i], x_words[2u * i + 1u]); }
VALUE carried(uint i) { return VALUE(carries[2u * i], carries[2u * i + 1u]); }
void put(uint i, VALUE v) {
    out_words[p.out_first + 2u * i] = v.x;
    out_words[p.out_first + 2u * i + 1u] = v.y;
}
