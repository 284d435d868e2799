// Plain elements. Eight of them as f16.
#define PLAIN
uvec4 eight(uvec4 x) {
    return x;
}
