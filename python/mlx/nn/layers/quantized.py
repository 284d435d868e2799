"""Layers with quantized weights."""

import math
from collections.abc import Callable
from typing import Any

import mlx.core as mx
from mlx.utils import tree_map_with_path

from .base import Module

# Group size and bits where none are given.
_DEFAULTS = {"affine": (64, 4), "mxfp4": (32, 4), "nvfp4": (16, 4), "mxfp8": (32, 8)}


def _defaults(mode, group_size, bits):
    if mode not in _DEFAULTS:
        raise ValueError(f"[quantize] Invalid quantization mode '{mode}'.")
    g, b = _DEFAULTS[mode]
    return group_size or g, bits or b


def quantize(
    model: Module,
    group_size: int | None = None,
    bits: int | None = None,
    *,
    mode: str = "affine",
    quantize_input: bool = False,
    class_predicate: Callable[[str, Module], bool | dict] | None = None,
) -> None:
    """Replaces the layers of a model that can be quantized, in place.

    `class_predicate(place, module)` says which: a bool, or a dictionary with other arguments for that layer's
    `to_quantized`. By default all that have such a method.
    """
    predicate = class_predicate or (lambda _, m: hasattr(m, "to_quantized"))

    def replaced(path, m):
        wanted = predicate(path, m)
        if not wanted:
            return m
        if not hasattr(m, "to_quantized"):
            raise ValueError(f"Unable to quantize model of type {type(m)}")
        if isinstance(wanted, bool):
            kwargs = {"group_size": group_size, "bits": bits, "mode": mode}
            if quantize_input:
                kwargs["quantize_input"] = True
            return m.to_quantized(**kwargs)
        if isinstance(wanted, dict):
            return m.to_quantized(**wanted)
        raise ValueError("``class_predicate`` must return a bool or a dict of parameters to pass to ``to_quantized``")

    leaves = tree_map_with_path(replaced, model.leaf_modules(), is_leaf=Module.is_module)
    model.update_modules(leaves)


class _Quantized(Module):
    """What the layers here share: weights that are never trained."""

    def _set(self, weight):
        self.weight, self.scales, *biases = mx.quantize(weight, self.group_size, self.bits, mode=self.mode)
        self.biases = biases[0] if biases else None

    def _settings(self):
        return f"group_size={self.group_size}, bits={self.bits}, mode={self.mode}"

    def unfreeze(self, *args: Any, **kwargs: Any) -> Module:
        """Unfreezes what is below; the quantized weights stay frozen."""
        super().unfreeze(*args, **kwargs)
        self.freeze(recurse=False)


class QuantizedEmbedding(_Quantized):
    """An embedding with a quantized table."""

    def __init__(
        self,
        num_embeddings: int,
        dims: int,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "affine",
    ):
        super().__init__()
        self.group_size, self.bits = _defaults(mode, group_size, bits)
        self.mode = mode
        self._set(mx.random.normal(shape=(num_embeddings, dims), scale=math.sqrt(1 / dims)))
        self.num_embeddings, self.dims = num_embeddings, dims
        self.freeze()

    def __call__(self, x: mx.array) -> mx.array:
        biases = self.get("biases")
        return mx.dequantize(
            self["weight"][x],
            scales=self["scales"][x],
            biases=biases[x] if biases is not None else None,
            group_size=self.group_size,
            bits=self.bits,
            mode=self.mode,
        )

    def as_linear(self, x: mx.array) -> mx.array:
        """The table as the matrix of a linear layer."""
        return mx.quantized_matmul(
            x,
            self["weight"],
            scales=self["scales"],
            biases=self.get("biases"),
            transpose=True,
            group_size=self.group_size,
            bits=self.bits,
            mode=self.mode,
        )

    def _extra_repr(self):
        return f"{self.num_embeddings}, {self.dims}, {self._settings()}"

    @classmethod
    def from_embedding(
        cls, embedding_layer: Module, group_size: int | None = None, bits: int | None = None, mode: str = "affine"
    ) -> "QuantizedEmbedding":
        """The same table, quantized."""
        n, dims = embedding_layer.weight.shape
        out = cls(n, dims, group_size, bits, mode=mode)
        out._set(embedding_layer.weight)
        return out


