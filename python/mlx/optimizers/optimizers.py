"""Optimizers. Each keeps a tree of state as the parameters' and makes new parameters of gradients."""

from collections.abc import Callable
from typing import Any

import mlx.core as mx
from mlx.nn import Module
from mlx.utils import tree_flatten, tree_map, tree_merge, tree_reduce, tree_unflatten

__all__ = [
    "AdaDelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "MultiOptimizer",
    "Muon",
    "Optimizer",
    "RMSprop",
    "SGD",
    "clip_grad_norm",
]


class Optimizer:
    """What optimizers share. One of its own needs `init_single` and `apply_single`."""

    def __init__(self, schedulers: dict[str, Callable[[mx.array], mx.array]] | None = None):
        self._initialized = False
        self._state = {"step": mx.array(0, mx.uint64)}
        self._schedulers = dict(schedulers or {})

    def update(self, model: Module, gradients: dict) -> None:
        """Changes the parameters of a model by gradients, which may be of a part of them."""
        model.update(self.apply_gradients(gradients, model))

    def init(self, parameters: dict) -> None:
        """Makes the state for parameters; done by the first step otherwise. New parameters are added."""

        def begin(params, state):
            if isinstance(params, (list, tuple)):
                known = state if isinstance(state, (list, tuple)) else []
                return [begin(p, known[i] if i < len(known) else None) for i, p in enumerate(params)]
            if isinstance(params, dict):
                known = state if isinstance(state, dict) else {}
                return {**known, **{k: begin(p, known.get(k)) for k, p in params.items()}}
            return {} if state is None else state

        self._state.update(begin(parameters, self._state))
        tree_map(lambda p, s: s or self.init_single(p, s), parameters, self._state)
        self._initialized = True

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """Fills the state of one parameter."""
        raise NotImplementedError()

    def apply_gradients(self, gradients: dict, parameters: dict) -> dict:
        """New parameters from gradients; counts a step."""
        if not self._initialized:
            self.init(gradients)
        for name, schedule in self._schedulers.items():
            self.state[name] = schedule(self.step)
        self.state["step"] = self.step + 1
        return tree_map(self.apply_single, gradients, parameters, self.state)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        raise NotImplementedError()

    @property
    def state(self) -> dict:
        """The state: a tree."""
        return self._state

    @state.setter
    def state(self, state: dict) -> None:
        self._initialized = False
        self._state = state

    @property
    def step(self) -> mx.array:
        """How many steps were made."""
        return self.state["step"]

    @property
    def learning_rate(self) -> mx.array:
        """The learning rate of the last step."""
        return self.state["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | mx.array) -> None:
        self.state["learning_rate"] = mx.array(learning_rate)

    def _maybe_schedule(self, name: str, param: float | Callable[[mx.array], mx.array]):
        if callable(param):
            self._schedulers[name] = param
            self.state[name] = param(self.step)
        else:
            self.state[name] = mx.array(param)


class MultiOptimizer(Optimizer):
    """Several optimizers: each gets the parameters of the first filter that takes them, the last one the rest."""

    def __init__(self, optimizers: list[Optimizer], filters: list = []):  # noqa: B006
        super().__init__()
        if len(filters) != len(optimizers) - 1:
            raise ValueError(
                f"Given {len(filters)} filters but {len(optimizers) - 1} needed for {len(optimizers)} optimizers."
            )
        self.optimizers = optimizers
        self.filters = [*filters, lambda *args, **kwargs: True]

    def _split(self, gradients: dict):
        if len(self.optimizers) == 1:
            return [gradients]
        parts = [[] for _ in self.optimizers]
        for path, g in tree_flatten(gradients):
            for i, wanted in enumerate(self.filters):
                if wanted(path, g):
                    parts[i].append((path, g))
                    break
        return [tree_unflatten(p) if p else {} for p in parts]

    def init(self, parameters: dict) -> None:
        """Makes the state for parameters."""
        for o, p in zip(self.optimizers, self._split(parameters)):
            o.init(p)

    def apply_gradients(self, gradients: dict, parameters: dict) -> dict:
        """New parameters from gradients; counts a step of each optimizer."""
        out = {}
        for o, g in zip(self.optimizers, self._split(gradients)):
            out = tree_merge(out, o.apply_gradients(g, parameters))
        return out

    @property
    def state(self) -> dict:
        """The states of the optimizers."""
        return {"states": [o.state for o in self.optimizers]}

    @state.setter
    def state(self, state: dict) -> None:
        if "states" not in state or len(state["states"]) != len(self.optimizers):
            raise ValueError("Invalid state provided")
        for o, s in zip(self.optimizers, state["states"]):
            o.state = s

    @property
    def learning_rate(self) -> mx.array:
        """The learning rate of the first."""
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: float | mx.array) -> None:
        for o in self.optimizers:
            o.learning_rate = learning_rate


