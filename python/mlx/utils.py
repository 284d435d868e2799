"""Trees: lists, tuples and dictionaries, nested, with anything else at their leaves."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

__all__ = ["tree_flatten", "tree_map", "tree_map_with_path", "tree_merge", "tree_reduce", "tree_unflatten"]


def _sequence(items, like):
    """A list or tuple of items; of the kind of a named tuple where `like` is one."""
    if hasattr(like, "_fields"):
        return type(like)(*items)
    return type(like)(items)


def tree_map(fn: Callable, tree: Any, *rest: Any, is_leaf: Callable | None = None) -> Any:
    """The tree with each leaf replaced by `fn(leaf, *leaves of rest at its place)`."""
    if is_leaf is not None and is_leaf(tree):
        return fn(tree, *rest)
    if isinstance(tree, (list, tuple)):
        items = (tree_map(fn, x, *(r[i] for r in rest), is_leaf=is_leaf) for i, x in enumerate(tree))
        return _sequence(items, tree)
    if isinstance(tree, dict):
        return {k: tree_map(fn, x, *(r[k] for r in rest), is_leaf=is_leaf) for k, x in tree.items()}
    return fn(tree, *rest)


def tree_map_with_path(
    fn: Callable, tree: Any, *rest: Any, is_leaf: Callable | None = None, path: Any | None = None
) -> Any:
    """As tree_map, with the place (keys and numbers, joined by dots) as the first argument of `fn`."""
    if is_leaf is not None and is_leaf(tree):
        return fn(path, tree, *rest)
    inner = f"{path}." if path else ""

    def at(key, x):
        return tree_map_with_path(fn, x, *(r[key] for r in rest), is_leaf=is_leaf, path=f"{inner}{key}")

    if isinstance(tree, (list, tuple)):
        return _sequence((at(i, x) for i, x in enumerate(tree)), tree)
    if isinstance(tree, dict):
        return {k: at(k, x) for k, x in tree.items()}
    return fn(path, tree, *rest)


def tree_flatten(
    tree: Any,
    prefix: str = "",
    is_leaf: Callable | None = None,
    destination: list[tuple[str, Any]] | dict[str, Any] | None = None,
) -> list[tuple[str, Any]] | dict[str, Any]:
    """Leaves with their places, appended to the list or put into the dictionary `destination` (a list by default).

    The first character of `prefix` is a separator and left out.
    """
    out = [] if destination is None else destination
    if not isinstance(out, (list, dict)):
        raise ValueError("Destination should be either a list or a dictionary")

    def walk(x, place):
        if is_leaf is None or not is_leaf(x):
            if isinstance(x, (list, tuple)):
                for i, item in enumerate(x):
                    walk(item, f"{place}.{i}")
                return
            if isinstance(x, dict):
                for key, item in x.items():
                    walk(item, f"{place}.{key}")
                return
        if isinstance(out, list):
            out.append((place[1:], x))
        else:
            out[place[1:]] = x

    walk(tree, prefix)
    return out


def tree_unflatten(tree: list[tuple[str, Any]] | dict[str, Any]) -> Any:
    """The tree with these leaves at these places: the opposite of tree_flatten. Numbers make lists."""
    items = list(tree.items()) if isinstance(tree, dict) else list(tree)
    if len(items) == 1 and items[0][0] == "":
        return items[0][1]
    children = defaultdict(list)
    for key, x in items:
        first, _, rest = key.partition(".")
        children[first].append((rest, x))
    try:
        places = sorted((int(k), k) for k in children)
    except ValueError:
        return {k: tree_unflatten(v) for k, v in children.items()}
    out = []
    for number, key in places:
        out.extend({} for _ in range(number - len(out)))
        out.append(tree_unflatten(children[key]))
    return out


def tree_reduce(
    fn: Callable[[Any, Any], Any], tree: Any, initializer: Any = None, is_leaf: Callable[[Any], bool] | None = None
) -> Any:
    """Folds the leaves from the left; without an initializer it begins with the first leaf."""
    if is_leaf is None or not is_leaf(tree):
        items = None
        if isinstance(tree, (list, tuple)):
            items = tree
        elif isinstance(tree, dict):
            items = tree.values()
        if items is not None:
            for item in items:
                initializer = tree_reduce(fn, item, initializer, is_leaf)
            return initializer
    return tree if initializer is None else fn(initializer, tree)


def tree_merge(tree_a: Any, tree_b: Any, merge_fn: Callable[[Any, Any], Any] | None = None) -> Any:
    """The two trees laid over each other. Leaves at the same place are given to `merge_fn`."""
    empty = (dict, list, tuple)
    if tree_a is None or (isinstance(tree_a, empty) and not tree_a):
        return tree_b
    if tree_b is None or (isinstance(tree_b, empty) and not tree_b):
        return tree_a
    if isinstance(tree_a, (list, tuple)) and isinstance(tree_b, (list, tuple)):
        n = max(len(tree_a), len(tree_b))
        at = lambda t, i: t[i] if i < len(t) else None  # noqa: E731
        return type(tree_a)(tree_merge(at(tree_a, i), at(tree_b, i), merge_fn) for i in range(n))
    if isinstance(tree_a, dict) and isinstance(tree_b, dict):
        out = dict(tree_b)
        for k, x in tree_a.items():
            out[k] = tree_merge(x, tree_b.get(k), merge_fn)
        return out
    if merge_fn is None:
        raise ValueError("Trees contain elements at the same locations but no merge function was provided")
    return merge_fn(tree_a, tree_b)
