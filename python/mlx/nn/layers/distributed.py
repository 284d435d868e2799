"""Layers whose weights are spread over the processes of a group.

There is only ever one process in a group yet; what is here computes what one process of a group computes.
"""

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mlx.core as mx
from mlx.nn.layers.base import Module
from mlx.nn.layers.linear import Linear
from mlx.nn.layers.quantized import _defaults
from mlx.utils import tree_flatten, tree_map_with_path


@lru_cache
def sum_gradients(group: mx.distributed.Group | None) -> Callable[[mx.array], mx.array]:
    """A function that gives back its argument, and sums its gradient over the group."""
    if group.size() == 1:
        return lambda x: x

    @mx.custom_function
    def f(x):
        return x

    @f.vjp
    def f_vjp(x, dx, _):
        return mx.distributed.all_sum(dx, group=group)

    return f


def _parts(x, segments, axis):
    if isinstance(segments, int) or isinstance(segments[0], int):
        return mx.split(x, segments, axis=axis)
    return mx.split(x, [int(s * x.shape[axis]) for s in segments], axis=axis)


def _shard(parameters, predicate, group):
    """This process's share of parameters; `predicate(path, weight)` says by which axis and segments."""
    n, r = group.size(), group.rank()

    def share(path, weight):
        if not isinstance(weight, mx.array):
            return weight
        how = predicate(path, weight)
        if how is None:
            return weight
        axis, segments = how if isinstance(how, tuple) else (how, 1)
        parts = [_parts(p, n, axis)[r] for p in _parts(weight, segments, axis)]
        return mx.contiguous(mx.concatenate(parts, axis=axis))

    return tree_map_with_path(share, parameters)


def _all_to_sharded(segments):
    return lambda path, weight: (max(weight.ndim - 2, 0), segments)


def _sharded_to_all(segments):
    return lambda path, weight: None if path.endswith("bias") else (-1, segments)


def _check(sharding):
    if sharding not in ("all-to-sharded", "sharded-to-all"):
        raise ValueError(f"Sharding type sharding={sharding!r} not supported, choose one of 'all-to-sharded' or 'sharded-to-all'")


def shard_inplace(
    module: Module,
    sharding: str | Callable,
    *,
    segments: int | list = 1,
    group: mx.distributed.Group | None = None,
) -> None:
    """Leaves only this process's share of a module's parameters in it."""
    group = group or mx.distributed.init()
    predicate = sharding
    if isinstance(sharding, str):
        _check(sharding)
        predicate = _all_to_sharded(segments) if sharding == "all-to-sharded" else _sharded_to_all(segments)
    module.update(_shard(module.parameters(), predicate, group))


def shard_linear(
    module: Module,
    sharding: str,
    *,
    segments: int | list = 1,
    group: mx.distributed.Group | None = None,
) -> Any:
    """A layer that does what a linear layer does, together with the other processes."""
    _check(sharding)
    kinds = {
        ("all-to-sharded", True): AllToShardedLinear.from_linear,
        ("all-to-sharded", False): QuantizedAllToShardedLinear.from_quantized_linear,
        ("sharded-to-all", True): ShardedToAllLinear.from_linear,
        ("sharded-to-all", False): QuantizedShardedToAllLinear.from_quantized_linear,
    }
    return kinds[sharding, isinstance(module, Linear)](module, segments=segments, group=group)


class _Sharded(Module):
    def _spread(self, size, what, group):
        self.group = group or mx.distributed.init()
        n = self.group.size()
        if size % n != 0:
            raise ValueError(f"Cannot shard the {what} of size {size} across {n} devices.")
        return n


