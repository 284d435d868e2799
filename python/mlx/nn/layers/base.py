"""Module: a tree of parameters and of other modules."""

import textwrap
from collections.abc import Callable
from typing import Any

import mlx.core as mx
from mlx.utils import tree_flatten, tree_unflatten


class Module(dict):
    """A layer, or a model made of layers.

    Attributes that are arrays, modules, or lists, tuples and dictionaries are its parameters and children: they are the
    items of the dictionary that it is. Names that begin with an underscore are private and no parameters.
    """

    __call__: Callable

    def __init__(self):
        self._no_grad = set()
        self._training = True

    @property
    def training(self) -> bool:
        """Whether it is in training mode."""
        return self._training

    @property
    def state(self) -> dict:
        """The module itself: a tree with all its arrays, for mlx.core.compile and mlx.core.eval."""
        return self

    # ---- attributes ----

    def __getattr__(self, key: str) -> Any:
        value = self.get(key, self)
        if value is not self:
            return value
        # The base class raises the usual error.
        return super().__getattribute__(key)

    def __setattr__(self, key: str, val: Any) -> None:
        if isinstance(val, (mx.array, dict, list, tuple)):
            # An attribute of the same name would hide it.
            self.__dict__.pop(key, None)
            self[key] = val
        else:
            super().__setattr__(key, val)
            self.pop(key, None)

    def __delattr__(self, name: str) -> None:
        if name in self:
            del self[name]
        else:
            super().__delattr__(name)

    # ---- printing ----

    def _extra_repr(self) -> str:
        return ""

    def __repr__(self) -> str:
        children = tree_flatten(self.children(), is_leaf=self.is_module)
        lines = "".join("\n" + textwrap.indent(f"({name}): {child!r}", "  ") for name, child in children)
        return f"{type(self).__name__}({self._extra_repr()}{lines}" + ("\n)" if children else ")")

    # ---- what belongs to it ----

    @staticmethod
    def is_module(value: Any) -> bool:
        """Whether it is a module."""
        return isinstance(value, Module)

    @staticmethod
    def valid_child_filter(module: "Module", key: str, value: Any) -> bool:
        """For filter_and_map: children."""
        return isinstance(value, (dict, list))

    @staticmethod
    def valid_parameter_filter(module: "Module", key: str, value: Any) -> bool:
        """For filter_and_map: parameters."""
        return isinstance(value, (dict, list, mx.array)) and not key.startswith("_")

    @staticmethod
    def trainable_parameter_filter(module: "Module", key: str, value: Any) -> bool:
        """For filter_and_map: parameters that are not frozen."""
        return Module.valid_parameter_filter(module, key, value) and key not in module._no_grad

    def filter_and_map(
        self,
        filter_fn: Callable[["Module", str, Any], bool],
        map_fn: Callable | None = None,
        is_leaf_fn: Callable[["Module", str, Any], bool] | None = None,
    ) -> dict:
        """The tree of what passes `filter_fn(module, key, value)`, its leaves given to `map_fn`.

        Leaves are arrays, and what `is_leaf_fn(module, key, value)` says.
        """
        map_fn = map_fn or (lambda x: x)
        is_leaf_fn = is_leaf_fn or (lambda m, k, v: not isinstance(v, (Module, dict, list)))

        def tree(module, key, value):
            if is_leaf_fn(module, key, value):
                return map_fn(value)
            if isinstance(value, Module):
                return {k: tree(value, k, v) for k, v in value.items() if filter_fn(value, k, v)}
            if isinstance(value, dict):
                out = {}
                for k, v in value.items():
                    inner = f"{key}.{k}"
                    if filter_fn(module, inner, v):
                        out[k] = tree(module, inner, v)
                return out
            if isinstance(value, list):
                # What does not pass leaves an empty place, so that numbers stay.
                places = [(f"{key}.{i}", v) for i, v in enumerate(value)]
                return [tree(module, k, v) if filter_fn(module, k, v) else {} for k, v in places]
            raise RuntimeError("Unexpected leaf found while traversing the module")

        return {k: tree(self, k, v) for k, v in self.items() if filter_fn(self, k, v)}

    def parameters(self) -> dict:
        """All parameters."""
        return self.filter_and_map(self.valid_parameter_filter)

    def trainable_parameters(self) -> dict:
        """All parameters that are not frozen."""
        return self.filter_and_map(self.trainable_parameter_filter)

    def children(self) -> dict:
        """The modules directly below."""
        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=lambda m, k, v: isinstance(v, Module))

    def leaf_modules(self) -> dict:
        """The modules without modules below."""

        def is_leaf(module, key, value):
            return isinstance(value, Module) and not tree_flatten(value.children(), is_leaf=self.is_module)

        return self.filter_and_map(self.valid_child_filter, is_leaf_fn=is_leaf)

    def modules(self) -> list["Module"]:
        """This module and all below."""
        return [m for _, m in self.named_modules()]

    def named_modules(self) -> list[tuple[str, "Module"]]:
        """This module and all below, with their places."""
        out = []
        self.apply_to_modules(lambda name, module: out.append((name, module)))
        return out

    # ---- weights ----

    def load_weights(self, file_or_weights: str | list[tuple[str, mx.array]], strict: bool = True) -> "Module":
        """Sets parameters from a file (.npz or .safetensors) or from pairs of place and array.

        With `strict` they must be those of the module, all of them, in the same shapes.
        """
        weights = file_or_weights
        if isinstance(weights, str):
            weights = list(mx.load(weights).items())
        if strict:
            new = dict(weights)
            current = tree_flatten(self.parameters(), destination={})
            extra = new.keys() - current.keys()
            if extra:
                raise ValueError(f"Received {len(extra)} parameters not in model: \n" + ",\n".join(sorted(extra)) + ".")
            missing = current.keys() - new.keys()
            if missing:
                raise ValueError(f"Missing {len(missing)} parameters: \n" + ",\n".join(sorted(missing)) + ".")
            for name, old in current.items():
                x = new[name]
                if not isinstance(x, mx.array):
                    raise ValueError(f"Expected mx.array but received {type(x)} for parameter {name}")
                if x.shape != old.shape:
                    raise ValueError(f"Expected shape {old.shape} but received shape {x.shape} for parameter {name}")
        if weights:
            self.update(tree_unflatten(list(weights)), strict=False)
        return self

    def save_weights(self, file: str) -> None:
        """Saves all parameters to a file (.npz or .safetensors)."""
        params = tree_flatten(self.parameters(), destination={})
        if file.endswith(".npz"):
            mx.savez(file, **params)
        elif file.endswith(".safetensors"):
            mx.save_safetensors(file, params)
        else:
            raise ValueError(f"Unsupported file extension for {file}. Use '.npz' or '.safetensors'.")

    # ---- changes ----

    def update(self, parameters: dict, strict: bool = True) -> "Module":
        """Replaces parameters by those of a tree, which may be a part of the module's. With `strict` others are refused."""

        def put(holder, params):
            if isinstance(params, dict):
                keys = params.keys()
                missing = lambda k: k not in holder  # noqa: E731
            elif isinstance(params, list):
                keys = range(len(params))
                missing = lambda k: k >= len(holder)  # noqa: E731
            elif strict:
                raise ValueError(f"Received invalid type: {type(params).__name__}.")
            else:
                return
            for k in keys:
                if missing(k):
                    if strict:
                        raise ValueError(f'Module does not have parameter named "{k}".')
                    continue
                current, new = holder[k], params[k]
                if isinstance(current, mx.array):
                    if strict and not isinstance(new, mx.array):
                        raise ValueError(f"Received invalid type: {type(new).__name__}.")
                    holder[k] = new
                elif isinstance(current, tuple) and isinstance(new, (list, tuple)):
                    inner = list(current)
                    put(inner, list(new))
                    holder[k] = tuple(inner)
                elif isinstance(current, (dict, list)):
                    put(current, new)
                elif strict and new != {}:
                    raise ValueError(f'Module does not have parameter named "{k}".')

        put(self, parameters)
        return self

    def apply(
        self, map_fn: Callable[[mx.array], mx.array], filter_fn: Callable[["Module", str, Any], bool] | None = None
    ) -> "Module":
        """Replaces each parameter by `map_fn` of it."""
        self.update(self.filter_and_map(filter_fn or Module.valid_parameter_filter, map_fn))
        return self

    def update_modules(self, modules: dict, strict: bool = True) -> "Module":
        """Replaces modules below by those of a tree, which may be a part of the module's."""

        def put(holder, new):
            if isinstance(new, dict):
                keys = new.keys()
                missing = lambda k: k not in holder  # noqa: E731
            elif isinstance(new, list):
                keys = range(len(new))
                missing = lambda k: k >= len(holder)  # noqa: E731
            elif strict:
                raise ValueError(f"Received invalid type: {type(new).__name__}.")
            else:
                return
            for k in keys:
                if missing(k):
                    if strict:
                        raise ValueError(f'Module does not have sub-module named "{k}".')
                    continue
                current, x = holder[k], new[k]
                if self.is_module(current) and self.is_module(x):
                    holder[k] = x
                elif isinstance(current, (dict, list)) and isinstance(x, (dict, list)):
                    put(current, x)
                elif strict and x != {}:
                    raise ValueError(f"Received invalid type: {type(x).__name__}.")

        put(self, modules)
        return self

    def apply_to_modules(self, apply_fn: Callable[[str, "Module"], Any]) -> "Module":
        """Calls `apply_fn(place, module)` for this module and all below."""
        stack = [("", self)]
        while stack:
            prefix, module = stack.pop()
            apply_fn(prefix, module)
            inner = "." + prefix if prefix else ""
            stack.extend(tree_flatten(module.children(), prefix=inner, is_leaf=self.is_module))
        return self

    def _validate_keys(self, keys, strict):
        keys = keys if isinstance(keys, list) else [keys]
        if strict:
            for key in keys:
                if key not in self:
                    raise KeyError(f"Module doesn't contain member {key}.")
        return keys

    def _each(self, fn, recurse):
        if recurse:
            self.apply_to_modules(fn)
        else:
            fn("", self)
        return self

    def freeze(self, *, recurse: bool = True, keys: str | list[str] | None = None, strict: bool = False) -> "Module":
        """Takes parameters (the given ones, or all) out of training."""

        def one(_, m):
            names = keys
            if names is None:
                names = [
                    k
                    for k, _ in tree_flatten(
                        m.filter_and_map(lambda m, k, v: not isinstance(v, Module) and m.valid_parameter_filter(m, k, v))
                    )
                ]
            m._no_grad.update(m._validate_keys(names, strict))

        return self._each(one, recurse)

    def unfreeze(self, *, recurse: bool = True, keys: str | list[str] | None = None, strict: bool = False) -> "Module":
        """Takes parameters (the given ones, or all) into training again."""

        def one(_, m):
            if keys is None:
                m._no_grad.clear()
            else:
                m._no_grad.difference_update(m._validate_keys(keys, strict))

        return self._each(one, recurse)

    def train(self, mode: bool = True) -> "Module":
        """Sets training mode, for layers that behave differently in it."""

        def one(_, m):
            m._training = mode

        self.apply_to_modules(one)
        return self

    def eval(self) -> "Module":
        """Ends training mode."""
        return self.train(False)

    def set_dtype(
        self, dtype: mx.Dtype, predicate: Callable[[mx.Dtype], bool] | None = lambda x: mx.issubdtype(x, mx.floating)
    ) -> None:
        """Converts the parameters whose dtype passes the predicate (floats by default)."""
        predicate = predicate or (lambda _: True)
        self.apply(lambda x: x.astype(dtype) if predicate(x.dtype) else x)
