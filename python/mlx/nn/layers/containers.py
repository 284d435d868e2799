"""Layers of layers."""

from collections.abc import Callable

import mlx.core as mx

from .base import Module


class Sequential(Module):
    """Calls each module, or function, with what the one before gives."""

    def __init__(self, *modules: Callable):
        super().__init__()
        self.layers = list(modules)

    def __call__(self, x: mx.array) -> mx.array:
        for m in self.layers:
            x = m(x)
        return x
