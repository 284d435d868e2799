"""Dropout: in training, zeros at random places."""

import mlx.core as mx

from .base import Module


class _Dropout(Module):
    def __init__(self, p: float = 0.5):
        super().__init__()
        if p < 0 or p >= 1:
            raise ValueError(f"The dropout probability {p} is not in [0, 1)")
        self._p_1 = 1 - p

    def _extra_repr(self):
        return f"p={1 - self._p_1}"

    def _shape(self, x):
        """The shape of the mask."""
        return x.shape

    def __call__(self, x: mx.array) -> mx.array:
        if self._p_1 == 1 or not self.training:
            return x
        mask = mx.random.bernoulli(self._p_1, self._shape(x))
        return (1 / self._p_1) * mask * x


class Dropout(_Dropout):
    """Zeros with probability p; the rest is scaled so that the mean stays."""


class Dropout2d(_Dropout):
    """Zeros whole features of images: (N, H, W, C) or (H, W, C)."""

    def _shape(self, x):
        if x.ndim not in (3, 4):
            raise ValueError(f"Received input with {x.ndim} dimensions. Expected 3 or 4 dimensions.")
        shape = list(x.shape)
        shape[-2] = shape[-3] = 1
        return shape


class Dropout3d(_Dropout):
    """Zeros whole features of volumes: (N, D, H, W, C) or (D, H, W, C)."""

    def _shape(self, x):
        if x.ndim not in (4, 5):
            raise ValueError(f"Received input with {x.ndim} dimensions. Expected 4 or 5 dimensions.")
        shape = list(x.shape)
        shape[-2] = shape[-3] = shape[-4] = 1
        return shape
