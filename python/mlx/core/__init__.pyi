# Made by scripts/bindings.py from python/api/core.pyi. Do not edit.

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, BinaryIO, Literal, ParamSpec, Protocol, TypeAlias, TypeVar, overload
from typing_extensions import Buffer, Self

from mlx.core import cuda as cuda, distributed as distributed, fast as fast, fft as fft, linalg as linalg, metal as metal, random as random

_P = ParamSpec("_P")
_R = TypeVar("_R")
_F = TypeVar("_F", bound=Callable[..., Any])

scalar: TypeAlias = bool | int | float | complex
StreamOrDevice: TypeAlias = Stream | ThreadLocalStream | Device | DeviceType | None

class _Convertible(Protocol):
    def __mlx_array__(self) -> array: ...

class _NumPy(Protocol):
    @property
    def __array_interface__(self) -> dict[str, Any]: ...

class ArrayLike:
    def __init__(self, arg: _Convertible, /) -> None: ...
    def __mlx_array__(self) -> array: ...

class Dtype:
    @property
    def size(self) -> int: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...

bool_: Dtype
uint8: Dtype
uint16: Dtype
uint32: Dtype
uint64: Dtype
int8: Dtype
int16: Dtype
int32: Dtype
int64: Dtype
float16: Dtype
float32: Dtype
float64: Dtype
bfloat16: Dtype
complex64: Dtype

class DtypeCategory:
    complexfloating: DtypeCategory
    floating: DtypeCategory
    inexact: DtypeCategory
    signedinteger: DtypeCategory
    unsignedinteger: DtypeCategory
    integer: DtypeCategory
    number: DtypeCategory
    generic: DtypeCategory
    def __int__(self) -> int: ...

complexfloating: DtypeCategory
floating: DtypeCategory
inexact: DtypeCategory
signedinteger: DtypeCategory
unsignedinteger: DtypeCategory
integer: DtypeCategory
number: DtypeCategory
generic: DtypeCategory

class finfo:
    def __init__(self, arg: Dtype, /) -> None: ...
    @property
    def dtype(self) -> Dtype: ...
    @property
    def bits(self) -> int: ...
    @property
    def min(self) -> float: ...
    @property
    def max(self) -> float: ...
    @property
    def eps(self) -> float: ...
    @property
    def smallest_normal(self) -> float: ...

class iinfo:
    def __init__(self, arg: Dtype, /) -> None: ...
    @property
    def dtype(self) -> Dtype: ...
    @property
    def min(self) -> int: ...
    @property
    def max(self) -> int: ...

class DeviceType:
    cpu: DeviceType
    gpu: DeviceType
    def __int__(self) -> int: ...

cpu: DeviceType
gpu: DeviceType

class Device:
    def __init__(self, type: DeviceType, index: int = 0) -> None: ...
    @property
    def type(self) -> DeviceType: ...

class Stream:
    @property
    def device(self) -> Device: ...

class ThreadLocalStream:
    @property
    def device(self) -> Device: ...

class StreamContext:
    def __init__(self, s: Stream | ThreadLocalStream | Device | DeviceType) -> None: ...
    def __enter__(self) -> None: ...
    def __exit__(self, exc_type: type[BaseException] | None = None, exc_value: BaseException | None = None, traceback: TracebackType | None = None) -> None: ...