def _zeros(*names):
    """An `init_single` that begins with zeros."""

    def init_single(self, parameter: mx.array, state: dict):
        """Begins with zeros."""
        for name in names:
            state[name] = mx.zeros_like(parameter)

    return init_single


class _Rated(Optimizer):
    def _rate(self, gradient):
        return self.learning_rate.astype(gradient.dtype)


Rate = float | Callable[[mx.array], mx.array]


class SGD(_Rated):
    """Gradient descent with momentum."""

    def __init__(
        self,
        learning_rate: Rate,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
    ):
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening.")
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum, self.weight_decay, self.dampening, self.nesterov = momentum, weight_decay, dampening, nesterov

    init_single = _zeros("v")

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        if self.momentum <= 0:
            return parameter - self._rate(gradient) * gradient
        v = self.momentum * state["v"]
        v = v + ((1 - self.dampening) * gradient if self.dampening > 0 else gradient)
        update = gradient + self.momentum * v if self.nesterov else v
        state["v"] = v
        return parameter - self._rate(gradient) * update


class RMSprop(_Rated):
    """Divides by the root of a mean of squares (Tieleman and Hinton, 2012)."""

    def __init__(self, learning_rate: Rate, alpha: float = 0.99, eps: float = 1e-8):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        if alpha < 0.0:
            raise ValueError(f"RMSprop alpha should be >=0, {alpha} was provided instead")
        if eps < 0.0:
            raise ValueError(f"RMSprop epsilon should be >0, {eps} was provided instead")
        self.alpha, self.eps = alpha, eps

    init_single = _zeros("v")

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        v = state["v"] = self.alpha * state["v"] + (1 - self.alpha) * mx.square(gradient)
        return parameter - self._rate(gradient) * gradient / (mx.sqrt(v) + self.eps)


class Adagrad(_Rated):
    """Divides by the root of the sum of squares (Duchi, Hazan and Singer, 2011)."""

    def __init__(self, learning_rate: Rate, eps: float = 1e-8):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        if eps < 0.0:
            raise ValueError(f"Adagrad epsilon should be >0, {eps} was provided instead")
        self.eps = eps

    init_single = _zeros("v")

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        v = state["v"] = state["v"] + mx.square(gradient)
        return parameter - self._rate(gradient) * gradient / (mx.sqrt(v) + self.eps)


class AdaDelta(_Rated):
    """Steps of the size of former steps (Zeiler, 2012)."""

    def __init__(self, learning_rate: Rate, rho: float = 0.9, eps: float = 1e-6):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        if rho < 0.0:
            raise ValueError(f"AdaDelta rho should be >=0, {rho} was provided instead")
        if eps < 0.0:
            raise ValueError(f"AdaDelta epsilon should be >0, {eps} was provided instead")
        self.rho, self.eps = rho, eps

    init_single = _zeros("v", "u")

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        rho, eps = self.rho, self.eps
        v = rho * state["v"] + (1 - rho) * mx.square(gradient)
        d = mx.sqrt(state["u"] + eps) / mx.sqrt(v + eps) * gradient
        state["v"], state["u"] = v, rho * state["u"] + (1 - rho) * mx.square(d)
        return parameter - self._rate(gradient) * d


