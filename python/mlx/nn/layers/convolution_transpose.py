"""Transposed convolutions. The features are the last axis."""

import math

import mlx.core as mx

from .base import Module
from .convolution import _parameters, _spread


class ConvTranspose1d(Module):
    """Transposed convolution over (N, L, C)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        output_padding: int = 0,
        bias: bool = True,
    ):
        super().__init__()
        _parameters(self, out_channels, (kernel_size,), in_channels, bias, in_channels * kernel_size)
        self.stride, self.padding, self.dilation, self.output_padding = stride, padding, dilation, output_padding

    def _extra_repr(self):
        return (
            f"{self.weight.shape[-1]}, {self.weight.shape[0]}, kernel_size={self.weight.shape[1]}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"output_padding={self.output_padding}, bias={'bias' in self}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv_transpose1d(x, self.weight, self.stride, self.padding, self.dilation, self.output_padding)
        return y + self.bias if "bias" in self else y


class _ConvTransposeNd(Module):
    _n = 0

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple,
        stride: int | tuple = 1,
        padding: int | tuple = 0,
        dilation: int | tuple = 1,
        output_padding: int | tuple = 0,
        bias: bool = True,
    ):
        super().__init__()
        kernel = _spread(kernel_size, self._n)
        _parameters(self, out_channels, kernel, in_channels, bias, in_channels * math.prod(kernel))
        self.stride, self.padding = _spread(stride, self._n), _spread(padding, self._n)
        self.dilation, self.output_padding = dilation, _spread(output_padding, self._n)

    def _extra_repr(self):
        return (
            f"{self.weight.shape[-1]}, {self.weight.shape[0]}, kernel_size={self.weight.shape[1:-1]}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, "
            f"output_padding={self.output_padding}, bias={'bias' in self}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        transposed = getattr(mx, f"conv_transpose{self._n}d")
        y = transposed(x, self.weight, self.stride, self.padding, self.dilation, self.output_padding)
        return y + self.bias if "bias" in self else y


class ConvTranspose2d(_ConvTransposeNd):
    """Transposed convolution over (N, H, W, C)."""

    _n = 2


class ConvTranspose3d(_ConvTransposeNd):
    """Transposed convolution over (N, D, H, W, C)."""

    _n = 3
