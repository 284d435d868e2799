"""Pooling: the largest or the mean of each window. The features are the last axis."""

import operator
from collections.abc import Callable
from itertools import accumulate

import mlx.core as mx

from .base import Module


def _tuple(x, n, what):
    if isinstance(x, int):
        return (x,) * n
    if len(x) != n:
        raise ValueError(f"{what} must be an integer or a tuple containing {n} integers")
    return tuple(x)


def _windows(x, size, stride):
    """Views of all windows: (N, places…, window…, C)."""
    batch, *space, features = x.shape
    places = [(n - w) // s + 1 for n, w, s in zip(space, size, stride)]
    if any(p < 1 for p in places):
        raise ValueError(f"A window of {size} does not fit in {tuple(space)}.")
    strides = list(accumulate(reversed([*x.shape[1:], 1]), operator.mul))[::-1]
    inner = strides[1:-1]
    return mx.as_strided(
        x,
        (batch, *places, *size, features),
        (strides[0], *(a * s for a, s in zip(inner, stride)), *inner, 1),
    )


class _Pool(Module):
    _n = 0
    _function: Callable
    _padding_value: float = 0

    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        self._kernel_size = _tuple(kernel_size, self._n, "kernel_size")
        self._stride = self._kernel_size if stride is None else _tuple(stride, self._n, "stride")
        self._sides = [(p, p) for p in _tuple(padding or 0, self._n, "padding")]

    def _extra_repr(self):
        return (
            f"kernel_size={self._kernel_size}, stride={self._stride}, padding={tuple(p for p, _ in self._sides)}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        n = self._n
        if any(p > 0 for p, _ in self._sides):
            x = mx.pad(x, [(0, 0), *self._sides, (0, 0)], constant_values=self._padding_value)
        # A view of windows needs the elements in order.
        windows = _windows(mx.contiguous(x), self._kernel_size, self._stride)
        return type(self)._function(windows, axis=tuple(range(-n - 1, -1)))


class _Max(_Pool):
    _function = staticmethod(mx.max)
    _padding_value = -float("inf")


class _Mean(_Pool):
    _function = staticmethod(mx.mean)


class MaxPool1d(_Max):
    """The largest of windows over (N, L, C)."""

    _n = 1


class AvgPool1d(_Mean):
    """The mean of windows over (N, L, C)."""

    _n = 1


class MaxPool2d(_Max):
    """The largest of windows over (N, H, W, C)."""

    _n = 2


class AvgPool2d(_Mean):
    """The mean of windows over (N, H, W, C)."""

    _n = 2


class MaxPool3d(_Max):
    """The largest of windows over (N, D, H, W, C)."""

    _n = 3


class AvgPool3d(_Mean):
    """The mean of windows over (N, D, H, W, C)."""

    _n = 3
