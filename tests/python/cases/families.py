"""Dtypes, layouts and functions that several families of cases go through."""

ALL = "bool_ uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 bfloat16 complex64".split()
SOME = "bool_ uint8 int32 float16 float32 bfloat16 complex64".split()

UNARY = (
    "abs negative sign floor ceil trunc square sqrt rsqrt reciprocal exp expm1 log log2 log10 log1p sin cos tan arcsin"
    " arccos arctan sinh cosh tanh arcsinh arccosh arctanh erf erfinv sigmoid degrees radians real imag conjugate"
    " logical_not bitwise_invert isnan isinf isposinf isneginf isfinite nan_to_num stop_gradient positive round"
).split()
BINARY = (
    "add subtract multiply divide floor_divide remainder power maximum minimum arctan2 logaddexp equal not_equal less"
    " less_equal greater greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor left_shift"
    " right_shift divmod"
).split()
REDUCE = "all any sum prod min max mean median var std logsumexp minmax count_nonzero argmin argmax".split()
SCAN = "cumsum cumprod cummax cummin logcumsumexp".split()
LAYOUTS = (
    "data(mx.{d}, 4, 3).T", "data(mx.{d}, 6, 3)[::2]", "data(mx.{d}, 3)[:, None]", "mx.broadcast_to(data(mx.{d}, 3), (2, 3))",
    "data(mx.{d}, 5)[::-1]",
)
