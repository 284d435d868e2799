# Functions of mlx.core.random; see core.pyi.

def uniform(low: operand = 0, high: operand = 1, shape: shape_seq = [], dtype: dtype = float32, key: array = None, stream: stream = None) -> array:
    "Uniform in [low, high)."
    rust("random::uniform(low, high, shape, dtype, key)")
def normal(shape: shape_seq = [], dtype: dtype = float32, loc: array = None, scale: array = None, key: array = None, stream: stream = None) -> array:
    "Normal with mean loc and standard deviation scale."
    rust("random::normal(shape, dtype, loc, scale, key)")
def randint(low: operand, high: operand, shape: shape_seq = [], dtype: dtype = int32, key: array = None, stream: stream = None) -> array:
    "Integers in [low, high)."
    rust("random::randint(low, high, shape, dtype, key)")
def bernoulli(p: array = 0.5, shape: shape_seq = None, key: array = None, stream: stream = None) -> array:
    "True with probability p."
    rust("random::bernoulli(p, shape, key)")
def truncated_normal(lower: array, upper: array, shape: shape_seq = None, dtype: dtype = float32, key: array = None, stream: stream = None) -> array:
    "Normal between bounds."
    rust("random::truncated_normal(lower, upper, shape, dtype, key)")
def gumbel(shape: shape_seq = [], dtype: dtype = float32, key: array = None, stream: stream = None) -> array:
    "Standard Gumbel."
    rust("random::gumbel(shape, dtype, key)")
def laplace(shape: shape_seq = [], dtype: dtype = float32, loc: float = 0.0, scale: float = 1.0, key: array = None, stream: stream = None) -> array:
    "Laplace."
    rust("random::laplace(shape, dtype, loc, scale, key)")
def categorical(logits: array, axis: int = -1, shape: shape_seq = None, num_samples: int = None, key: array = None, stream: stream = None) -> array:
    "Positions drawn with probability softmax(logits)."
    rust("create::categorical(logits, axis, shape, num_samples, key)")
def permutation(x: array_or_int, axis: int = 0, key: array = None, stream: stream = None) -> array:
    "Slices of an array, or 0 ... x - 1, in random order."
    rust("create::permutation(x, axis, key)")
def split(key: array, num: int = 2, stream: stream = None) -> array:
    "Keys from one."
    rust("random::split_key(key, convert::count(\"split\", num)?)")
def multivariate_normal(mean: array, cov: array, shape: shape_seq = [], dtype: dtype = float32, key: array = None, stream: stream = None) -> array:
    "Jointly normal vectors."
    rust("random::multivariate_normal(mean, cov, shape, dtype, key)")
