"""Making arrays, printing and describing them, their values in Python, operators with other things."""

LINES = r"""
# making
mx.array(1)
mx.array(1 << 31)
mx.array(1 << 63)
mx.array([1 << 40])
mx.array(1.5)
mx.array(True)
mx.array(1 + 2j)
mx.array([1, 2.5, True])
mx.array([1, True])
mx.array([])
mx.array([[], []])
mx.array(())
mx.array([[1, 2], [3]])
mx.array([[1], 2])
mx.array([1, [2]])
mx.array([1, 'a'])
mx.array('a')
mx.array(None)
mx.array({1: 2})
mx.array(range(3))
mx.array(object())
mx.array([1, 2], dtype=mx.float16)
mx.array([1.5, -2.5], dtype=mx.int32)
mx.array([-1, 300], dtype=mx.uint8)
mx.array(300, dtype=mx.uint8)
mx.array([1 / 3], mx.float64)
mx.array([mx.array(1), mx.array(2.5)])
mx.array([mx.array([1, 2]), [2.5, 3]])
mx.array([mx.array([1, 2]), mx.array([2.5, 3])])
mx.array(np.array([1, 2], dtype=np.int64))
mx.array(np.array([1.0, 2]))
mx.array(np.array([1.0, 2]), dtype=mx.float64)
mx.array(np.array([1 + 2j]))
mx.array(np.zeros((0, 3)))
mx.array(np.arange(6).reshape(2, 3).T)
mx.array(np.arange(8)[::2])
mx.array(np.array([True]))
mx.array(np.array([1.5], dtype=np.float16))
mx.array(np.float64(1.5))
mx.array(np.float32(1.5))
mx.array(np.int64(3))
mx.array(np.uint8(3))
mx.array(np.bool_(True))
mx.array([np.float64(1.5)])
mx.array([np.int64(1)])
mx.array(np.array(['a']))
mx.array(b'abc')
mx.array(bytearray(b'abc'))
mx.array(memoryview(b'abc'))
mx.array(x) is x
mx.asarray([1, 2])
mx.asarray(x, dtype=mx.int32)
mx.from_dlpack(np.array([1, 2]))
mx.zeros(3)
mx.zeros((2, 3), mx.int32)
mx.zeros(())
mx.zeros(-1)
mx.ones([2])
mx.ones(3, dtype=None)
mx.empty((2,)).shape
mx.zeros_like(n)
mx.ones_like(n, mx.float16)
mx.empty_like(n).shape
mx.full((2,), 1.5)
mx.full((2,), 1.5, dtype=mx.int32)
mx.full((2,), 3, dtype=mx.bool_)
mx.full((2,), 1j, dtype=mx.float32)
mx.full((2, 2), mx.array([1, 2]))
mx.full((2,), mx.array(1.5), dtype=mx.int32)
mx.full((2,), 300, dtype=mx.uint8)
mx.full_like(n, 1.5)
mx.arange(5)
mx.arange(5.0)
mx.arange(1, 5)
mx.arange(0, 5, 2)
mx.arange(1.0, 2.0, 0.3)
mx.arange(5, 0, -2)
mx.arange(5, dtype=mx.float16)
mx.arange(-1)
mx.arange(1, 2, 0)
mx.arange(1, float('nan'))
mx.arange(1, float('inf'))
mx.arange(True)
mx.arange(1 << 33, (1 << 33) + 2)
mx.linspace(0, 1, 5)
mx.linspace(0, 1, 5, endpoint=False)
mx.linspace(0, 10, 3, dtype=mx.int32)
mx.linspace(0, 1, 1)
mx.linspace(0, 1, 0)
mx.linspace(0, 1, -1)
mx.eye(3)
mx.eye(2, 3, 1)
mx.eye(3, k=-1, dtype=mx.int32)
mx.eye(-1)
mx.identity(2)
mx.tri(3)
mx.tri(2, 3, 1, mx.int32)
mx.tril(n)
mx.tril(n, -1)
mx.triu(n, 1)
mx.tril(v)
mx.diag(v)
mx.diag(v, 1)
mx.diag(v, -2)
mx.diag(n)
mx.diag(n, 1)
mx.diag(t)
mx.diagonal(n, 1)
mx.diagonal(t, 0, 1, 2)
mx.diagonal(t, -1, 0, 2)
mx.trace(n)
mx.trace(t, 0, 1, 2, mx.float32)
n.diag()
t.diagonal(1)
mx.hanning(5)
mx.hamming(5)
mx.blackman(5)
mx.bartlett(5)
mx.hanning(0)
mx.hanning(1)
# printing
repr(mx.array(3.14159265))
repr(mx.arange(7))
repr(mx.arange(6))
repr(mx.zeros((7, 2)))
repr(mx.zeros((2, 7, 1)))
repr(t)
repr(mx.zeros((0, 3)))
repr(mx.zeros((2, 0)))
repr(mx.zeros((2, 0, 3)))
repr(mx.array([1e10, 1.0, -2.25, 1e-10]))
repr(mx.array([0.1, 0.123456789, 123456.7, 1234567.0]))
repr(mx.array([float('inf'), -float('inf')]))
repr(mx.array([True, False]))
repr(mx.array([1 + 2j, 0.5 - 1j]))
repr(mx.array([1 / 3], mx.bfloat16))
repr(mx.array([1 / 3], mx.float16))
repr(mx.array([1 / 3], mx.float64))
repr(mx.array([255], mx.uint8))
repr(mx.array([-(1 << 62)]))
str(mx.array([1 / 3]))
f'{mx.array(1.5):.3f}'
f'{mx.array(3)}'
format(mx.array([1.5]), '.3f')
format(v, '')
P.print_precision()
repr(mx.float32)
repr(mx.bool_)
repr(mx.cpu)
repr(mx.default_device())
repr(mx.default_stream(mx.cpu))
repr(mx.DtypeCategory.floating)
repr(mx.finfo(mx.float32))
repr(mx.iinfo(mx.int8))
# description
x.shape
x.ndim
x.size
x.itemsize
x.nbytes
x.dtype
data(c64).dtype
x.T
t.T
t.mT
v.mT
data(c64).real
data(c64).imag
n.real
n.imag
len(x)
len(s)
x.strides
hash(x) == hash(x)
x in [x]
x.foo
P.set_attribute()
# values
x.item()
s.item()
mx.array(3).item()
mx.array(True).item()
mx.array(1.5, mx.float16).item()
mx.array(1.5, mx.bfloat16).item()
mx.array(1 + 2j).item()
mx.array([[7]]).item()
mx.array([]).item()
n.tolist()
mx.array(1).tolist()
mx.array([1.5], mx.bfloat16).tolist()
mx.array([1 + 1j]).tolist()
mx.array([True]).tolist()
mx.zeros((2, 0)).tolist()
int(mx.array(1.7))
int(mx.array([1, 2]))
float(mx.array([1]))
bool(mx.array(0))
bool(mx.array([]))
bool(n)
complex(mx.array(1.5))
bytes(mx.array([1, 2], mx.uint8))
[1, 2, 3][mx.array(1)]
[1, 2, 3][mx.array(1.0)]
list(mx.array([1, 2]))
list(s)
P.unpack()
P.aliases()
P.round_trip(x)
P.round_trip(data(bf16))
P.round_trip(mx.array(3))
P.subclass()
P.weak()
P.numpy_view()
np.array(x)
np.array(n.T)
np.array(data(bf16))
np.array(mx.array([True]))
np.asarray(data(f16)).dtype
np.add(v, 1)
np.array([1.5, 2.5]) + mx.array([1, 2])
np.float64(1.5) + n
mx.array([1, 2]) + np.float64(1.5)
mx.array([1, 2]) + np.array([1.5, 2.5])
memoryview(n).format
memoryview(mx.array([True])).format
memoryview(data(c64)).format
memoryview(data(f16)).format
memoryview(m.T).strides
memoryview(m[:, 1]).tolist()
mx.array([1, 2]).__dlpack_device__()
x.__array_namespace__() is mx
# comparison with other things
v == None
v == 'a'
v != 'a'
v == [1, 2, 3]
v == 1
# operators
-data(mx.bool_)
~x
~n
+n
abs(-n)
m @ m.T
m @ m
m @ 2
n @ n
divmod(n, 2)
1 << n
1 & n
object() + v
v + object()
x < v
"""