class Adam(_Rated):
    """Means of gradients and of their squares (Kingma and Ba, 2015); without bias correction unless asked for."""

    def __init__(
        self,
        learning_rate: Rate,
        betas: list[float] = [0.9, 0.999],  # noqa: B006
        eps: float = 1e-8,
        bias_correction: bool = False,
    ):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas, self.eps, self.bias_correction = betas, eps, bias_correction

    init_single = _zeros("m", "v")

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        rate = self._rate(gradient)
        b1, b2 = self.betas
        m = state["m"] = b1 * state["m"] + (1 - b1) * gradient
        v = state["v"] = b2 * state["v"] + (1 - b2) * mx.square(gradient)
        if not self.bias_correction:
            return parameter - rate * m / (mx.sqrt(v) + self.eps)
        c1 = (rate / (1 - b1**self.step)).astype(gradient.dtype)
        c2 = mx.rsqrt(1 - b2**self.step).astype(gradient.dtype)
        return parameter - c1 * m / (mx.sqrt(v) * c2 + self.eps)


class AdamW(Adam):
    """Adam with decay of the weights themselves (Loshchilov and Hutter, 2019)."""

    def __init__(
        self,
        learning_rate: Rate,
        betas: list[float] = [0.9, 0.999],  # noqa: B006
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        bias_correction: bool = False,
    ):
        super().__init__(learning_rate=learning_rate, betas=betas, eps=eps, bias_correction=bias_correction)
        self.weight_decay = weight_decay

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        decayed = parameter * (1 - self._rate(gradient) * self.weight_decay)
        return super().apply_single(gradient, decayed, state)


class Adamax(Adam):
    """Adam with the largest gradient in place of the mean square (Kingma and Ba, 2015)."""

    def __init__(
        self,
        learning_rate: Rate,
        betas: list[float] = [0.9, 0.999],  # noqa: B006
        eps: float = 1e-8,
    ):
        super().__init__(learning_rate, betas, eps)
        if not 0.0 <= eps:
            raise ValueError(f"Epsilon value should be >=0, {self.eps} was provided instead")

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        b1, b2 = self.betas
        m = state["m"] = b1 * state["m"] + (1 - b1) * gradient
        v = state["v"] = mx.maximum(b2 * state["v"], mx.abs(gradient))
        return parameter - self._rate(gradient) * m / (v + self.eps)


class Lion(_Rated):
    """Steps by the sign of a mean (Chen et al., 2023)."""

    def __init__(
        self,
        learning_rate: Rate,
        betas: list[float] = [0.9, 0.99],  # noqa: B006
        weight_decay: float = 0.0,
    ):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.betas, self.weight_decay = betas, weight_decay

    init_single = _zeros("m")

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        rate = self._rate(gradient)
        b1, b2 = self.betas
        c = b1 * state["m"] + (1 - b1) * gradient
        state["m"] = b2 * state["m"] + (1 - b2) * gradient
        if self.weight_decay > 0:
            parameter = (1 - rate * self.weight_decay) * parameter
        return parameter - rate * mx.sign(c)