class QuantizedLinear(_Quantized):
    """A linear layer with quantized weights."""

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "affine",
    ):
        super().__init__()
        self.group_size, self.bits = _defaults(mode, group_size, bits)
        self.mode = mode
        scale = math.sqrt(1 / input_dims)
        self._set(mx.random.uniform(low=-scale, high=scale, shape=(output_dims, input_dims)))
        if bias:
            self.bias = mx.zeros((output_dims,))
        self.freeze()

    def _extra_repr(self):
        out, packed = self.weight.shape
        return (
            f"input_dims={packed * 32 // self.bits}, output_dims={out}, bias={'bias' in self}, {self._settings()}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        x = mx.quantized_matmul(
            x,
            self["weight"],
            scales=self["scales"],
            biases=self.get("biases"),
            transpose=True,
            group_size=self.group_size,
            bits=self.bits,
            mode=self.mode,
        )
        return x + self["bias"] if "bias" in self else x

    @classmethod
    def from_linear(
        cls, linear_layer: Module, group_size: int | None = None, bits: int | None = None, mode: str = "affine"
    ) -> "QuantizedLinear":
        """The same layer, quantized."""
        out_dims, in_dims = linear_layer.weight.shape
        out = cls(in_dims, out_dims, False, group_size, bits, mode=mode)
        out._set(linear_layer.weight)
        if "bias" in linear_layer:
            out.bias = linear_layer.bias
        return out


class QQLinear(Module):
    """A linear layer whose inputs are quantized as its weights are; in training mode the weights are plain."""

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        group_size: int | None = None,
        bits: int | None = None,
        mode: str = "nvfp4",
    ):
        super().__init__()
        self.group_size, self.bits = _defaults(mode, group_size, bits)
        self.mode = mode
        scale = math.sqrt(1 / input_dims)
        self.weight = mx.random.uniform(low=-scale, high=scale, shape=(output_dims, input_dims))
        self._quantized = False

    def _extra_repr(self):
        out, packed = self.weight.shape
        dims = packed * 32 // self.bits if self.weight.dtype == mx.uint32 else packed
        return f"input_dims={dims}, output_dims={out}, group_size={self.group_size}, bits={self.bits}, mode={self.mode}"

    def quantize(self) -> None:
        """Quantizes the weights."""
        if not self._quantized:
            self.weight, self.scales = mx.quantize(self.weight, self.group_size, self.bits, mode=self.mode)
            self._quantized = True

    def dequantize(self) -> mx.array:
        """Makes the weights plain again."""
        if self._quantized:
            self.weight = mx.dequantize(
                self.weight, scales=self.scales, group_size=self.group_size, bits=self.bits, mode=self.mode
            )
            del self.scales
            self._quantized = False

    def train(self, mode: bool = True) -> "QQLinear":
        """Sets training mode, in which the weights are plain."""
        super().train(mode)
        self.dequantize() if mode else self.quantize()
        return self

    def __call__(self, x: mx.array) -> mx.array:
        return mx.qqmm(
            x, self["weight"], scales=self.get("scales"), group_size=self.group_size, bits=self.bits, mode=self.mode
        )

    @classmethod
    def from_linear(
        cls, linear_layer: Module, group_size: int | None = None, bits: int | None = None, mode: str = "nvfp4"
    ) -> "QQLinear":
        """The same layer with quantized inputs; it must have no bias."""
        if "bias" in linear_layer:
            raise NotImplementedError("QQLinear does not support bias.")
        out_dims, in_dims = linear_layer.weight.shape
        out = cls(in_dims, out_dims, group_size, bits, mode=mode)
        out.weight = linear_layer.weight
        out.train(linear_layer.training)
        return out
