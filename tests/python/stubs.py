#!/usr/bin/env python3
"""Compares the stubs of mlx.core with the compiled modules, and looks that the Python modules are annotated.

    PYTHON stubs.py     PYTHON has the package; its own stubs are looked at

Every public name of a module and every member of its classes must be in the stub and the other way round; functions and
methods must take arguments of the same names, in the same order, of the same kinds, optional where they are. Public
functions and methods of mlx.nn, mlx.optimizers and mlx.utils must say the type of each argument and what they return. The
exit status is 1 if anything is wrong.
"""

import ast
import importlib
import inspect
import pathlib
import sys

COMPILED = ("", "random", "fast", "linalg", "fft", "metal", "cuda", "distributed")
PYTHON = ("mlx/nn", "mlx/optimizers", "mlx/utils.py")
# Names for types: nothing at run time.
TYPES = {"scalar", "StreamOrDevice"}
# What every class has, or Python makes by itself.
INHERITED = set(dir(object)) | {"__module__", "__dict__", "__weakref__", "__text_signature__", "__annotations__"}
# Python makes these of a slot that serves both sides of an operator, or assigning and deleting; a call is refused.
SLOTS = {f"__{n}__" for n in "delitem rand ror rxor rlshift rrshift rmatmul".split()}

wrong = []


def public(name):
    return not name.startswith("_") or name.startswith("__") and name.endswith("__")


def shape(arguments, method):
    """[(name, kind, whether it may be left out)] of a definition in a stub."""
    a = arguments
    plain = a.posonlyargs + a.args
    defaults = [None] * (len(plain) - len(a.defaults)) + a.defaults
    out = [(x.arg, "/" if i < len(a.posonlyargs) else "", d is not None) for i, (x, d) in enumerate(zip(plain, defaults))]
    if method:
        out = out[1:]
    if a.vararg:
        out.append((a.vararg.arg, "*", True))
    out += [(x.arg, "=", d is not None) for x, d in zip(a.kwonlyargs, a.kw_defaults)]
    if a.kwarg:
        out.append((a.kwarg.arg, "**", True))
    return out


KINDS = {"POSITIONAL_ONLY": "/", "POSITIONAL_OR_KEYWORD": "", "VAR_POSITIONAL": "*", "KEYWORD_ONLY": "=", "VAR_KEYWORD": "**"}


def live_shape(f, method):
    """The same of a live function; none if it does not tell."""
    try:
        parameters = list(inspect.signature(f).parameters.values())
    except (ValueError, TypeError):
        return None
    if method:
        parameters = parameters[1:]
    return [(p.name, KINDS[p.kind.name], p.default is not p.empty or p.kind.name.startswith("VAR")) for p in parameters]


def said(what):
    return "(" + ", ".join({"/": "{}, /", "": "{}", "*": "*{}", "=": "*, {}", "**": "**{}"}[k].format(n) + ("=" if d and k not in ("*", "**") else "") for n, k, d in what) + ")"


def compare(name, definitions, f, method):
    """A function's definitions (several, if it is overloaded) with the live one."""
    live = live_shape(f, method)
    if live is None:
        return
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in definitions[0].decorator_list)
    stubs = [shape(d.args, method and not static) for d in definitions]
    if len(stubs) == 1:
        if stubs[0] != live:
            wrong.append(f"{name}{said(live)} is {name}{said(stubs[0])} in the stub")
        return
    # Each overload takes some of the arguments, in another way perhaps; together they take all.
    names = {n for n, _, _ in live}
    star = any(k == "*" for _, k, _ in live)
    for s in stubs:
        if not star and not {n for n, k, _ in s if k not in ("/", "*")} <= names:
            wrong.append(f"{name}{said(live)} has the overload {said(s)}")
    keywords = {n for n, k, _ in live if k in ("", "=")}
    if not keywords <= {n for s in stubs for n, _, _ in s}:
        wrong.append(f"{name}{said(live)}: its overloads lack {sorted(keywords - {n for s in stubs for n, _, _ in s})}")