class array:
    """An N-dimensional array, computed when its values are needed."""

    def __init__(self, val: scalar | list[Any] | tuple[Any, ...] | array | Buffer | _NumPy | ArrayLike | _Convertible, dtype: Dtype | None = None) -> None: ...
    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> Dtype: ...
    @property
    def size(self) -> int: ...
    @property
    def ndim(self) -> int: ...
    @property
    def itemsize(self) -> int: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def T(self) -> array: ...
    @property
    def mT(self) -> array: ...
    @property
    def real(self) -> array: ...
    @property
    def imag(self) -> array: ...
    @property
    def at(self) -> ArrayAt: ...
    def item(self) -> scalar: ...
    def tolist(self) -> list[Any] | scalar: ...
    def reshape(self, *shape: int | Sequence[int], stream: StreamOrDevice = None) -> array: ...
    def transpose(self, *axes: int | Sequence[int] | None, stream: StreamOrDevice = None) -> array: ...
    def __getitem__(self, key: Any, /) -> array: ...
    def __setitem__(self, key: Any, value: scalar | array | Buffer | _NumPy | ArrayLike, /) -> None: ...
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[array]: ...
    def __bool__(self) -> bool: ...
    def __int__(self) -> int: ...
    def __float__(self) -> float: ...
    def __complex__(self) -> complex: ...
    def __index__(self) -> int: ...
    def __bytes__(self) -> bytes: ...
    def __hash__(self) -> int: ...
    def __eq__(self, other: Any) -> array: ...  # type: ignore[override]
    def __ne__(self, other: Any) -> array: ...  # type: ignore[override]
    def __lt__(self, other: scalar | array | ArrayLike) -> array: ...
    def __le__(self, other: scalar | array | ArrayLike) -> array: ...
    def __gt__(self, other: scalar | array | ArrayLike) -> array: ...
    def __ge__(self, other: scalar | array | ArrayLike) -> array: ...
    def __neg__(self) -> array: ...
    def __pos__(self) -> array: ...
    def __abs__(self) -> array: ...
    def __invert__(self) -> array: ...
    def __pow__(self, other: scalar | array | ArrayLike) -> array: ...
    def __rpow__(self, other: scalar | array | ArrayLike) -> array: ...
    def __ipow__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __div__(self, other: scalar | array | ArrayLike) -> array: ...
    def __rdiv__(self, other: scalar | array | ArrayLike) -> array: ...
    def __matmul__(self, other: array) -> array: ...
    def __imatmul__(self, other: array) -> Self: ...
    def __array__(self, dtype: Any | None = None, copy: bool | None = None) -> Any: ...
    def __array_namespace__(self, api_version: str | None = None) -> ModuleType: ...
    def __dlpack__(self, *, stream: Any | None = None, max_version: Any | None = None, dl_device: tuple[int, int] | None = None, copy: bool | None = None) -> Any: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __copy__(self) -> array: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> array: ...
    def __getnewargs__(self) -> tuple[Any, ...]: ...
    def __setstate__(self, state: Any, /) -> None: ...
    def abs(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.abs."""
    def all(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.all."""
    def any(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.any."""
    def argmax(self, axis: int | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.argmax."""
    def argmin(self, axis: int | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.argmin."""
    def astype(self, dtype: Dtype, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.astype."""
    def conj(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.conj."""
    def cos(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.cos."""
    def cummax(self, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.cummax."""
    def cummin(self, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.cummin."""
    def cumprod(self, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.cumprod."""
    def cumsum(self, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.cumsum."""
    def diag(self, k: int = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.diag."""
    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.diagonal."""
    def exp(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.exp."""
    def flatten(self, start_axis: int = 0, end_axis: int = -1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.flatten."""
    def log(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.log."""
    def log10(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.log10."""
    def log1p(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.log1p."""
    def log2(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.log2."""
    def logcumsumexp(self, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.logcumsumexp."""
    def logsumexp(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.logsumexp."""
    def max(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.max."""
    def mean(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.mean."""
    def min(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.min."""
    def moveaxis(self, source: int, destination: int, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.moveaxis."""
    def prod(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.prod."""
    def reciprocal(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.reciprocal."""
    def round(self, decimals: int = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.round."""
    def rsqrt(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.rsqrt."""
    def sin(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.sin."""
    def split(self, indices_or_sections: int | Sequence[int], axis: int = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> list[array]:
        """See mlx.core.split."""
    def sqrt(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.sqrt."""
    def square(self, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.square."""
    def squeeze(self, axis: int | Sequence[int] | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.squeeze."""
    def std(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, ddof: int = 0, *, correction: int | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.std; correction is another name of ddof."""
    def sum(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.sum."""
    def swapaxes(self, axis1: int, axis2: int, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.swapaxes."""
    def var(self, axis: int | Sequence[int] | None = None, keepdims: bool = False, ddof: int = 0, *, correction: int | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.var; correction is another name of ddof."""
    def view(self, dtype: Dtype, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
        """See mlx.core.view."""
    def __add__(self, other: scalar | array | ArrayLike) -> array: ...
    def __radd__(self, other: scalar | array | ArrayLike) -> array: ...
    def __iadd__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __sub__(self, other: scalar | array | ArrayLike) -> array: ...
    def __rsub__(self, other: scalar | array | ArrayLike) -> array: ...
    def __isub__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __mul__(self, other: scalar | array | ArrayLike) -> array: ...
    def __rmul__(self, other: scalar | array | ArrayLike) -> array: ...
    def __imul__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __truediv__(self, other: scalar | array | ArrayLike) -> array: ...
    def __rtruediv__(self, other: scalar | array | ArrayLike) -> array: ...
    def __itruediv__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __floordiv__(self, other: scalar | array | ArrayLike) -> array: ...
    def __rfloordiv__(self, other: scalar | array | ArrayLike) -> array: ...
    def __ifloordiv__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __mod__(self, other: scalar | array | ArrayLike) -> array: ...
    def __rmod__(self, other: scalar | array | ArrayLike) -> array: ...
    def __imod__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __and__(self, other: scalar | array | ArrayLike) -> array: ...
    def __iand__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __or__(self, other: scalar | array | ArrayLike) -> array: ...
    def __ior__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __xor__(self, other: scalar | array | ArrayLike) -> array: ...
    def __ixor__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __lshift__(self, other: scalar | array | ArrayLike) -> array: ...
    def __ilshift__(self, other: scalar | array | ArrayLike) -> Self: ...
    def __rshift__(self, other: scalar | array | ArrayLike) -> array: ...
    def __irshift__(self, other: scalar | array | ArrayLike) -> Self: ...

class ArrayIterator:
    def __iter__(self) -> Self: ...
    def __next__(self) -> array: ...

class ArrayAt:
    def __getitem__(self, indices: Any) -> ArrayAt: ...
    def add(self, value: scalar | array | ArrayLike) -> array: ...
    def subtract(self, value: scalar | array | ArrayLike) -> array: ...
    def multiply(self, value: scalar | array | ArrayLike) -> array: ...
    def divide(self, value: scalar | array | ArrayLike) -> array: ...
    def maximum(self, value: scalar | array | ArrayLike) -> array: ...
    def minimum(self, value: scalar | array | ArrayLike) -> array: ...

class FunctionExporter:
    def __call__(self, *args: Any, **kwargs: Any) -> None: ...
    def close(self) -> None: ...
    def __enter__(self) -> FunctionExporter: ...
    def __exit__(self, exc_type: object | None = None, exc_value: object | None = None, traceback: object | None = None) -> None: ...

class _ArrayNamespaceInfo:
    def capabilities(self) -> dict[str, bool | int]: ...
    def default_device(self) -> Device: ...
    def default_dtypes(self, *, device: Device | DeviceType | None = None) -> dict[str, Dtype]: ...
    def devices(self) -> tuple[Device, ...]: ...
    def dtypes(self, *, device: Device | DeviceType | None = None, kind: str | tuple[str, ...] | None = None) -> dict[str, Dtype]: ...

class PrintOptions:
    def __init__(self, precision: int = -1) -> None: ...
    @property
    def precision(self) -> int: ...

class _PrintOptionsContext:
    def __enter__(self) -> PrintOptions: ...
    def __exit__(self, *args: object) -> None: ...

class _gc_func:
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

class custom_function:
    def __init__(self, f: Callable[..., Any]) -> None: ...
    def __call__(self, *args: Any, **kwargs: Any) -> Any: ...
    def vjp(self, f: _F) -> Self: ...
    def jvp(self, f: _F) -> Self: ...
    def vmap(self, f: _F) -> Self: ...

__version__: str
pi: float
e: float
euler_gamma: float
inf: float
nan: float
newaxis: None

def asarray(a: scalar | list[Any] | tuple[Any, ...] | array | Buffer | _NumPy, dtype: Dtype | None = None, *, copy: bool | None = None) -> array: ...
def from_dlpack(x: Any, /, *, copy: bool | None = None) -> array: ...
@overload
def atleast_1d(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
@overload
def atleast_1d(*arys: array, stream: StreamOrDevice = None) -> list[array]: ...
@overload
def atleast_2d(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
@overload
def atleast_2d(*arys: array, stream: StreamOrDevice = None) -> list[array]: ...
@overload
def atleast_3d(a: array, /, *, stream: StreamOrDevice = None) -> array: ...
@overload
def atleast_3d(*arys: array, stream: StreamOrDevice = None) -> list[array]: ...
def broadcast_arrays(*arrays: array, stream: StreamOrDevice = None) -> list[array]: ...
def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]: ...
def meshgrid(*arrays: array, sparse: bool | None = False, indexing: str | None = "xy", stream: StreamOrDevice = None) -> tuple[array, ...]: ...
def einsum(subscripts: str, *operands: array, stream: StreamOrDevice = None) -> array: ...
def einsum_path(subscripts: str, *operands: array) -> tuple[list[tuple[int, ...]], str]: ...
def unique(a: array, /, size: int, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, fill_value: scalar | array | None = None, *, stream: StreamOrDevice = None) -> Any: ...
def issubdtype(arg1: Dtype | DtypeCategory, arg2: Dtype | DtypeCategory, /) -> bool: ...
def isdtype(dtype: Dtype, kind: Dtype | str | tuple[Dtype | str, ...]) -> bool: ...
def result_type(*arrays_and_dtypes: array | Dtype) -> Dtype: ...
def can_cast(from_: array | Dtype, to: Dtype) -> bool: ...
def stream(s: Stream | ThreadLocalStream | Device | DeviceType) -> StreamContext: ...
def default_device() -> Device: ...
def set_default_device(device: Device | DeviceType) -> None: ...
def default_stream(device: Device | DeviceType) -> Stream: ...
def set_default_stream(stream: Stream) -> None: ...
def new_stream(device: Device | DeviceType) -> Stream: ...
def new_thread_unsafe_stream(device: Device | DeviceType) -> Stream: ...
def new_thread_local_stream(device: Device | DeviceType) -> ThreadLocalStream: ...
def synchronize(stream: StreamOrDevice = None) -> None: ...
def clear_streams() -> None: ...
def is_available(device: Device | DeviceType) -> bool: ...
def device_count(device_type: DeviceType) -> int: ...
def device_info(d: Device | DeviceType | None = None) -> dict[str, str | int]: ...
def get_active_memory() -> int: ...
def get_peak_memory() -> int: ...
def reset_peak_memory() -> None: ...
def get_cache_memory() -> int: ...
def get_memory_limit() -> int: ...
def set_memory_limit(limit: int) -> int: ...
def set_cache_limit(limit: int) -> int: ...
def set_wired_limit(limit: int) -> int: ...
def clear_cache() -> None: ...
def get_array_buffer_size(*args: Any) -> int: ...
def get_printoptions() -> PrintOptions: ...
def set_printoptions(precision: int = -1) -> None: ...
def printoptions(precision: int = -1) -> _PrintOptionsContext: ...
def eval(*args: Any) -> None: ...
def async_eval(*args: Any) -> None: ...
@overload
def depends(inputs: array, dependencies: array | Sequence[array]) -> array: ...
@overload
def depends(inputs: Sequence[array], dependencies: array | Sequence[array]) -> list[array]: ...
def grad(fun: Callable[_P, Any], argnums: int | Sequence[int] | None = None, argnames: str | Sequence[str] | None = None) -> Callable[_P, Any]: ...
def value_and_grad(fun: Callable[_P, _R], argnums: int | Sequence[int] | None = None, argnames: str | Sequence[str] | None = None) -> Callable[_P, tuple[_R, Any]]: ...
def vjp(fun: Callable[..., Any], primals: list[array], cotangents: list[array]) -> tuple[list[array], list[array]]: ...
def jvp(fun: Callable[..., Any], primals: list[array], tangents: list[array]) -> tuple[list[array], list[array]]: ...
def vmap(fun: Callable[_P, _R], in_axes: Any = 0, out_axes: Any = 0) -> Callable[_P, _R]: ...
def checkpoint(fun: Callable[_P, _R]) -> Callable[_P, _R]: ...
def compile(fun: Callable[_P, _R], inputs: Any | None = None, outputs: Any | None = None, shapeless: bool = False) -> Callable[_P, _R]: ...
def disable_compile() -> None: ...
def enable_compile() -> None: ...
def load(file: str | Path | BinaryIO, /, format: str | None = None, return_metadata: bool = False, *, stream: StreamOrDevice = None) -> Any: ...
def save(file: str | Path | BinaryIO, arr: array) -> None: ...
def savez(file: str | Path | BinaryIO, *args: array, **kwargs: array) -> None: ...
def savez_compressed(file: str | Path | BinaryIO, *args: array, **kwargs: array) -> None: ...
def save_safetensors(file: str | Path | BinaryIO, arrays: dict[str, array], metadata: dict[str, str] | None = None) -> None: ...
def save_gguf(file: str | Path, arrays: dict[str, array], metadata: dict[str, array | str | list[str]] | None = None) -> None: ...
def export_function(file_or_callback: str | Callable[[dict[str, Any]], Any], fun: Callable[..., Any], /, *args: Any, shapeless: bool = False, metadata: str | None = None, **kwargs: Any) -> None: ...
def exporter(file: str, fun: Callable[..., Any], *, shapeless: bool = False, metadata: str | None = None) -> FunctionExporter: ...
@overload
def import_function(file: str, return_metadata: Literal[False] = False) -> Callable[..., tuple[array, ...]]: ...
@overload
def import_function(file: str, return_metadata: Literal[True]) -> tuple[Callable[..., tuple[array, ...]], str]: ...
def export_to_dot(file: Any, *args: Any, **kwargs: Any) -> None: ...
def __array_namespace_info__() -> _ArrayNamespaceInfo: ...
def matrix_norm(a: array, /, ord: int | float | str | None = None, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: StreamOrDevice = None) -> array: ...

def abs(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Absolute value; the modulus of complex numbers."""

def negative(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """-a."""

def positive(a: array, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The array itself."""

def sign(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """-1, 0 or 1 by the sign."""

def floor(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Largest integer not above."""

def ceil(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Smallest integer not below."""

def trunc(a: array, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Nearest integer towards zero."""

def square(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a * a."""

def sqrt(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Square root."""

def rsqrt(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """1 / sqrt(a)."""

def reciprocal(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """1 / a."""

def exp(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """e to the power a."""

def expm1(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """exp(a) - 1, exact near zero."""

def log(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Natural logarithm."""

def log2(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Logarithm to base 2."""

def log10(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Logarithm to base 10."""

def log1p(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """log(1 + a), exact near zero."""

def sin(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Sine."""

def cos(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Cosine."""

def tan(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Tangent."""

def arcsin(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse sine."""

def arccos(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse cosine."""

def arctan(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse tangent."""

def sinh(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Hyperbolic sine."""

def cosh(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Hyperbolic cosine."""

def tanh(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Hyperbolic tangent."""

def arcsinh(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse hyperbolic sine."""

def arccosh(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse hyperbolic cosine."""

def arctanh(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse hyperbolic tangent."""

def erf(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Error function."""

def erfinv(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Inverse error function."""

def sigmoid(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """1 / (1 + exp(-a))."""

def degrees(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Radians to degrees."""

def radians(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Degrees to radians."""

def real(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Real part."""

def imag(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Imaginary part."""

def conjugate(a: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Complex conjugate."""

def logical_not(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """True where zero."""

def bitwise_invert(a: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Complement of the bits."""

def isnan(a: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """True where NaN."""

def isinf(a: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """True where infinite."""

def isposinf(a: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """True where +infinity."""

def isneginf(a: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """True where -infinity."""

def isfinite(a: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """True where neither infinite nor NaN."""

def round(a: scalar | array | ArrayLike, /, decimals: int = 0, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Rounded to so many decimals, halves to even."""

def nan_to_num(a: scalar | array | ArrayLike, nan: float = 0, posinf: float | None = None, neginf: float | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """NaN and infinities replaced; infinities by the dtype's extremes unless given."""

def stop_gradient(a: array, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The same value, through which no gradient flows."""

def add(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a + b."""

def subtract(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a - b."""

def multiply(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a * b."""

def divide(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a / b; of integers as float32."""

def floor_divide(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Quotient rounded down."""

def remainder(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Remainder with the sign of b."""

def divmod(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> list[array]:
    """Quotient rounded down, and remainder."""

def power(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a to the power b."""

def maximum(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The larger of the two; NaN if either is."""

def minimum(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The smaller of the two; NaN if either is."""

def arctan2(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Angle of the point (b, a)."""

def logaddexp(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """log(exp(a) + exp(b))."""

def equal(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a == b."""

def not_equal(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a != b."""

def less(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a < b."""

def less_equal(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a <= b."""

def greater(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a > b."""

def greater_equal(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a >= b."""

def logical_and(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Both nonzero."""

def logical_or(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Either nonzero."""

def logical_xor(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Exactly one nonzero."""

def bitwise_and(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Bits of both."""

def bitwise_or(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Bits of either."""

def bitwise_xor(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Bits of exactly one."""

def left_shift(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a shifted left by b bits."""

def right_shift(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """a shifted right by b bits."""

def array_equal(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, equal_nan: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Same shape and all elements equal."""

def isclose(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, rtol: float = 1e-05, atol: float = 1e-08, *, equal_nan: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """|a - b| <= atol + rtol |b|."""

def allclose(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, rtol: float = 1e-05, atol: float = 1e-08, *, equal_nan: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """All elements close."""

def clip(a: scalar | array | ArrayLike, /, a_min: scalar | array | ArrayLike | None = None, a_max: scalar | array | ArrayLike | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Held between a_min and a_max, either of which may be None."""

def where(condition: scalar | array | ArrayLike, x: scalar | array | ArrayLike, y: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """x where the condition holds, else y."""

def all(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """True where all are nonzero."""

def any(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """True where any is nonzero."""

def sum(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Sum."""

def prod(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Product."""

def min(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Smallest; NaN if any is."""

def max(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Largest; NaN if any is."""

def minmax(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> tuple[array, array]:
    """Smallest and largest."""

def mean(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Mean."""

def median(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Median."""

def var(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, ddof: int = 0, *, correction: int | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Variance, n - ddof in the denominator. correction is another name of ddof."""

def std(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, ddof: int = 0, *, correction: int | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Standard deviation. correction is another name of ddof."""

def logsumexp(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """log(sum(exp(a)))."""

def count_nonzero(a: scalar | array | ArrayLike, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """How many are nonzero."""

def argmin(a: scalar | array | ArrayLike, /, axis: int | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Position of the first smallest."""

def argmax(a: scalar | array | ArrayLike, /, axis: int | None = None, keepdims: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Position of the first largest."""

def softmax(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, *, precise: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """exp(a) / sum(exp(a))."""

def cumsum(a: scalar | array | ArrayLike, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, dtype: Dtype | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Running sum."""

def cumprod(a: scalar | array | ArrayLike, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, dtype: Dtype | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Running product."""

def cummax(a: scalar | array | ArrayLike, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Running maximum."""

def cummin(a: scalar | array | ArrayLike, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Running minimum."""

def logcumsumexp(a: scalar | array | ArrayLike, /, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Running log(sum(exp(a)))."""

def sort(a: scalar | array | ArrayLike, /, axis: int | None = -1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """In ascending order, NaN last."""

def argsort(a: scalar | array | ArrayLike, /, axis: int | None = -1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Positions that sort; equals keep their order."""

def partition(a: scalar | array | ArrayLike, /, kth: int, axis: int | None = -1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The kth element in its sorted place, none larger before it."""

def argpartition(a: scalar | array | ArrayLike, /, kth: int, axis: int | None = -1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Positions that partition."""

def topk(a: scalar | array | ArrayLike, /, k: int, axis: int | None = -1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The k largest, in no particular order."""

def searchsorted(sorted_sequence: scalar | array | ArrayLike, values: scalar | array | ArrayLike, /, side: str = 'left', *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Where values would be put into a sorted sequence."""

def arange(start: int | float | None = None, stop: int | float | None = None, step: int | float | None = None, dtype: Dtype | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Evenly spaced numbers from start (0) to stop, excluding it."""

def linspace(start: int | float, stop: int | float, num: int | None = 50, endpoint: bool = True, dtype: Dtype | None = float32, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """So many evenly spaced numbers from start to stop."""

def full(shape: int | Sequence[int], vals: scalar | array | ArrayLike, dtype: Dtype | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Filled with a value."""

def full_like(a: scalar | array | ArrayLike, vals: scalar | array | ArrayLike, dtype: Dtype | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """As another array, filled with a value."""

def zeros(shape: int | Sequence[int], dtype: Dtype | None = float32, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Zeros."""

def ones(shape: int | Sequence[int], dtype: Dtype | None = float32, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Ones."""

def zeros_like(a: scalar | array | ArrayLike, /, dtype: Dtype | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Zeros of the shape of another array."""

def ones_like(a: scalar | array | ArrayLike, /, dtype: Dtype | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Ones of the shape of another array."""

def eye(n: int, m: int | None = None, k: int = 0, dtype: Dtype | None = float32, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Ones on the k-th diagonal."""

def identity(n: int, dtype: Dtype | None = float32, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Identity matrix."""

def tri(n: int, m: int | None = None, k: int = 0, dtype: Dtype | None = float32, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Ones at and below the k-th diagonal."""

def tril(x: scalar | array | ArrayLike, k: int = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Zeros above the k-th diagonal."""

def triu(x: scalar | array | ArrayLike, k: int = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Zeros below the k-th diagonal."""

def diag(a: scalar | array | ArrayLike, /, k: int = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The k-th diagonal of a matrix, or a matrix with it."""

def diagonal(a: scalar | array | ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """A diagonal of two axes."""

def trace(a: scalar | array | ArrayLike, /, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Dtype | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Sum of a diagonal."""

def hanning(M: int, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Hann window."""

def hamming(M: int, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Hamming window."""

def blackman(M: int, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Blackman window."""

def bartlett(M: int, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Bartlett window."""

def astype(a: scalar | array | ArrayLike, dtype: Dtype, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Converted to another dtype."""

def view(a: scalar | array | ArrayLike, dtype: Dtype, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The same bytes read as another dtype."""

def reshape(a: scalar | array | ArrayLike, /, shape: Sequence[int], *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The same elements in another shape; one size may be -1."""

def flatten(a: scalar | array | ArrayLike, /, start_axis: int = 0, end_axis: int = -1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Axes merged into one."""

def unflatten(a: scalar | array | ArrayLike, /, axis: int, shape: Sequence[int], *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """One axis split into several."""

def squeeze(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Axes of size one removed."""

def expand_dims(a: scalar | array | ArrayLike, /, axis: int | Sequence[int], *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """New axes of size one."""

def transpose(a: scalar | array | ArrayLike, /, axes: Sequence[int] | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Axes permuted; reversed by default."""

def matrix_transpose(a: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The last two axes exchanged."""

def swapaxes(a: scalar | array | ArrayLike, /, axis1: int, axis2: int, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Two axes exchanged."""

def moveaxis(a: scalar | array | ArrayLike, /, source: int, destination: int, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """One axis moved."""

def broadcast_to(a: scalar | array | ArrayLike, /, shape: int | Sequence[int], *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Repeated to a shape, without a copy."""

def contiguous(a: scalar | array | ArrayLike, /, allow_col_major: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """In row-major order (a computed column-major array passes with allow_col_major)."""

def as_strided(a: scalar | array | ArrayLike, /, shape: Sequence[int] | None = None, strides: Sequence[int] | None = None, offset: int = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Any strides over the elements; every element must lie inside the array."""

def concatenate(arrays: Sequence[array] | array, axis: int | None = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """One after another along an axis; flattened first with axis=None."""

def stack(arrays: Sequence[array] | array, axis: int | None = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Along a new axis."""

def split(a: scalar | array | ArrayLike, /, indices_or_sections: int | Sequence[int], axis: int = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> list[array]:
    """Equal parts, or the parts between indices."""

def unstack(x: scalar | array | ArrayLike, /, *, axis: int = 0, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> tuple[array, ...]:
    """The slices along an axis."""

def repeat(array: scalar | array | ArrayLike, repeats: int, axis: int | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Each element so many times."""

def tile(a: scalar | array | ArrayLike, reps: int | Sequence[int], /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """The whole array so many times along each axis."""

def flip(a: scalar | array | ArrayLike, /, axis: int | Sequence[int] | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """In reverse order."""

def roll(a: scalar | array | ArrayLike, shift: int | Sequence[int], axis: int | Sequence[int] | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Moved by shift; what leaves comes back at the other end."""

def pad(a: scalar | array | ArrayLike, pad_width: object, mode: str = 'constant', constant_values: scalar | array | ArrayLike = 0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Elements added before and after along each axis."""

def diff(a: scalar | array | ArrayLike, /, n: int = 1, axis: int = -1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """n-th differences of neighbours."""

def take(a: scalar | array | ArrayLike, /, indices: scalar | array | ArrayLike, axis: int | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Elements at indices along an axis."""

def take_along_axis(a: scalar | array | ArrayLike, /, indices: scalar | array | ArrayLike, axis: int | None = -1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Elements at indices, matched along the other axes."""

def put_along_axis(a: scalar | array | ArrayLike, /, indices: scalar | array | ArrayLike, values: scalar | array | ArrayLike, axis: int | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Elements at indices replaced."""

def slice(a: scalar | array | ArrayLike, start_indices: scalar | array | ArrayLike, axes: Sequence[int], slice_size: Sequence[int], *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """A box whose start is an array."""

def slice_update(a: scalar | array | ArrayLike, update: scalar | array | ArrayLike, start_indices: scalar | array | ArrayLike, axes: Sequence[int], *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """A box, whose start is an array, replaced."""

def matmul(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Matrix product."""

def addmm(c: scalar | array | ArrayLike, a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, alpha: float = 1.0, beta: float = 1.0, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """beta c + alpha (a @ b)."""

def inner(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Sums of products over the last axes."""

def outer(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """All products of two elements."""

def vecdot(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, *, axis: int = -1, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Sums of conj(a) b along an axis."""

def kron(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Kronecker product."""

def tensordot(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, axes: object = 2, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Sums of products over paired axes."""

def quantize(w: scalar | array | ArrayLike, /, group_size: int | None = None, bits: int | None = None, mode: str = 'affine', *, global_scale: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> list[array]:
    """Codes, scales and biases of the last axis."""

def dequantize(w: scalar | array | ArrayLike, /, scales: scalar | array | ArrayLike, biases: scalar | array | ArrayLike | None = None, group_size: int | None = None, bits: int | None = None, mode: str = 'affine', global_scale: scalar | array | ArrayLike | None = None, dtype: Dtype | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Values of codes."""

def quantized_matmul(x: scalar | array | ArrayLike, w: scalar | array | ArrayLike, /, scales: scalar | array | ArrayLike, biases: scalar | array | ArrayLike | None = None, transpose: bool = True, group_size: int | None = None, bits: int | None = None, mode: str = 'affine', *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Product with a quantized matrix."""

def conv1d(input: scalar | array | ArrayLike, weight: scalar | array | ArrayLike, /, stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0, dilation: int | Sequence[int] = 1, groups: int = 1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Convolution over (N, L, C) with weights (O, k, C / groups)."""

def conv2d(input: scalar | array | ArrayLike, weight: scalar | array | ArrayLike, /, stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0, dilation: int | Sequence[int] = 1, groups: int = 1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Convolution over (N, H, W, C) with weights (O, h, w, C / groups)."""

def conv3d(input: scalar | array | ArrayLike, weight: scalar | array | ArrayLike, /, stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0, dilation: int | Sequence[int] = 1, groups: int = 1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Convolution over (N, D, H, W, C) with weights (O, d, h, w, C / groups)."""

def conv_transpose1d(input: scalar | array | ArrayLike, weight: scalar | array | ArrayLike, /, stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0, dilation: int | Sequence[int] = 1, output_padding: int | Sequence[int] = 0, groups: int = 1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Transposed convolution over (N, L, C)."""

def conv_transpose2d(input: scalar | array | ArrayLike, weight: scalar | array | ArrayLike, /, stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0, dilation: int | Sequence[int] = 1, output_padding: int | Sequence[int] = 0, groups: int = 1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Transposed convolution over (N, H, W, C)."""

def conv_transpose3d(input: scalar | array | ArrayLike, weight: scalar | array | ArrayLike, /, stride: int | Sequence[int] = 1, padding: int | Sequence[int] = 0, dilation: int | Sequence[int] = 1, output_padding: int | Sequence[int] = 0, groups: int = 1, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Transposed convolution over (N, D, H, W, C)."""

def conv_general(input: scalar | array | ArrayLike, weight: scalar | array | ArrayLike, /, stride: int | Sequence[int] = 1, padding: int | Sequence[int] | tuple[Sequence[int], Sequence[int]] = 0, kernel_dilation: int | Sequence[int] = 1, input_dilation: int | Sequence[int] = 1, groups: int = 1, flip: bool = False, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Convolution with all its settings; padding is of both ends, or a pair of those before and after."""

def convolve(a: scalar | array | ArrayLike, v: scalar | array | ArrayLike, /, mode: str = 'full', *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Convolution of two 1-d arrays: full, same or valid."""

def gather_mm(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, lhs_indices: scalar | array | ArrayLike | None = None, rhs_indices: scalar | array | ArrayLike | None = None, *, sorted_indices: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Products of matrices chosen by positions over the leading axes."""

def gather_qmm(x: scalar | array | ArrayLike, w: scalar | array | ArrayLike, /, scales: scalar | array | ArrayLike, biases: scalar | array | ArrayLike | None = None, lhs_indices: scalar | array | ArrayLike | None = None, rhs_indices: scalar | array | ArrayLike | None = None, transpose: bool = True, group_size: int | None = None, bits: int | None = None, mode: str = 'affine', global_scale: scalar | array | ArrayLike | None = None, *, sorted_indices: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Products with quantized matrices chosen by positions over the leading axes."""

def qqmm(x: scalar | array | ArrayLike, w: scalar | array | ArrayLike, scales: scalar | array | ArrayLike | None = None, group_size: int | None = None, bits: int | None = None, mode: str = 'nvfp4', global_scale_x: scalar | array | ArrayLike | None = None, global_scale_w: scalar | array | ArrayLike | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Product of values quantized on the fly with a matrix that is, or will be, quantized."""

def gather_qqmm(x: scalar | array | ArrayLike, w: scalar | array | ArrayLike, /, scales: scalar | array | ArrayLike | None = None, lhs_indices: scalar | array | ArrayLike | None = None, rhs_indices: scalar | array | ArrayLike | None = None, group_size: int | None = None, bits: int | None = None, mode: str = 'nvfp4', global_scale_x: scalar | array | ArrayLike | None = None, global_scale_w: scalar | array | ArrayLike | None = None, *, sorted_indices: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """As qqmm, with matrices chosen by positions over the leading axes."""

def segmented_mm(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, segments: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Products over parts of the inner axis."""

def block_masked_mm(a: scalar | array | ArrayLike, b: scalar | array | ArrayLike, /, block_size: int = 64, mask_out: scalar | array | ArrayLike | None = None, mask_lhs: scalar | array | ArrayLike | None = None, mask_rhs: scalar | array | ArrayLike | None = None, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Product of matrices whose blocks are masked."""

def hadamard_transform(a: scalar | array | ArrayLike, scale: float | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Hadamard transform of the last axis."""

def to_fp8(x: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Nearest 8-bit floats (E4M3) as bytes."""

def from_fp8(x: scalar | array | ArrayLike, dtype: Dtype | None = bfloat16, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Values of 8-bit floats (E4M3)."""

acos = arccos
asin = arcsin
atan = arctan
acosh = arccosh
asinh = arcsinh
atanh = arctanh
conj = conjugate
atan2 = arctan2
pow = power
bitwise_left_shift = left_shift
bitwise_right_shift = right_shift
cumulative_sum = cumsum
cumulative_prod = cumprod
empty = zeros
empty_like = zeros_like
concat = concatenate
permute_dims = transpose
