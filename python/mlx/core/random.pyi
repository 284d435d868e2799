# Made by scripts/bindings.py from python/api/random.pyi. Do not edit.

from collections.abc import Iterator
from typing import Any, Sequence

from mlx.core import ArrayLike, Device, DeviceType, Dtype, Stream, ThreadLocalStream, array, float32, int32, scalar

class _RandomState:
    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[array]: ...
    def __getitem__(self, key: Any, /) -> array: ...
    def __setitem__(self, key: Any, value: array, /) -> None: ...

state: _RandomState

def seed(seed: int) -> None: ...
def key(seed: int) -> array: ...

def uniform(low: scalar | array | ArrayLike = 0, high: scalar | array | ArrayLike = 1, shape: Sequence[int] = [], dtype: Dtype | None = float32, key: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Uniform in [low, high)."""

def normal(shape: Sequence[int] = [], dtype: Dtype | None = float32, loc: scalar | array | ArrayLike | None = None, scale: scalar | array | ArrayLike | None = None, key: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Normal with mean loc and standard deviation scale."""

def randint(low: scalar | array | ArrayLike, high: scalar | array | ArrayLike, shape: Sequence[int] = [], dtype: Dtype | None = int32, key: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Integers in [low, high)."""

def bernoulli(p: scalar | array | ArrayLike = 0.5, shape: Sequence[int] | None = None, key: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """True with probability p."""

def truncated_normal(lower: scalar | array | ArrayLike, upper: scalar | array | ArrayLike, shape: Sequence[int] | None = None, dtype: Dtype | None = float32, key: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Normal between bounds."""

def gumbel(shape: Sequence[int] = [], dtype: Dtype | None = float32, key: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Standard Gumbel."""

def laplace(shape: Sequence[int] = [], dtype: Dtype | None = float32, loc: float = 0.0, scale: float = 1.0, key: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Laplace."""

def categorical(logits: scalar | array | ArrayLike, axis: int = -1, shape: Sequence[int] | None = None, num_samples: int | None = None, key: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Positions drawn with probability softmax(logits)."""

def permutation(x: int | array, axis: int = 0, key: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Slices of an array, or 0 ... x - 1, in random order."""

def split(key: scalar | array | ArrayLike, num: int = 2, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Keys from one."""

def multivariate_normal(mean: scalar | array | ArrayLike, cov: scalar | array | ArrayLike, shape: Sequence[int] = [], dtype: Dtype | None = float32, key: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Jointly normal vectors."""

