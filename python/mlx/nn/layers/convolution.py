"""Convolutions. The features are the last axis."""

import math

import mlx.core as mx

from .base import Module


def _spread(x, n):
    return (x,) * n if isinstance(x, int) else tuple(x)


def _parameters(module, out_channels, kernel, in_channels, bias, fan):
    scale = math.sqrt(1 / fan)
    module.weight = mx.random.uniform(low=-scale, high=scale, shape=(out_channels, *kernel, in_channels))
    if bias:
        module.bias = mx.zeros((out_channels,))


class Conv1d(Module):
    """Convolution over (N, L, C)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        if in_channels % groups != 0:
            raise ValueError(
                f"The number of input channels ({in_channels}) must be divisible by the number of groups ({groups})"
            )
        _parameters(self, out_channels, (kernel_size,), in_channels // groups, bias, in_channels // groups * kernel_size)
        self.stride, self.padding, self.dilation, self.groups = stride, padding, dilation, groups

    def _extra_repr(self):
        return (
            f"{self.weight.shape[-1] * self.groups}, {self.weight.shape[0]}, kernel_size={self.weight.shape[1]}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, groups={self.groups}, "
            f"bias={'bias' in self}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv1d(x, self.weight, self.stride, self.padding, self.dilation, self.groups)
        return y + self.bias if "bias" in self else y


class Conv2d(Module):
    """Convolution over (N, H, W, C)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple,
        stride: int | tuple = 1,
        padding: int | tuple = 0,
        dilation: int | tuple = 1,
        groups: int = 1,
        bias: bool = True,
    ):
        super().__init__()
        if in_channels % groups != 0:
            raise ValueError(
                f"The number of input channels ({in_channels}) must be divisible by the number of groups ({groups})"
            )
        kernel = _spread(kernel_size, 2)
        _parameters(self, out_channels, kernel, in_channels // groups, bias, in_channels // groups * math.prod(kernel))
        self.stride, self.padding = _spread(stride, 2), _spread(padding, 2)
        self.dilation, self.groups = dilation, groups

    def _extra_repr(self):
        return (
            f"{self.weight.shape[-1] * self.groups}, {self.weight.shape[0]}, kernel_size={self.weight.shape[1:3]}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, groups={self.groups}, "
            f"bias={'bias' in self}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv2d(x, self.weight, self.stride, self.padding, self.dilation, self.groups)
        return y + self.bias if "bias" in self else y


class Conv3d(Module):
    """Convolution over (N, D, H, W, C)."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple,
        stride: int | tuple = 1,
        padding: int | tuple = 0,
        dilation: int | tuple = 1,
        bias: bool = True,
    ):
        super().__init__()
        kernel = _spread(kernel_size, 3)
        _parameters(self, out_channels, kernel, in_channels, bias, in_channels * math.prod(kernel))
        self.stride, self.padding, self.dilation = _spread(stride, 3), _spread(padding, 3), dilation

    def _extra_repr(self):
        return (
            f"{self.weight.shape[-1]}, {self.weight.shape[0]}, kernel_size={self.weight.shape[1:4]}, "
            f"stride={self.stride}, padding={self.padding}, dilation={self.dilation}, bias={'bias' in self}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        y = mx.conv3d(x, self.weight, self.stride, self.padding, self.dilation)
        return y + self.bias if "bias" in self else y
