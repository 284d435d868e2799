"""Activation functions, and a layer for each."""

import math

import mlx.core as mx

from .base import Module


def sigmoid(x: mx.array) -> mx.array:
    """1 / (1 + exp(-x))."""
    return mx.sigmoid(x)


def relu(x: mx.array) -> mx.array:
    """max(x, 0)."""
    return mx.maximum(x, 0)


def relu2(x: mx.array) -> mx.array:
    """max(x, 0) squared."""
    return mx.square(mx.maximum(x, 0))


def relu6(x: mx.array) -> mx.array:
    """x held between 0 and 6."""
    return mx.minimum(mx.maximum(x, 0), 6.0)


def leaky_relu(x: mx.array, negative_slope: float = 0.01) -> mx.array:
    """x, or `negative_slope` x where negative."""
    return mx.maximum(negative_slope * x, x)


def log_softmax(x: mx.array, axis: int = -1) -> mx.array:
    """log(softmax(x))."""
    return x - mx.logsumexp(x, axis=axis, keepdims=True)


def elu(x: mx.array, alpha: float = 1.0) -> mx.array:
    """x, or alpha (exp(x) - 1) where negative."""
    return mx.where(x > 0, x, alpha * (mx.exp(x) - 1))


def softmax(x: mx.array, axis: int = -1) -> mx.array:
    """exp(x) / sum(exp(x))."""
    return mx.softmax(x, axis=axis)


def softmin(x: mx.array, axis: int = -1) -> mx.array:
    """softmax(-x)."""
    return mx.softmax(-x, axis=axis)


def softplus(x: mx.array) -> mx.array:
    """log(1 + exp(x))."""
    return mx.logaddexp(x, 0)


def celu(x: mx.array, alpha: float = 1.0) -> mx.array:
    """max(x, 0) + min(0, alpha (exp(x / alpha) - 1))."""
    return mx.maximum(x, 0.0) + alpha * (mx.exp(mx.minimum(x, 0.0) / alpha) - 1)


def silu(x: mx.array) -> mx.array:
    """x sigmoid(x)."""
    return x * mx.sigmoid(x)


def log_sigmoid(x: mx.array) -> mx.array:
    """log(sigmoid(x))."""
    return -softplus(-x)


def gelu(x: mx.array) -> mx.array:
    """x times the normal distribution function of x."""
    return x * (1 + mx.erf(x / math.sqrt(2))) / 2


def gelu_approx(x: mx.array) -> mx.array:
    """gelu by a tanh."""
    return 0.5 * x * (1 + mx.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))


def gelu_fast_approx(x: mx.array) -> mx.array:
    """gelu by a sigmoid."""
    return x * mx.sigmoid(1.702 * x)


def glu(x: mx.array, axis: int = -1) -> mx.array:
    """The first half times the sigmoid of the second."""
    a, b = mx.split(x, indices_or_sections=2, axis=axis)
    return a * mx.sigmoid(b)


def step(x: mx.array, threshold: float = 0.0) -> mx.array:
    """1 above the threshold, else 0."""
    return mx.where(x > threshold, 1, 0)


def selu(x: mx.array) -> mx.array:
    """elu with the scale that keeps mean and variance."""
    return elu(x, 1.67326) * 1.0507


def prelu(x: mx.array, alpha: mx.array) -> mx.array:
    """x, or alpha x where negative."""
    return mx.maximum(0, x) + alpha * mx.minimum(0, x)


def mish(x: mx.array) -> mx.array:
    """x tanh(softplus(x))."""
    return x * mx.tanh(softplus(x))


def hardswish(x: mx.array) -> mx.array:
    """x min(max(x + 3, 0), 6) / 6."""
    return x * mx.minimum(mx.maximum(x + 3, 0), 6) / 6


def hard_tanh(x: mx.array, min_val: float = -1.0, max_val: float = 1.0) -> mx.array:
    """x held between bounds."""
    return mx.minimum(mx.maximum(x, min_val), max_val)


def hard_shrink(x: mx.array, lambd: float = 0.5) -> mx.array:
    """x, or 0 where it is not beyond lambd."""
    return mx.where(mx.abs(x) > lambd, x, 0)


def softshrink(x: mx.array, lambd: float = 0.5) -> mx.array:
    """x brought closer to 0 by lambd."""
    return mx.where(mx.abs(x) > lambd, x - mx.sign(x) * lambd, 0)


def softsign(x: mx.array) -> mx.array:
    """x / (1 + |x|)."""
    return mx.divide(x, 1 + mx.abs(x))


def tanh(x: mx.array) -> mx.array:
    """Hyperbolic tangent."""
    return mx.tanh(x)


