"""Larger or smaller images: (N, space…, C)."""

from typing import Literal

import mlx.core as mx

from .base import Module


def _positions(n, scale, align_corners):
    """Where the elements of the result lie among the n of the input."""
    m = int(scale * n)
    at = mx.arange(m, dtype=mx.float32)
    if align_corners:
        return at * ((n - 1) / (m - 1)) if m > 1 else at * 0
    # The step is the scale's, the middle that of both: where the sizes do not divide, the ends lie inside.
    return at / scale - ((m - 1) / scale - n + 1) / 2


def upsample_nearest(x: mx.array, scale_factor: tuple) -> mx.array:
    """The nearest element."""
    whole = all(float(s).is_integer() for s in scale_factor)
    for axis, scale in enumerate(scale_factor, 1):
        n = x.shape[axis]
        if whole:
            x = mx.repeat(x, int(scale), axis=axis)
        else:
            at = (mx.arange(int(scale * n), dtype=mx.float32) + 0.5) * (1 / scale) - 0.5
            x = mx.take(x, mx.clip(mx.round(at), 0, n - 1).astype(mx.int32), axis=axis)
    return x


def _weighted(x, axis, at, weight, taps):
    """Sums of the neighbours of positions along an axis, by weight of their distance, clamped at the ends."""
    n = x.shape[axis]
    first = mx.floor(at)
    shape = [1] * x.ndim
    shape[axis] = -1
    out = None
    for k in taps:
        near = mx.clip(first + k, 0, n - 1).astype(mx.int32)
        w = weight(mx.abs(at - (first + k))).astype(x.dtype).reshape(shape)
        part = mx.take(x, near, axis=axis) * w
        out = part if out is None else out + part
    return out


def _no_antialias(antialias):
    if antialias:
        raise NotImplementedError("[upsample] antialias is not implemented yet in MLX-ARM.")


def upsample_linear(x: mx.array, scale_factor: tuple, align_corners: bool = False, antialias: bool = False) -> mx.array:
    """Linear between the two nearest."""
    _no_antialias(antialias)
    for axis, scale in enumerate(scale_factor, 1):
        n = x.shape[axis]
        at = mx.clip(_positions(n, scale, align_corners), 0, n - 1)
        x = _weighted(x, axis, at, lambda d: mx.maximum(1 - d, 0), (0, 1))
    return x


def _cubic(d):
    """The cubic convolution kernel with a = -0.75."""
    a = -0.75
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    return mx.where(d <= 1, near, mx.where(d < 2, far, 0))


def upsample_cubic(x: mx.array, scale_factor: tuple, align_corners: bool = False, antialias: bool = False) -> mx.array:
    """Cubic among the four nearest."""
    _no_antialias(antialias)
    for axis, scale in enumerate(scale_factor, 1):
        at = _positions(x.shape[axis], scale, align_corners)
        x = _weighted(x, axis, at, _cubic, (-1, 0, 1, 2))
    return x


class Upsample(Module):
    """Scales the axes between the first and the last."""

    def __init__(
        self,
        scale_factor: float | tuple,
        mode: Literal["nearest", "linear", "cubic"] = "nearest",
        align_corners: bool = False,
        antialias: bool = False,
    ):
        super().__init__()
        if mode not in ("nearest", "linear", "cubic"):
            raise ValueError(f"[Upsample] Got unsupported upsampling algorithm: {mode}")
        if isinstance(scale_factor, (list, tuple)):
            self.scale_factor = tuple(map(float, scale_factor))
        else:
            self.scale_factor = float(scale_factor)
        self.mode, self.align_corners, self.antialias = mode, align_corners, antialias

    def _extra_repr(self) -> str:
        return f"scale_factor={self.scale_factor}, mode={self.mode!r}, align_corners={self.align_corners}"

    def __call__(self, x: mx.array) -> mx.array:
        dims = x.ndim - 2
        if dims <= 0:
            raise ValueError(
                f"[Upsample] The input should have at least 1 spatial dimension which means it should be at least 3D "
                f"but {x.ndim}D was provided"
            )
        scale = self.scale_factor
        if isinstance(scale, tuple):
            if len(scale) != dims:
                raise ValueError(
                    f"[Upsample] One scale per spatial dimension is required but scale_factor={scale} and the number "
                    f"of spatial dimensions were {dims}"
                )
        else:
            scale = (scale,) * dims
        if self.mode == "nearest":
            return upsample_nearest(x, scale)
        function = upsample_linear if self.mode == "linear" else upsample_cubic
        return function(x, scale, self.align_corners, self.antialias)
