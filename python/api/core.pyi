# Functions of mlx.core, from which scripts/bindings.py makes the bindings and the type stubs.
#
# Annotations name kinds of arguments (the table KINDS there). A `rust(...)` line is the expression that computes the
# result in terms of the arguments; without one it is the function of the same name in `mlx::ops`, with the arguments in
# order. `name = other` is a second name.

def abs(a: array, /, *, stream: stream = None) -> array: "Absolute value; the modulus of complex numbers."
def negative(a: array, /, *, stream: stream = None) -> array: "-a."
def positive(a: only_array, /, *, stream: stream = None) -> array:
    "The array itself."
    rust("convert::same(a)")
def sign(a: array, /, *, stream: stream = None) -> array: "-1, 0 or 1 by the sign."
def floor(a: array, /, *, stream: stream = None) -> array: "Largest integer not above."
def ceil(a: array, /, *, stream: stream = None) -> array: "Smallest integer not below."
def trunc(a: only_array, /, *, stream: stream = None) -> array:
    "Nearest integer towards zero."
    rust("convert::truncated(a)")
def square(a: array, /, *, stream: stream = None) -> array: "a * a."
def sqrt(a: array, /, *, stream: stream = None) -> array: "Square root."
def rsqrt(a: array, /, *, stream: stream = None) -> array: "1 / sqrt(a)."
def reciprocal(a: array, /, *, stream: stream = None) -> array: "1 / a."
def exp(a: array, /, *, stream: stream = None) -> array: "e to the power a."
def expm1(a: array, /, *, stream: stream = None) -> array: "exp(a) - 1, exact near zero."
def log(a: array, /, *, stream: stream = None) -> array: "Natural logarithm."
def log2(a: array, /, *, stream: stream = None) -> array: "Logarithm to base 2."
def log10(a: array, /, *, stream: stream = None) -> array: "Logarithm to base 10."
def log1p(a: array, /, *, stream: stream = None) -> array: "log(1 + a), exact near zero."
def sin(a: array, /, *, stream: stream = None) -> array: "Sine."
def cos(a: array, /, *, stream: stream = None) -> array: "Cosine."
def tan(a: array, /, *, stream: stream = None) -> array: "Tangent."
def arcsin(a: array, /, *, stream: stream = None) -> array: "Inverse sine."
def arccos(a: array, /, *, stream: stream = None) -> array: "Inverse cosine."
def arctan(a: array, /, *, stream: stream = None) -> array: "Inverse tangent."
def sinh(a: array, /, *, stream: stream = None) -> array: "Hyperbolic sine."
def cosh(a: array, /, *, stream: stream = None) -> array: "Hyperbolic cosine."
def tanh(a: array, /, *, stream: stream = None) -> array: "Hyperbolic tangent."
def arcsinh(a: array, /, *, stream: stream = None) -> array: "Inverse hyperbolic sine."
def arccosh(a: array, /, *, stream: stream = None) -> array: "Inverse hyperbolic cosine."
def arctanh(a: array, /, *, stream: stream = None) -> array: "Inverse hyperbolic tangent."
def erf(a: array, /, *, stream: stream = None) -> array: "Error function."
def erfinv(a: array, /, *, stream: stream = None) -> array: "Inverse error function."
def sigmoid(a: array, /, *, stream: stream = None) -> array: "1 / (1 + exp(-a))."
def degrees(a: array, /, *, stream: stream = None) -> array: "Radians to degrees."
def radians(a: array, /, *, stream: stream = None) -> array: "Degrees to radians."
def real(a: array, /, *, stream: stream = None) -> array: "Real part."
def imag(a: array, /, *, stream: stream = None) -> array: "Imaginary part."
def conjugate(a: array, *, stream: stream = None) -> array: "Complex conjugate."
def logical_not(a: array, /, *, stream: stream = None) -> array: "True where zero."
def bitwise_invert(a: array, stream: stream = None) -> array: "Complement of the bits."
def isnan(a: array, stream: stream = None) -> array: "True where NaN."
def isinf(a: array, stream: stream = None) -> array: "True where infinite."
def isposinf(a: array, stream: stream = None) -> array: "True where +infinity."
def isneginf(a: array, stream: stream = None) -> array: "True where -infinity."
def isfinite(a: array, stream: stream = None) -> array: "True where neither infinite nor NaN."
def round(a: array, /, decimals: int = 0, stream: stream = None) -> array:
    "Rounded to so many decimals, halves to even."
    rust("ops::round(a, small(\"round\", decimals)?)")
