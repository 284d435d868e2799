"""Layers of layers."""

from .base import Module


class Sequential(Module):
    """Calls each module, or function, with what the one before gives."""

    def __init__(self, *modules):
        super().__init__()
        self.layers = list(modules)

    def __call__(self, x):
        for m in self.layers:
            x = m(x)
        return x