class Adafactor(Optimizer):
    """Mean squares kept as rows and columns (Shazeer and Stern, 2018)."""

    def __init__(
        self,
        learning_rate: Rate | None = None,
        eps: tuple[float, float] = (1e-30, 1e-3),
        clip_threshold: float = 1.0,
        decay_rate: float = -0.8,
        beta_1: float | None = None,
        weight_decay: float = 0.0,
        scale_parameter: bool = True,
        relative_step: bool = True,
        warmup_init: bool = False,
    ):
        super().__init__()
        if learning_rate is not None:
            self._maybe_schedule("learning_rate", learning_rate)
        self.eps, self.clip_threshold, self.decay_rate, self.beta_1 = eps, clip_threshold, decay_rate, beta_1
        self.weight_decay, self.scale_parameter = weight_decay, scale_parameter
        self.relative_step, self.warmup_init = relative_step, warmup_init

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """Begins with zeros."""
        if parameter.ndim >= 2:
            shape, dtype = parameter.shape, parameter.dtype
            state["exp_avg_sq_row"] = mx.zeros(shape[:-1], dtype=dtype)
            state["exp_avg_sq_col"] = mx.zeros(shape[:-2] + shape[-1:], dtype=dtype)
        else:
            state["exp_avg_sq"] = mx.zeros_like(parameter)
        if self.beta_1 is not None:
            state["exp_avg"] = mx.zeros_like(parameter)

    @staticmethod
    def _rms(x):
        return mx.sqrt(mx.mean(mx.square(x)))

    def _rate(self, rms):
        if self.relative_step:
            least = 1e-6 * self.step if self.warmup_init else 1e-2
            rate = mx.minimum(least, mx.rsqrt(self.step))
        else:
            rate = self.learning_rate
        rate = rate.astype(rms.dtype)
        return mx.maximum(self.eps[1], rms) * rate if self.scale_parameter else rate

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        rate = self._rate(self._rms(parameter))
        beta = 1.0 - (self.step**self.decay_rate).astype(parameter.dtype)
        square = mx.square(gradient) + self.eps[0]
        if gradient.ndim >= 2:
            row = state["exp_avg_sq_row"] = beta * state["exp_avg_sq_row"] + (1 - beta) * mx.mean(square, axis=-1)
            col = state["exp_avg_sq_col"] = beta * state["exp_avg_sq_col"] + (1 - beta) * mx.mean(square, axis=-2)
            r = mx.rsqrt(row / mx.mean(row, axis=-1, keepdims=True))
            update = r[..., :, None] * mx.rsqrt(col)[..., None, :] * gradient
        else:
            v = state["exp_avg_sq"] = beta * state["exp_avg_sq"] + (1 - beta) * square
            update = mx.rsqrt(v) * gradient
        update = rate * (update / mx.maximum(1.0, self._rms(update) / self.clip_threshold))
        if self.beta_1 is not None:
            update = state["exp_avg"] = self.beta_1 * state["exp_avg"] + (1 - self.beta_1) * update
        if self.weight_decay != 0:
            parameter = parameter + parameter * (-self.weight_decay * rate)
        return parameter - update


class Muon(_Rated):
    """Momentum made orthogonal by Newton-Schulz steps (Jordan, 2024); for matrices."""

    def __init__(
        self,
        learning_rate: Rate,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        nesterov: bool = True,
        ns_steps: int = 5,
    ):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)
        self.momentum, self.weight_decay, self.nesterov, self.ns_steps = momentum, weight_decay, nesterov, ns_steps

    init_single = _zeros("v")

    def _orthogonal(self, x):
        a, b, c = 3.4445, -4.7750, 2.0315
        tall = x.shape[-2] > x.shape[-1]
        if tall:
            x = x.T
        x = x / (mx.sqrt(mx.sum(mx.square(x))) + 1e-7)
        for _ in range(self.ns_steps):
            s = x @ x.T
            x = a * x + mx.addmm(b * s, s, s, beta=1.0, alpha=c) @ x
        return x.T if tall else x

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The new value of one parameter."""
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        v = state["v"] = self.momentum * state["v"] + (1 - self.momentum) * gradient
        update = gradient * (1 - self.momentum) + v * self.momentum if self.nesterov else v
        rate = self._rate(gradient)
        if update.ndim >= 2:
            shape = update.shape
            if update.ndim > 2:
                update = update.reshape(shape[0], -1)
            update = self._orthogonal(update)
            rate = rate * max(1, update.shape[-2] / update.shape[-1]) ** 0.5
            update = update.reshape(shape)
        return parameter - rate * update


def clip_grad_norm(grads: Any, max_norm: float) -> tuple[Any, mx.array]:
    """Gradients scaled so that their norm is at most `max_norm`, and the norm they had."""
    norm = mx.sqrt(tree_reduce(lambda acc, g: acc + g.square().sum(), grads, mx.array(0.0)))
    scale = mx.minimum(max_norm / (norm + 1e-6), 1.0)
    return tree_map(lambda g: g * scale, grads), norm