def nan_to_num(a: array, nan: float = 0, posinf: float = None, neginf: float = None, *, stream: stream = None) -> array:
    "NaN and infinities replaced; infinities by the dtype's extremes unless given."
    rust("ops::nan_to_num(convert::no_complex(\"nan_to_num\", a)?, nan, posinf, neginf)")
def stop_gradient(a: only_array, /, *, stream: stream = None) -> array: "The same value, through which no gradient flows."

acos = arccos
asin = arcsin
atan = arctan
acosh = arccosh
asinh = arcsinh
atanh = arctanh
conj = conjugate

def add(a: operand, b: operand, stream: stream = None) -> array: "a + b."
def subtract(a: operand, b: operand, stream: stream = None) -> array: "a - b."
def multiply(a: operand, b: operand, stream: stream = None) -> array: "a * b."
def divide(a: operand, b: operand, stream: stream = None) -> array: "a / b; of integers as float32."
def floor_divide(a: operand, b: operand, stream: stream = None) -> array: "Quotient rounded down."
def remainder(a: operand, b: operand, stream: stream = None) -> array: "Remainder with the sign of b."
def divmod(a: operand, b: operand, stream: stream = None) -> arrays:
    "Quotient rounded down, and remainder."
    rust("ops::divmod(a, b).map(|(q, r)| vec![q, r])")
def power(a: operand, b: operand, /, *, stream: stream = None) -> array: "a to the power b."
def maximum(a: operand, b: operand, /, *, stream: stream = None) -> array: "The larger of the two; NaN if either is."
def minimum(a: operand, b: operand, /, *, stream: stream = None) -> array: "The smaller of the two; NaN if either is."
def arctan2(a: operand, b: operand, /, *, stream: stream = None) -> array: "Angle of the point (b, a)."
def logaddexp(a: operand, b: operand, /, *, stream: stream = None) -> array: "log(exp(a) + exp(b))."
def equal(a: operand, b: operand, stream: stream = None) -> array: "a == b."
def not_equal(a: operand, b: operand, stream: stream = None) -> array: "a != b."
def less(a: operand, b: operand, stream: stream = None) -> array: "a < b."
def less_equal(a: operand, b: operand, stream: stream = None) -> array: "a <= b."
def greater(a: operand, b: operand, stream: stream = None) -> array: "a > b."
def greater_equal(a: operand, b: operand, stream: stream = None) -> array: "a >= b."
def logical_and(a: operand, b: operand, /, *, stream: stream = None) -> array: "Both nonzero."
def logical_or(a: operand, b: operand, /, *, stream: stream = None) -> array: "Either nonzero."
def logical_xor(a: operand, b: operand, /, *, stream: stream = None) -> array: "Exactly one nonzero."
def bitwise_and(a: operand, b: operand, stream: stream = None) -> array: "Bits of both."
def bitwise_or(a: operand, b: operand, stream: stream = None) -> array: "Bits of either."
def bitwise_xor(a: operand, b: operand, stream: stream = None) -> array: "Bits of exactly one."
def left_shift(a: operand, b: operand, stream: stream = None) -> array: "a shifted left by b bits."
def right_shift(a: operand, b: operand, stream: stream = None) -> array: "a shifted right by b bits."
def array_equal(a: array, b: array, equal_nan: bool = False, stream: stream = None) -> array:
    "Same shape and all elements equal."
