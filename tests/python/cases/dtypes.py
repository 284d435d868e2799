"""Dtypes and constants."""

LINES = r"""
# dtypes
mx.float32.size
mx.float32 == mx.float32
mx.float32 == 1
hash(mx.float32)
mx.issubdtype(mx.float32, mx.floating)
mx.issubdtype(mx.float32, mx.float32)
mx.issubdtype(mx.bool_, mx.generic)
mx.issubdtype(mx.bool_, mx.integer)
mx.issubdtype(mx.floating, mx.inexact)
mx.issubdtype(mx.uint8, mx.signedinteger)
mx.issubdtype(mx.complex64, mx.complexfloating)
mx.issubdtype(mx.int8, mx.number)
mx.isdtype(mx.float32, 'real floating')
mx.isdtype(mx.int8, ('bool', 'integral'))
mx.isdtype(mx.float32, 'xx')
mx.isdtype(mx.uint8, 'unsigned integer')
mx.isdtype(mx.int8, 'signed integer')
mx.isdtype(mx.complex64, 'numeric')
mx.result_type(mx.int32, mx.array(1.5))
mx.result_type(mx.uint32, mx.int8)
mx.result_type()
mx.can_cast(mx.int32, mx.float32)
mx.can_cast(mx.float32, mx.int32)
mx.can_cast(x, mx.float64)
[mx.finfo(d).eps for d in (mx.float16, mx.bfloat16, mx.float32, mx.float64)]
[mx.finfo(d).max for d in (mx.float16, mx.bfloat16, mx.float32)]
[mx.finfo(d).min for d in (mx.float16, mx.bfloat16, mx.float32)]
[mx.finfo(d).smallest_normal for d in (mx.float16, mx.bfloat16, mx.float32)]
mx.finfo(mx.float16).bits
mx.finfo(mx.float16).dtype
mx.finfo(mx.int32)
[mx.iinfo(d).max for d in (mx.int8, mx.uint16, mx.int32, mx.uint64, mx.int64)]
[mx.iinfo(d).min for d in (mx.int8, mx.uint16, mx.int32, mx.uint64, mx.int64)]
mx.iinfo(mx.int8).dtype
mx.iinfo(mx.float32)
[getattr(mx, d).size for d in "bool_ uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 bfloat16 complex64".split()]
mx.array([1.5], mx.float64) + 1
(mx.pi, mx.e, mx.inf, mx.euler_gamma)
math.isnan(mx.nan)
mx.newaxis
mx.__version__
"""
