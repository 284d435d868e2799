"""Functions of modules."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_map, tree_reduce, tree_unflatten

from .layers.base import Module


def value_and_grad(model: Module, fn: Callable) -> Callable[..., tuple[Any, Any]]:
    """A function that returns the value of `fn` and its gradient by the trainable parameters of the model."""

    def inner(params, *args, **kwargs):
        model.update(params)
        return fn(*args, **kwargs)

    value_and_gradient = mx.value_and_grad(inner)

    @wraps(fn)
    def wrapped(*args, **kwargs):
        params = model.trainable_parameters()
        try:
            return value_and_gradient(params, *args, **kwargs)
        finally:
            # No traced array stays in the model.
            model.update(params)

    return wrapped


def checkpoint(module: Module, fn: Callable | None = None) -> Callable:
    """`fn` (by default the module's call) such that a gradient computes its inner values again."""
    if fn is None:
        fn = module.__call__

    def inner(params, *args, **kwargs):
        model_params = module.trainable_parameters()
        module.update(params)
        try:
            return fn(*args, **kwargs)
        finally:
            module.update(model_params)

    again = mx.checkpoint(inner)

    @wraps(fn)
    def wrapped(*args, **kwargs):
        return again(module.trainable_parameters(), *args, **kwargs)

    return wrapped


def average_gradients(
    gradients: Any,
    group: mx.distributed.Group | None = None,
    all_reduce_size: int = 32 * 1024**2,
    communication_stream: mx.Stream | None = None,
) -> Any:
    """The mean of gradients over the group, sent in parts of about `all_reduce_size` bytes (one by one if it is 0)."""
    group = group or mx.distributed.init()
    n = group.size()
    if n == 1:
        return gradients

    def average(x):
        return mx.distributed.all_sum(x, group=group, stream=communication_stream) / n

    if all_reduce_size <= 0:
        return tree_map(average, gradients)
    flat = tree_flatten(gradients)
    if len({x.dtype for _, x in flat}) != 1:
        return tree_map(average, gradients)
    batches, size = [[]], 0
    for item in flat:
        if size >= all_reduce_size:
            batches.append([])
            size = 0
        batches[-1].append(item)
        size += item[1].nbytes
    out = []
    for batch in batches:
        ends, total = [], 0
        for _, x in batch:
            total += x.size
            ends.append(total)
        joined = average(mx.concatenate([x.reshape(-1) for _, x in batch]))
        parts = mx.split(joined, ends[:-1])
        out.extend((k, p.reshape(x.shape)) for (k, x), p in zip(batch, parts))
    return tree_unflatten(out)


def clip_grad_norm_sharded(gradients: Any, max_norm: float, group: mx.distributed.Group | None = None) -> tuple[Any, mx.array]:
    """Gradients, of which each process has a part, scaled so that their norm is at most `max_norm`; and that norm."""
    group = group or mx.distributed.init()
    total = tree_reduce(lambda acc, g: acc + g.square().sum(), gradients, mx.array(0.0))
    norm = mx.sqrt(mx.distributed.all_sum(total, group=group))
    scale = mx.minimum(max_norm / (norm + 1e-6), 1.0)
    return tree_map(lambda g: g * scale, gradients), norm