def collected(body):
    """Names of a stub or a class in it: functions with all their definitions, classes, the rest."""
    functions, classes, values = {}, {}, set()
    for node in body:
        if isinstance(node, ast.FunctionDef):
            if any(isinstance(d, ast.Name) and d.id == "property" or isinstance(d, ast.Attribute) for d in node.decorator_list):
                values.add(node.name)
            else:
                functions.setdefault(node.name, []).append(node)
        elif isinstance(node, ast.ClassDef):
            classes[node.name] = node
        elif isinstance(node, ast.AnnAssign):
            values.add(node.target.id)
        elif isinstance(node, ast.Assign):
            values.update(t.id for t in node.targets)
        elif isinstance(node, ast.ImportFrom):
            values.update(a.asname for a in node.names if a.asname == a.name)
    return functions, classes, values


def both(where, live, stub):
    for n in sorted(live - stub):
        wrong.append(f"{where}{n} is not in the stub")
    for n in sorted(stub - live):
        wrong.append(f"{where}{n} is in the stub only")


def members(name, node, cls):
    functions, classes, values = collected(node.body)
    live = {n for n in vars(cls) if public(n) and n not in INHERITED | SLOTS}
    stub = {n for n in {*functions, *classes, *values} if public(n) and n not in INHERITED}
    both(name + ".", live, stub)
    for n, definitions in functions.items():
        if n in live and not n.startswith("__"):
            compare(f"{name}.{n}", definitions, getattr(cls, n), True)


def compiled(folder):
    count = 0
    for sub in COMPILED:
        name = "mlx.core" + ("." + sub if sub else "")
        module = importlib.import_module("mlx.core")
        if sub:
            module = getattr(module, sub)
        path = folder / "mlx/core" / f"{sub or '__init__'}.pyi"
        if not path.exists():
            wrong.append(f"{name} has no stub")
            continue
        functions, classes, values = collected(ast.parse(path.read_text()).body)
        live = {n for n in dir(module) if not n.startswith("_") or n in ("__version__", "__array_namespace_info__")}
        # What a module makes when it is asked for is not in its list.
        live |= {n for n in values if hasattr(module, n)}
        stub = {n for n in {*functions, *classes, *values} if not n.startswith("_") or n in ("__version__", "__array_namespace_info__")}
        both(name + ".", live, stub - TYPES if not sub else stub)
        count += len(live)
        for n, definitions in functions.items():
            if n in live:
                compare(f"{name}.{n}", definitions, getattr(module, n), False)
        for n, node in classes.items():
            if n in live:
                members(f"{name}.{n}", node, getattr(module, n))
    return count


def annotated(folder):
    count = 0
    for path in PYTHON:
        for file in sorted((folder / path).rglob("*.py")) if (folder / path).is_dir() else [folder / path]:
            where = str(file.relative_to(folder)).removesuffix(".py").replace("/", ".")
            for node, method in definitions(ast.parse(file.read_text()).body):
                count += 1
                a = node.args
                args = (a.posonlyargs + a.args)[1 if method and not is_static(node) else 0 :] + a.kwonlyargs + [x for x in (a.vararg, a.kwarg) if x]
                lacking = [x.arg for x in args if x.annotation is None]
                if node.returns is None and node.name != "__init__":
                    lacking.append("return")
                if lacking:
                    wrong.append(f"{where}.{node.name} says no type of {', '.join(lacking)}")
    return count


def is_static(node):
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def definitions(body, method=False):
    """Public functions, and methods of public classes."""
    for node in body:
        if isinstance(node, ast.FunctionDef) and public(node.name):
            yield node, method
        elif isinstance(node, ast.ClassDef) and public(node.name):
            yield from definitions(node.body, True)


def main():
    import mlx.utils

    folder = pathlib.Path(mlx.utils.__file__).parents[1]
    names, functions = compiled(folder), annotated(folder)
    for marker in ("mlx/py.typed", "mlx_arm/py.typed"):
        if not (folder / marker).exists():
            wrong.append(f"{marker} is not there")
    for w in wrong:
        print("STUB", w)
    print(f"stubs: {names} names of mlx.core, {functions} functions in Python, {len(wrong)} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