class ReLU(Module):
    """See relu."""

    def __call__(self, x: mx.array) -> mx.array:
        return relu(x)


class ReLU2(Module):
    """See relu2."""

    def __call__(self, x: mx.array) -> mx.array:
        return relu2(x)


class ReLU6(Module):
    """See relu6."""

    def __call__(self, x: mx.array) -> mx.array:
        return relu6(x)


class Sigmoid(Module):
    """See sigmoid."""

    def __call__(self, x: mx.array) -> mx.array:
        return sigmoid(x)


class Mish(Module):
    """See mish."""

    def __call__(self, x: mx.array) -> mx.array:
        return mish(x)


class Softmax(Module):
    """See softmax."""

    def __call__(self, x: mx.array) -> mx.array:
        return softmax(x)


class Softmin(Module):
    """See softmin."""

    def __call__(self, x: mx.array) -> mx.array:
        return softmin(x)


class LogSoftmax(Module):
    """See log_softmax."""

    def __call__(self, x: mx.array) -> mx.array:
        return log_softmax(x)


class LogSigmoid(Module):
    """See log_sigmoid."""

    def __call__(self, x: mx.array) -> mx.array:
        return log_sigmoid(x)


class Softplus(Module):
    """See softplus."""

    def __call__(self, x: mx.array) -> mx.array:
        return softplus(x)


class Softsign(Module):
    """See softsign."""

    def __call__(self, x: mx.array) -> mx.array:
        return softsign(x)


class SiLU(Module):
    """See silu."""

    def __call__(self, x: mx.array) -> mx.array:
        return silu(x)


class SELU(Module):
    """See selu."""

    def __call__(self, x: mx.array) -> mx.array:
        return selu(x)


class Tanh(Module):
    """See tanh."""

    def __call__(self, x: mx.array) -> mx.array:
        return tanh(x)


class Hardswish(Module):
    """See hardswish."""

    def __call__(self, x: mx.array) -> mx.array:
        return hardswish(x)


class HardTanh(Module):
    """See hard_tanh."""

    def __call__(self, x: mx.array) -> mx.array:
        return hard_tanh(x)


class GLU(Module):
    """See glu."""

    def __init__(self, axis: int = -1):
        super().__init__()
        self.axis = axis

    def __call__(self, x: mx.array) -> mx.array:
        return glu(x, axis=self.axis)


class Step(Module):
    """See step."""

    def __init__(self, threshold: float = 0.0):
        super().__init__()
        self.threshold = threshold

    def __call__(self, x: mx.array) -> mx.array:
        return step(x, self.threshold)


class LeakyReLU(Module):
    """See leaky_relu."""

    def __init__(self, negative_slope: float = 1e-2):
        super().__init__()
        self._negative_slope = negative_slope

    def __call__(self, x: mx.array) -> mx.array:
        return leaky_relu(x, self._negative_slope)


class ELU(Module):
    """See elu."""

    def __init__(self, alpha: float = 1.0):
        super().__init__()
        self._alpha = alpha

    def __call__(self, x: mx.array) -> mx.array:
        return elu(x, self._alpha)


class CELU(Module):
    """See celu."""

    def __init__(self, alpha: float = 1.0):
        super().__init__()
        self._alpha = alpha

    def __call__(self, x: mx.array) -> mx.array:
        return celu(x, self._alpha)


class PReLU(Module):
    """prelu with a learned alpha."""

    def __init__(self, num_parameters: int = 1, init: float = 0.25):
        super().__init__()
        self.weight = mx.full([num_parameters], init)

    def __call__(self, x: mx.array) -> mx.array:
        return prelu(x, self.weight)


class HardShrink(Module):
    """See hard_shrink."""

    def __init__(self, lambd: float = 0.5):
        super().__init__()
        self.lambd = lambd

    def __call__(self, x: mx.array) -> mx.array:
        return hard_shrink(x, self.lambd)


class Softshrink(Module):
    """See softshrink."""

    def __init__(self, lambd: float = 0.5):
        super().__init__()
        self.lambd = lambd

    def __call__(self, x: mx.array) -> mx.array:
        return softshrink(x, self.lambd)


class GELU(Module):
    """gelu: exact ('none'), by a tanh ('precise' or 'tanh') or by a sigmoid ('fast')."""

    _KINDS = {"none": gelu, "precise": gelu_approx, "tanh": gelu_approx, "fast": gelu_fast_approx}

    def __init__(self, approx: str = "none"):
        super().__init__()
        if approx not in self._KINDS:
            raise ValueError(f"The approximation should be in {list(self._KINDS)} but '{approx}' was given")
        self._act = self._KINDS[approx]

    def __call__(self, x: mx.array) -> mx.array:
        return self._act(x)