def isclose(a: array, b: array, /, rtol: float = 1e-05, atol: float = 1e-08, *, equal_nan: bool = False, stream: stream = None) -> array:
    "|a - b| <= atol + rtol |b|."
def allclose(a: array, b: array, /, rtol: float = 1e-05, atol: float = 1e-08, *, equal_nan: bool = False, stream: stream = None) -> array:
    "All elements close."
def clip(a: array, /, a_min: operand = None, a_max: operand = None, *, stream: stream = None) -> array:
    "Held between a_min and a_max, either of which may be None."
    rust("convert::clip(a, a_min, a_max)")
def where(condition: array, x: operand, y: operand, /, *, stream: stream = None) -> array:
    "x where the condition holds, else y."
    rust("ops::where_(condition, x, y)")

atan2 = arctan2
pow = power
bitwise_left_shift = left_shift
bitwise_right_shift = right_shift

def all(a: array, /, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "True where all are nonzero."
def any(a: array, /, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "True where any is nonzero."
def sum(a: array, /, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "Sum."
def prod(a: array, /, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "Product."
def min(a: array, /, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "Smallest; NaN if any is."
def max(a: array, /, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "Largest; NaN if any is."
def minmax(a: array, /, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> tuple2: "Smallest and largest."
def mean(a: array, /, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "Mean."
def median(a: array, /, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "Median."
def var(a: array, /, axis: axes = None, keepdims: bool = False, ddof: int = 0, *, correction: int = None, stream: stream = None) -> array:
    "Variance, n - ddof in the denominator. correction is another name of ddof."
    rust("ops::var(a, axis, keepdims, correction.unwrap_or(ddof))")
def std(a: array, /, axis: axes = None, keepdims: bool = False, ddof: int = 0, *, correction: int = None, stream: stream = None) -> array:
    "Standard deviation. correction is another name of ddof."
    rust("ops::std(a, axis, keepdims, correction.unwrap_or(ddof))")
def logsumexp(a: array, /, axis: axes = None, keepdims: bool = False, *, stream: stream = None) -> array: "log(sum(exp(a)))."
def count_nonzero(a: array, /, *, axis: axes = None, keepdims: bool = False, stream: stream = None) -> array: "How many are nonzero."
def argmin(a: array, /, axis: int = None, keepdims: bool = False, *, stream: stream = None) -> array:
    "Position of the first smallest."
    rust("ops::argmin(convert::nonempty(\"argmin\", a)?, axis, keepdims)")
def argmax(a: array, /, axis: int = None, keepdims: bool = False, *, stream: stream = None) -> array:
    "Position of the first largest."
    rust("ops::argmax(convert::nonempty(\"argmax\", a)?, axis, keepdims)")
def softmax(a: array, /, axis: axes = None, *, precise: bool = False, stream: stream = None) -> array: "exp(a) / sum(exp(a))."
def cumsum(a: array, /, axis: int = None, *, reverse: bool = False, inclusive: bool = True, dtype: dtype = None, stream: stream = None) -> array:
    "Running sum."
    rust("ops::cumsum(&as_dtype(a, dtype)?, axis, reverse, inclusive)")
def cumprod(a: array, /, axis: int = None, *, reverse: bool = False, inclusive: bool = True, dtype: dtype = None, stream: stream = None) -> array:
    "Running product."
    rust("ops::cumprod(&as_dtype(a, dtype)?, axis, reverse, inclusive)")
def cummax(a: array, /, axis: int = None, *, reverse: bool = False, inclusive: bool = True, stream: stream = None) -> array: "Running maximum."
def cummin(a: array, /, axis: int = None, *, reverse: bool = False, inclusive: bool = True, stream: stream = None) -> array: "Running minimum."
def logcumsumexp(a: array, /, axis: int = None, *, reverse: bool = False, inclusive: bool = True, stream: stream = None) -> array:
    "Running log(sum(exp(a)))."
    rust("convert::logcumsumexp(a, axis, reverse, inclusive)")
def sort(a: array, /, axis: axis = -1, *, stream: stream = None) -> array: "In ascending order, NaN last."
def argsort(a: array, /, axis: axis = -1, *, stream: stream = None) -> array: "Positions that sort; equals keep their order."
def partition(a: array, /, kth: int, axis: axis = -1, *, stream: stream = None) -> array: "The kth element in its sorted place, none larger before it."
def argpartition(a: array, /, kth: int, axis: axis = -1, *, stream: stream = None) -> array: "Positions that partition."
def topk(a: array, /, k: int, axis: axis = -1, *, stream: stream = None) -> array:
    "The k largest, in no particular order."
    rust("ops::topk(a, convert::count(\"topk\", k)?, axis)")
def searchsorted(sorted_sequence: array, values: array, /, side: str = "left", *, stream: stream = None) -> array: "Where values would be put into a sorted sequence."

cumulative_sum = cumsum
cumulative_prod = cumprod

def arange(start: number = None, stop: number = None, step: number = None, dtype: dtype = None, *, stream: stream = None) -> array:
    "Evenly spaced numbers from start (0) to stop, excluding it."
    rust("create::arange(start, stop, step, dtype)")
def linspace(start: number, stop: number, num: axis = 50, endpoint: bool = True, dtype: dtype = float32, stream: stream = None) -> array:
    "So many evenly spaced numbers from start to stop."
    rust("create::linspace(start, stop, num.unwrap_or(50), endpoint, dtype)")
def full(shape: shape, vals: operand, dtype: dtype = None, *, stream: stream = None) -> array:
    "Filled with a value."
    rust("create::full(shape, vals, dtype)")
def full_like(a: array, vals: operand, dtype: dtype = None, *, stream: stream = None) -> array:
    "As another array, filled with a value."
    rust("create::full_like(a.shape(), vals, dtype.unwrap_or(a.dtype()))")
def zeros(shape: shape, dtype: dtype = float32, *, stream: stream = None) -> array: "Zeros."
def ones(shape: shape, dtype: dtype = float32, *, stream: stream = None) -> array: "Ones."
def zeros_like(a: array, /, dtype: dtype = None, *, stream: stream = None) -> array:
    "Zeros of the shape of another array."
    rust("ops::zeros(a.shape(), dtype.unwrap_or(a.dtype()))")
def ones_like(a: array, /, dtype: dtype = None, *, stream: stream = None) -> array:
    "Ones of the shape of another array."
    rust("ops::ones(a.shape(), dtype.unwrap_or(a.dtype()))")
def eye(n: int, m: int = None, k: int = 0, dtype: dtype = float32, *, stream: stream = None) -> array:
    "Ones on the k-th diagonal."
    rust("create::eye(n, m, k, dtype)")
def identity(n: int, dtype: dtype = float32, *, stream: stream = None) -> array:
    "Identity matrix."
    rust("create::eye(n, None, 0, dtype)")
def tri(n: int, m: int = None, k: int = 0, dtype: dtype = float32, *, stream: stream = None) -> array:
    "Ones at and below the k-th diagonal."
    rust("create::tri(n, m, k, dtype)")
def tril(x: array, k: int = 0, *, stream: stream = None) -> array: "Zeros above the k-th diagonal."
def triu(x: array, k: int = 0, *, stream: stream = None) -> array: "Zeros below the k-th diagonal."
def diag(a: array, /, k: int = 0, *, stream: stream = None) -> array: "The k-th diagonal of a matrix, or a matrix with it."
def diagonal(a: array, offset: int = 0, axis1: int = 0, axis2: int = 1, stream: stream = None) -> array: "A diagonal of two axes."
def trace(a: array, /, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: dtype = None, *, stream: stream = None) -> array: "Sum of a diagonal."
def hanning(M: int, *, stream: stream = None) -> array:
    "Hann window."
    rust("create::window(M, create::Window::Hanning)")
def hamming(M: int, *, stream: stream = None) -> array:
    "Hamming window."
    rust("create::window(M, create::Window::Hamming)")
def blackman(M: int, *, stream: stream = None) -> array:
    "Blackman window."
    rust("create::window(M, create::Window::Blackman)")
def bartlett(M: int, *, stream: stream = None) -> array:
    "Bartlett window."
    rust("create::window(M, create::Window::Bartlett)")

empty = zeros
empty_like = zeros_like

def astype(a: array, dtype: dtype_required, /, *, stream: stream = None) -> array: "Converted to another dtype."
def view(a: array, dtype: dtype_required, stream: stream = None) -> array: "The same bytes read as another dtype."
def reshape(a: array, /, shape: intseq, *, stream: stream = None) -> array: "The same elements in another shape; one size may be -1."
def flatten(a: array, /, start_axis: int = 0, end_axis: int = -1, *, stream: stream = None) -> array: "Axes merged into one."
def unflatten(a: array, /, axis: int, shape: intseq, *, stream: stream = None) -> array: "One axis split into several."
def squeeze(a: array, /, axis: axes = None, *, stream: stream = None) -> array: "Axes of size one removed."
def expand_dims(a: array, /, axis: ints, *, stream: stream = None) -> array: "New axes of size one."
def transpose(a: array, /, axes: intseq = None, *, stream: stream = None) -> array: "Axes permuted; reversed by default."
def matrix_transpose(a: array, /, *, stream: stream = None) -> array: "The last two axes exchanged."
def swapaxes(a: array, /, axis1: int, axis2: int, *, stream: stream = None) -> array: "Two axes exchanged."
def moveaxis(a: array, /, source: int, destination: int, *, stream: stream = None) -> array: "One axis moved."
def broadcast_to(a: array, /, shape: shape, *, stream: stream = None) -> array: "Repeated to a shape, without a copy."
def contiguous(a: array, /, allow_col_major: bool = False, *, stream: stream = None) -> array:
    "In row-major order (a computed column-major array passes with allow_col_major)."
    rust("convert::contiguous(a, allow_col_major)")
def as_strided(a: array, /, shape: intseq = None, strides: intseq = None, offset: int = 0, *, stream: stream = None) -> array:
    "Any strides over the elements; every element must lie inside the array."
    rust("convert::as_strided(a, shape, strides, offset)")
def concatenate(arrays: arrays, axis: axis = 0, *, stream: stream = None) -> array:
    "One after another along an axis; flattened first with axis=None."
    rust("convert::concatenate(arrays, axis)")
def stack(arrays: arrays, axis: axis = 0, *, stream: stream = None) -> array:
    "Along a new axis."
    rust("ops::stack(arrays, axis.unwrap_or(0))")
def split(a: array, /, indices_or_sections: ints_or_int, axis: int = 0, *, stream: stream = None) -> arrays:
    "Equal parts, or the parts between indices."
    rust("convert::split(a, indices_or_sections, axis)")
def unstack(x: array, /, *, axis: int = 0, stream: stream = None) -> tuple: "The slices along an axis."
def repeat(array: array, repeats: int, axis: int = None, *, stream: stream = None) -> array:
    "Each element so many times."
    rust("ops::repeat(array, convert::count(\"repeat\", repeats)?, axis)")
def tile(a: array, reps: shape, /, *, stream: stream = None) -> array: "The whole array so many times along each axis."
def flip(a: array, /, axis: axes = None, *, stream: stream = None) -> array: "In reverse order."
def roll(a: array, shift: ints, axis: axes = None, *, stream: stream = None) -> array: "Moved by shift; what leaves comes back at the other end."
def pad(a: array, pad_width: object, mode: str = "constant", constant_values: operand = 0, *, stream: stream = None) -> array:
    "Elements added before and after along each axis."
    rust("convert::pad(a, pad_width, mode, constant_values)")
def diff(a: array, /, n: int = 1, axis: int = -1, *, stream: stream = None) -> array: "n-th differences of neighbours."
def take(a: array, /, indices: array, axis: int = None, *, stream: stream = None) -> array: "Elements at indices along an axis."
def take_along_axis(a: array, /, indices: array, axis: axis = -1, *, stream: stream = None) -> array: "Elements at indices, matched along the other axes."
def put_along_axis(a: array, /, indices: array, values: array, axis: int = None, *, stream: stream = None) -> array: "Elements at indices replaced."
def slice(a: array, start_indices: array, axes: intseq, slice_size: shape_seq, *, stream: stream = None) -> array:
    "A box whose start is an array."
    rust("ops::dynamic_slice(a, start_indices, axes, slice_size)")
def slice_update(a: array, update: array, start_indices: array, axes: intseq, *, stream: stream = None) -> array:
    "A box, whose start is an array, replaced."
    rust("ops::dynamic_slice_update(a, update, start_indices, axes)")

concat = concatenate
permute_dims = transpose

def matmul(a: array, b: array, /, *, stream: stream = None) -> array: "Matrix product."
def addmm(c: array, a: array, b: array, /, alpha: float = 1.0, beta: float = 1.0, *, stream: stream = None) -> array: "beta c + alpha (a @ b)."
def inner(a: array, b: array, /, *, stream: stream = None) -> array: "Sums of products over the last axes."
def outer(a: array, b: array, /, *, stream: stream = None) -> array: "All products of two elements."
def vecdot(a: array, b: array, /, *, axis: int = -1, stream: stream = None) -> array: "Sums of conj(a) b along an axis."
def kron(a: array, b: array, *, stream: stream = None) -> array: "Kronecker product."
def tensordot(a: array, b: array, /, axes: object = 2, *, stream: stream = None) -> array:
    "Sums of products over paired axes."
    rust("convert::tensordot(a, b, axes)")
def quantize(w: array, /, group_size: int = None, bits: int = None, mode: str = "affine", *, global_scale: array = None, stream: stream = None) -> arrays:
    "Codes, scales and biases of the last axis."
    rust("quantize::quantize(w, group_size, bits, mode, global_scale)")
def dequantize(w: array, /, scales: array, biases: array = None, group_size: int = None, bits: int = None, mode: str = "affine", global_scale: array = None, dtype: dtype = None, *, stream: stream = None) -> array:
    "Values of codes."
    rust("quantize::dequantize(w, scales, biases, group_size, bits, mode, global_scale, dtype)")
def quantized_matmul(x: array, w: array, /, scales: array, biases: array = None, transpose: bool = True, group_size: int = None, bits: int = None, mode: str = "affine", *, stream: stream = None) -> array:
    "Product with a quantized matrix."
    rust("quantize::quantized_matmul(x, w, scales, biases, transpose, group_size, bits, mode)")

def conv1d(input: array, weight: array, /, stride: ints = 1, padding: ints = 0, dilation: ints = 1, groups: int = 1, *, stream: stream = None) -> array:
    "Convolution over (N, L, C) with weights (O, k, C / groups)."
    rust("conv::plain(1, input, weight, stride, padding, dilation, groups)")
def conv2d(input: array, weight: array, /, stride: ints = 1, padding: ints = 0, dilation: ints = 1, groups: int = 1, *, stream: stream = None) -> array:
    "Convolution over (N, H, W, C) with weights (O, h, w, C / groups)."
    rust("conv::plain(2, input, weight, stride, padding, dilation, groups)")
def conv3d(input: array, weight: array, /, stride: ints = 1, padding: ints = 0, dilation: ints = 1, groups: int = 1, *, stream: stream = None) -> array:
    "Convolution over (N, D, H, W, C) with weights (O, d, h, w, C / groups)."
    rust("conv::plain(3, input, weight, stride, padding, dilation, groups)")
def conv_transpose1d(input: array, weight: array, /, stride: ints = 1, padding: ints = 0, dilation: ints = 1, output_padding: ints = 0, groups: int = 1, *, stream: stream = None) -> array:
    "Transposed convolution over (N, L, C)."
    rust("conv::transposed(1, input, weight, stride, padding, dilation, output_padding, groups)")
def conv_transpose2d(input: array, weight: array, /, stride: ints = 1, padding: ints = 0, dilation: ints = 1, output_padding: ints = 0, groups: int = 1, *, stream: stream = None) -> array:
    "Transposed convolution over (N, H, W, C)."
    rust("conv::transposed(2, input, weight, stride, padding, dilation, output_padding, groups)")
def conv_transpose3d(input: array, weight: array, /, stride: ints = 1, padding: ints = 0, dilation: ints = 1, output_padding: ints = 0, groups: int = 1, *, stream: stream = None) -> array:
    "Transposed convolution over (N, D, H, W, C)."
    rust("conv::transposed(3, input, weight, stride, padding, dilation, output_padding, groups)")
def conv_general(input: array, weight: array, /, stride: ints = 1, padding: padding = 0, kernel_dilation: ints = 1, input_dilation: ints = 1, groups: int = 1, flip: bool = False, *, stream: stream = None) -> array:
    "Convolution with all its settings; padding is of both ends, or a pair of those before and after."
    rust("conv::general(input, weight, stride, padding, kernel_dilation, input_dilation, groups, flip)")
def convolve(a: array, v: array, /, mode: str = "full", *, stream: stream = None) -> array: "Convolution of two 1-d arrays: full, same or valid."
def gather_mm(a: array, b: array, /, lhs_indices: array = None, rhs_indices: array = None, *, sorted_indices: bool = False, stream: stream = None) -> array:
    "Products of matrices chosen by positions over the leading axes."
    rust("quantize::gather_mm(a, b, lhs_indices, rhs_indices, sorted_indices)")
def gather_qmm(x: array, w: array, /, scales: array, biases: array = None, lhs_indices: array = None, rhs_indices: array = None, transpose: bool = True, group_size: int = None, bits: int = None, mode: str = "affine", global_scale: array = None, *, sorted_indices: bool = False, stream: stream = None) -> array:
    "Products with quantized matrices chosen by positions over the leading axes."
    rust("quantize::gather_qmm(x, w, scales, biases, lhs_indices, rhs_indices, transpose, group_size, bits, mode, global_scale, sorted_indices)")
def qqmm(x: array, w: array, scales: array = None, group_size: int = None, bits: int = None, mode: str = "nvfp4", global_scale_x: array = None, global_scale_w: array = None, *, stream: stream = None) -> array:
    "Product of values quantized on the fly with a matrix that is, or will be, quantized."
    rust("quantize::qqmm(x, w, scales, group_size, bits, mode, (global_scale_x, global_scale_w))")
def gather_qqmm(x: array, w: array, /, scales: array = None, lhs_indices: array = None, rhs_indices: array = None, group_size: int = None, bits: int = None, mode: str = "nvfp4", global_scale_x: array = None, global_scale_w: array = None, *, sorted_indices: bool = False, stream: stream = None) -> array:
    "As qqmm, with matrices chosen by positions over the leading axes."
    rust("quantize::gather_qqmm(x, w, scales, lhs_indices, rhs_indices, group_size, bits, mode, (global_scale_x, global_scale_w), sorted_indices)")
def segmented_mm(a: array, b: array, /, segments: array, *, stream: stream = None) -> array: "Products over parts of the inner axis."
def block_masked_mm(a: array, b: array, /, block_size: int = 64, mask_out: array = None, mask_lhs: array = None, mask_rhs: array = None, *, stream: stream = None) -> array:
    "Product of matrices whose blocks are masked."
    rust("ops::block_masked_mm(a, b, convert::count(\"block_masked_mm\", block_size)?, mask_out, mask_lhs, mask_rhs)")
def hadamard_transform(a: array, scale: float = None, stream: stream = None) -> array: "Hadamard transform of the last axis."
def to_fp8(x: array, *, stream: stream = None) -> array: "Nearest 8-bit floats (E4M3) as bytes."
def from_fp8(x: array, dtype: dtype = bfloat16, *, stream: stream = None) -> array: "Values of 8-bit floats (E4M3)."