class AllToShardedLinear(_Sharded):
    """A linear layer of which each process computes some outputs."""

    def __init__(
        self, input_dims: int, output_dims: int, bias: bool = True, group: mx.distributed.Group | None = None
    ):
        super().__init__()
        n = self._spread(output_dims, "output", group)
        scale = math.sqrt(1.0 / input_dims)
        self.weight = mx.random.uniform(low=-scale, high=scale, shape=(output_dims // n, input_dims))
        if bias:
            self.bias = mx.random.uniform(low=-scale, high=scale, shape=(output_dims // n,))

    def _extra_repr(self) -> str:
        out, dims = self.weight.shape
        return f"input_dims={dims}, output_dims={out * self.group.size()}, bias={'bias' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        x = sum_gradients(self.group)(x)
        if "bias" in self:
            return mx.addmm(self["bias"], x, self["weight"].T)
        return x @ self["weight"].T

    @classmethod
    def from_linear(
        cls, linear_layer: Module, *, segments: int | list = 1, group: mx.distributed.Group | None = None
    ) -> "AllToShardedLinear":
        """This process's share of a linear layer."""
        group = group or mx.distributed.init()
        out, dims = linear_layer.weight.shape
        made = cls(dims, out, "bias" in linear_layer, group)
        made.update(_shard(linear_layer.parameters(), _all_to_sharded(segments), group))
        return made


class ShardedToAllLinear(_Sharded):
    """A linear layer of which each process has some inputs; the results are summed."""

    def __init__(
        self, input_dims: int, output_dims: int, bias: bool = True, group: mx.distributed.Group | None = None
    ):
        super().__init__()
        n = self._spread(input_dims, "input", group)
        scale = math.sqrt(1.0 / input_dims)
        self.weight = mx.random.uniform(low=-scale, high=scale, shape=(output_dims, input_dims // n))
        if bias:
            self.bias = mx.random.uniform(low=-scale, high=scale, shape=(output_dims,))

    def _extra_repr(self) -> str:
        out, dims = self.weight.shape
        return f"input_dims={dims * self.group.size()}, output_dims={out}, bias={'bias' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        x = mx.distributed.all_sum(x @ self["weight"].T, group=self.group)
        return x + self["bias"] if "bias" in self else x

    @classmethod
    def from_linear(
        cls, linear_layer: Module, *, segments: int | list = 1, group: mx.distributed.Group | None = None
    ) -> "ShardedToAllLinear":
        """This process's share of a linear layer."""
        group = group or mx.distributed.init()
        out, dims = linear_layer.weight.shape
        made = cls(dims, out, "bias" in linear_layer, group)
        made.update(_shard(linear_layer.parameters(), _sharded_to_all(segments), group))
        return made


class _QuantizedSharded(_Sharded):
    def _make(self, input_dims, output_dims, group_size, bits, mode):
        self.group_size, self.bits = _defaults(mode, group_size, bits)
        self.mode = mode
        scale = math.sqrt(1.0 / input_dims)
        weight = mx.random.uniform(low=-scale, high=scale, shape=(output_dims, input_dims))
        self.weight, self.scales, *biases = mx.quantize(weight, self.group_size, self.bits, mode=mode)
        self.biases = biases[0] if biases else None

    def unfreeze(self, *args: Any, **kwargs: Any) -> Module:
        """Unfreezes what is below; the quantized weights stay frozen."""
        super().unfreeze(*args, **kwargs)
        self.freeze(recurse=False)

    def _product(self, x):
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

    def _settings(self):
        return f"group_size={self.group_size}, bits={self.bits}, mode={self.mode}"

    @classmethod
    def _from(cls, layer, predicate, group):
        group = group or mx.distributed.init()
        out, packed = layer.weight.shape
        made = cls(
            packed * 32 // layer.bits, out, "bias" in layer, layer.group_size, layer.bits, layer.mode, group=group
        )
        made.update(_shard(layer.parameters(), predicate, group))
        return made


class QuantizedAllToShardedLinear(_QuantizedSharded):
    """A quantized linear layer of which each process computes some outputs."""

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group_size: int = 64,
        bits: int = 4,
        mode: str = "affine",
        group: mx.distributed.Group | None = None,
    ):
        super().__init__()
        n = self._spread(output_dims, "output", group)
        self._make(input_dims, output_dims // n, group_size, bits, mode)
        if bias:
            self.bias = mx.zeros((output_dims // n,))
        self.freeze()

    def _extra_repr(self) -> str:
        out, packed = self.weight.shape
        return (
            f"input_dims={packed * 32 // self.bits}, output_dims={out * self.group.size()}, "
            f"bias={'bias' in self}, {self._settings()}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        x = self._product(sum_gradients(self.group)(x))
        return x + self["bias"] if "bias" in self else x

    @classmethod
    def from_quantized_linear(
        cls, quantized_linear_layer: Module, *, segments: int | list = 1, group: mx.distributed.Group | None = None
    ) -> "QuantizedAllToShardedLinear":
        """This process's share of a quantized linear layer."""
        return cls._from(quantized_linear_layer, _all_to_sharded(segments), group)


class QuantizedShardedToAllLinear(_QuantizedSharded):
    """A quantized linear layer of which each process has some inputs; the results are summed."""

    def __init__(
        self,
        input_dims: int,
        output_dims: int,
        bias: bool = True,
        group_size: int = 64,
        bits: int = 4,
        mode: str = "affine",
        group: mx.distributed.Group | None = None,
    ):
        super().__init__()
        n = self._spread(input_dims, "input", group)
        self._make(input_dims // n, output_dims, group_size, bits, mode)
        if bias:
            self.bias = mx.zeros((output_dims,))
        self.freeze()

    def _extra_repr(self) -> str:
        out, packed = self.weight.shape
        return (
            f"input_dims={packed * 32 // self.bits * self.group.size()}, output_dims={out}, "
            f"bias={'bias' in self}, {self._settings()}"
        )

    def __call__(self, x: mx.array) -> mx.array:
        x = mx.distributed.all_sum(self._product(x), group=self.group)
        return x + self["bias"] if "bias" in self else x

    @classmethod
    def from_quantized_linear(
        cls, quantized_linear_layer: Module, *, segments: int | list = 1, group: mx.distributed.Group | None = None
    ) -> "QuantizedShardedToAllLinear":
        """This process's share of a quantized linear layer."""
        return cls._from(quantized_linear_layer, _sharded_to_all(segments), group)


class FullyShardedModule(Module):
    """A module whose parameters are gathered when it is called; with one process it holds them all."""

    def __init__(
        self,
        module: Module,
        group: mx.distributed.Group | None = None,
        compute_dtype: mx.Dtype | None = None,
    ):
        super().__init__()
        if (group or mx.distributed.init()).size() != 1:
            raise NotImplementedError("Modules can be fully sharded over one process only.")
        self.module = module
        self._compute_dtype = compute_dtype

    def _prepared(self):
        if self._compute_dtype is None:
            return self.module
        whole = self.module.parameters()
        narrow = self.module.filter_and_map(
            Module.valid_parameter_filter,
            lambda x: x.astype(self._compute_dtype) if mx.issubdtype(x.dtype, mx.floating) else x,
        )
        self.module.update(narrow)
        return whole

    def _extra_repr(self):
        return f"num_sharded_params={len(tree_flatten(self.module.parameters()))}"

    def _called(self, fn, *args, **kwargs):
        if self._compute_dtype is None:
            return fn(*args, **kwargs)
        whole = self._prepared()
        try:
            return fn(*args, **kwargs)
        finally:
            self.module.update(whole)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._called(self.module, *args, **kwargs)

    def as_linear(self, x: mx.array) -> mx.array:
        """The embedding's table as the matrix of a linear layer."""
        return self._called(self.module.as_linear, x)


def fully_shard(
    module: Module,
    *,
    group: mx.distributed.Group | None = None,
    compute_dtype: mx.Dtype | None = None,
) -> Module:
    """The module with its parameters spread over the group."""
    if (group or mx.distributed.init()).size() == 1:
        return module
    return FullyShardedModule(module, group, compute_dtype)
