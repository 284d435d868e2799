# Methods of mlx.core.array that are functions of it; see core.pyi. `a` is the array.

class array:
    def abs(self, *, stream: stream = None) -> array: "See mlx.core.abs."
    def all(self, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "See mlx.core.all."
    def any(self, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "See mlx.core.any."
    def argmax(self, axis: int = None, keepdims: bool = False, *, stream: stream = None) -> array:
        "See mlx.core.argmax."
        rust("ops::argmax(convert::nonempty(\"argmax\", a)?, axis, keepdims)")
    def argmin(self, axis: int = None, keepdims: bool = False, *, stream: stream = None) -> array:
        "See mlx.core.argmin."
        rust("ops::argmin(convert::nonempty(\"argmin\", a)?, axis, keepdims)")
    def astype(self, dtype: dtype_required, stream: stream = None) -> array: "See mlx.core.astype."
    def conj(self, *, stream: stream = None) -> array:
        "See mlx.core.conj."
        rust("ops::conjugate(a)")
    def cos(self, *, stream: stream = None) -> array: "See mlx.core.cos."
    def cummax(self, axis: int = None, *, reverse: bool = False, inclusive: bool = True, stream: stream = None) -> array: "See mlx.core.cummax."
    def cummin(self, axis: int = None, *, reverse: bool = False, inclusive: bool = True, stream: stream = None) -> array: "See mlx.core.cummin."
    def cumprod(self, axis: int = None, *, reverse: bool = False, inclusive: bool = True, stream: stream = None) -> array: "See mlx.core.cumprod."
    def cumsum(self, axis: int = None, *, reverse: bool = False, inclusive: bool = True, stream: stream = None) -> array: "See mlx.core.cumsum."
    def diag(self, k: int = 0, *, stream: stream = None) -> array: "See mlx.core.diag."
    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1, stream: stream = None) -> array: "See mlx.core.diagonal."
    def exp(self, *, stream: stream = None) -> array: "See mlx.core.exp."
    def flatten(self, start_axis: int = 0, end_axis: int = -1, *, stream: stream = None) -> array: "See mlx.core.flatten."
    def log(self, *, stream: stream = None) -> array: "See mlx.core.log."
    def log10(self, *, stream: stream = None) -> array: "See mlx.core.log10."
    def log1p(self, *, stream: stream = None) -> array: "See mlx.core.log1p."
    def log2(self, *, stream: stream = None) -> array: "See mlx.core.log2."
    def logcumsumexp(self, axis: int = None, *, reverse: bool = False, inclusive: bool = True, stream: stream = None) -> array:
        "See mlx.core.logcumsumexp."
        rust("convert::logcumsumexp(a, axis, reverse, inclusive)")
    def logsumexp(self, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "See mlx.core.logsumexp."
    def max(self, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "See mlx.core.max."
    def mean(self, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "See mlx.core.mean."
    def min(self, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "See mlx.core.min."
    def moveaxis(self, source: int, destination: int, *, stream: stream = None) -> array: "See mlx.core.moveaxis."
    def prod(self, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "See mlx.core.prod."
    def reciprocal(self, *, stream: stream = None) -> array: "See mlx.core.reciprocal."
    def round(self, decimals: int = 0, *, stream: stream = None) -> array:
        "See mlx.core.round."
        rust("ops::round(a, small(\"round\", decimals)?)")
    def rsqrt(self, *, stream: stream = None) -> array: "See mlx.core.rsqrt."
    def sin(self, *, stream: stream = None) -> array: "See mlx.core.sin."
    def split(self, indices_or_sections: ints_or_int, axis: int = 0, *, stream: stream = None) -> arrays:
        "See mlx.core.split."
        rust("convert::split(a, indices_or_sections, axis)")
    def sqrt(self, *, stream: stream = None) -> array: "See mlx.core.sqrt."
    def square(self, *, stream: stream = None) -> array: "See mlx.core.square."
    def squeeze(self, axis: axes = None, *, stream: stream = None) -> array: "See mlx.core.squeeze."
    def std(self, axis: axes = None, keepdims: bool = False, ddof: int = 0, *, correction: int = None, stream: stream = None) -> array:
        "See mlx.core.std; correction is another name of ddof."
        rust("ops::std(a, axis, keepdims, correction.unwrap_or(ddof))")
    def sum(self, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "See mlx.core.sum."
    def swapaxes(self, axis1: int, axis2: int, *, stream: stream = None) -> array: "See mlx.core.swapaxes."
    def var(self, axis: axes = None, keepdims: bool = False, ddof: int = 0, *, correction: int = None, stream: stream = None) -> array:
        "See mlx.core.var; correction is another name of ddof."
        rust("ops::var(a, axis, keepdims, correction.unwrap_or(ddof))")
    def view(self, dtype: dtype_required, *, stream: stream = None) -> array: "See mlx.core.view."

class operators:
    # name without underscores = what messages call it, the function, whether there is a reflected form
    add = ("addition", "add", True)
    sub = ("subtraction", "subtract", True)
    mul = ("multiplication", "multiply", True)
    truediv = ("division", "divide", True)
    floordiv = ("floor division", "floor_divide", True)
    mod = ("modulus", "remainder", True)
    and_ = ("bitwise and", "bitwise_and", False)
    or_ = ("bitwise or", "bitwise_or", False)
    xor = ("bitwise xor", "bitwise_xor", False)
    lshift = ("left shift", "left_shift", False)
    rshift = ("right shift", "right_shift", False)
