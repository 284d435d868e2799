#!/usr/bin/env python3
"""Makes the Python bindings and the type stubs from their one description, python/api/*.pyi.

Writes crates/mlx-python/src/functions/*.rs (functions and array methods) and python/mlx/core/**/*.pyi.
With --check nothing is written; stale files are named and the exit status is 1.
"""

import ast
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
API = ROOT / "python" / "api"
RUST = ROOT / "crates" / "mlx-python" / "src" / "functions"
STUBS = ROOT / "python" / "mlx" / "core"

# kind: Rust type of the argument, how it is passed on, how it is passed on when it may be None, type in stubs.
KINDS = {
    "array": ("Arr", "&{0}.0", "{0}.as_ref().map(|x| &x.0)", "scalar | array | ArrayLike"),
    "only_array": ("Only", "&{0}.0", "{0}.as_ref().map(|x| &x.0)", "array"),
    "operand": ("Operand", "&{0}", "{0}.as_ref()", "scalar | array | ArrayLike"),
    "axes": ("Axes", None, "{0}.as_ref().map(|x| x.0.as_slice())", "int | Sequence[int]"),
    "ints": ("Axes", "{0}.0.as_slice()", None, "int | Sequence[int]"),
    "order": ("OrderArg", None, "{0}.as_ref().map(|x| &x.0)", "int | float | str"),
    "padding": ("Padding", "&{0}", None, "int | Sequence[int] | tuple[Sequence[int], Sequence[int]]"),
    "ints_or_int": ("IntOrSeq", "&{0}", None, "int | Sequence[int]"),
    "intseq": ("IntSeq", "{0}.0.as_slice()", "{0}.as_ref().map(|x| x.0.as_slice())", "Sequence[int]"),
    "shape": ("Shape", "{0}.0.as_slice()", "{0}.as_ref().map(|x| x.0.as_slice())", "int | Sequence[int]"),
    "shape_seq": ("ShapeSeq", "{0}.0.as_slice()", "{0}.as_ref().map(|x| x.0.as_slice())", "Sequence[int]"),
    "int": ("i64", "{0}", "{0}", "int"),
    "axis": ("Option<i64>", "{0}", "{0}", "int | None"),
    "float": ("f64", "{0}", "{0}", "float"),
    "float_required": ("f64", "{0}", None, "float"),
    "number": ("Number", "{0}.0", "{0}.map(|x| x.0)", "int | float"),
    "bool": ("bool", "{0}", "{0}", "bool"),
    "str": ("Text", "{0}.0.as_str()", "{0}.as_ref().map(|x| x.0.as_str())", "str"),
    "dtype": ("Dt", None, "{0}.map(|x| x.0)", "Dtype"),
    "dtype_required": ("Dt", "{0}.0", None, "Dtype"),
    "arrays": ("Arrays", "{0}.0.as_slice()", None, "Sequence[array] | array"),
    "array_or_int": ("ArrayOrInt", "&{0}", None, "int | array"),
    "mask": ("MaskArg", None, "{0}.as_ref()", "str | array"),
    "object": ("Bound<'py, PyAny>", "&{0}", "{0}.as_ref()", "object"),
    "stream": ("StreamArg", None, None, "Stream | ThreadLocalStream | Device | DeviceType"),
}
RETURNS = {
    "array": "array",
    "arrays": "list[array]",
    "tuple": "tuple[array, ...]",
    "tuple2": "tuple[array, array]",
    "any": "Any",
}

class Param:
    def __init__(self, arg, default):
        self.name = arg.arg
        self.kind = arg.annotation.id
        self.required = default is None or (isinstance(default, ast.Constant) and default.value is ...)
        self.nullable = default is not None and (
            self.required or (isinstance(default, ast.Constant) and default.value is None)
        )
        self.default = default
        self.default_dtype = None
        if isinstance(default, ast.Name):
            self.default_dtype = default.id
            self.nullable = True
        if self.kind == "axis" or KINDS[self.kind][2] is None and KINDS[self.kind][1] is not None:
            self.nullable = False
        # A list of axes that may be None all the same.
        self.nullable_list = self.kind == "intseq" and isinstance(default, ast.List)
        self.nullable = self.nullable or self.nullable_list
        # Kinds that are only ever passed on as optional.
        if KINDS[self.kind][1] is None:
            self.nullable = True

    def rust_type(self):
        t = KINDS[self.kind][0]
        return f"Option<{t}>" if self.nullable else t

    def rust_default(self):
        if self.required:
            return None
        d = self.default
        if self.nullable and not self.nullable_list:
            return "None"
        if isinstance(d, ast.List):
            items = ast.literal_eval(d)
            if self.nullable_list:
                return f"Some(IntSeq::of(&{items}))"
            return f"{KINDS[self.kind][0]}::default()"
        v = ast.literal_eval(d)
        if self.kind in ("ints", "padding"):
            return f"{KINDS[self.kind][0]}::one({v})"
        if self.kind == "axis":
            return "None" if v is None else f"Some({v})"
        if isinstance(v, bool):
            return str(v).lower()
        if self.kind == "array":
            return f"Arr::number({float(v)!r})"
        if self.kind == "operand":
            return f"Operand::int({v})"
        if self.kind == "str":
            return f'Text::from("{v}")'
        if self.kind == "float":
            return repr(float(v))
        if self.kind == "object":
            return None
        return repr(v)

    def bind(self):
        """The `let` that turns the argument into what the expression uses."""
        if self.kind == "stream":
            return None
        _, plain, optional, _ = KINDS[self.kind]
        value = (optional if self.nullable else plain).format(self.name)
        if self.default_dtype:
            value += f".unwrap_or(DType::{DTYPES[self.default_dtype]})"
        return f"let {self.name} = {value};" if value != self.name else None

    def stub(self):
        t = KINDS[self.kind][3]
        if self.nullable:
            t += " | None"
        if self.required:
            return f"{self.name}: {t}"
        return f"{self.name}: {t} = {ast.unparse(self.default)}"


DTYPES = {"float32": "F32", "int32": "I32", "bfloat16": "BF16"}


class Function:
    def __init__(self, node, method=False):
        self.name = node.name
        self.method = method
        a = node.args
        defaults = [None] * (len(a.posonlyargs) + len(a.args) - len(a.defaults)) + a.defaults
        self.groups = []
        plain = a.posonlyargs + a.args
        for i, arg in enumerate(plain):
            self.groups.append(Param(arg, defaults[i]))
            if i + 1 == len(a.posonlyargs):
                self.groups.append("/")
        if a.kwonlyargs:
            self.groups.append("*")
            self.groups += [Param(x, d) for x, d in zip(a.kwonlyargs, a.kw_defaults)]
        self.params = [p for p in self.groups if isinstance(p, Param)]
        self.returns = node.returns.id
        self.doc = ast.get_docstring(node) or ""
        assert self.doc, f"{self.name} has no description"
        self.rust = None
        for statement in node.body:
            if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
                assert statement.value.func.id == "rust"
                self.rust = ast.literal_eval(statement.value.args[0])

    def expression(self):
        if self.rust:
            return self.rust
        args = ["a"] if self.method else []
        args += [p.name for p in self.params if p.kind != "stream"]
        name = {"where": "where_"}.get(self.name, self.name)
        return f"ops::{name}({', '.join(args)})"

    def signature(self):
        out = []
        for p in self.groups:
            if isinstance(p, str):
                out.append(p)
                continue
            d = p.rust_default()
            out.append(p.name if d is None else f"{p.name} = {d}")
        return ", ".join(out)

    def text_signature(self):
        out = []
        for p in self.groups:
            if isinstance(p, str):
                out.append(p)
            elif p.required:
                out.append(p.name)
            else:
                out.append(f"{p.name}={ast.unparse(p.default) if not p.default_dtype else 'None'}")
        return "(" + ", ".join(out) + ")"

    def emit(self):
        fn = self.name if self.method else f"py_{self.name}"
        params = list(self.params)
        lines = []
        doc = self.doc.replace("\\", "\\\\").replace('"', '\\"')
        lines.append(f'#[doc = "{doc}"]')
        if self.method:
            lines.append(f"#[pyo3(signature = ({self.signature()}))]")
        else:
            lines.append("#[pyfunction]")
            lines.append(
                f'#[pyo3(name = "{self.name}", signature = ({self.signature()}), '
                f'text_signature = "{self.text_signature()}")]'
            )
        operands = [p for p in params if p.kind == "operand"]
        args = []
        uses_py = any(p.kind == "object" for p in params)
        life = "<'py>" if uses_py else ""
        if self.method:
            args.append("&self")
        for p in params:
            mutable = "mut " if len(operands) > 1 and p in operands else ""
            args.append(f"{mutable}{p.name}: {p.rust_type()}")
        lines.append(f"fn {fn}{life}({', '.join(args)}) -> R<Returned> {{")
        if self.method:
            lines.append("    let a = &self.get();")
        if len(operands) > 1:
            names = ", ".join(
                f"Some(&mut {p.name})" if not p.nullable else f"{p.name}.as_mut()" for p in operands
            )
            lines.append(f"    convert::settle([{names}])?;")
        for p in params:
            b = p.bind()
            if b:
                lines.append("    " + b)
        body = self.expression()
        wrap = {"tuple": "Returned::tuple", "tuple2": "Returned::pair", "any": ""}.get(self.returns, "Returned::from")
        result = f"{wrap}({body}?)" if wrap else f"{body}?"
        if any(p.kind == "stream" for p in params):
            lines.append(f"    stream::on(stream, || Ok({result}))")
        else:
            lines.append(f"    Ok({result})")
        lines.append("}")
        return "\n".join(lines)

    def stub(self, indent="", extra=None):
        out = [extra] if extra else []
        out += [p if isinstance(p, str) else p.stub() for p in self.groups]
        returns = RETURNS[self.returns]
        return f'{indent}def {self.name}({", ".join(out)}) -> {returns}:\n{indent}    """{self.doc}"""\n'


class Operator:
    """An operator with its in-place form and, for some, its reflected form."""

    def __init__(self, name, what, function, reflected):
        self.name, self.what, self.function, self.reflected = name.strip("_"), what, function, reflected

    def emit(self):
        forms = [("", "false")] + ([("r", "true")] if self.reflected else [])
        function = f"ops::{self.function}"
        if not self.reflected:
            function = f"bits({function})"
        call = f'operator(self, other, "{self.what}", {{}}, {function})?'
        out = ""
        for prefix, swap in forms:
            out += f"fn __{prefix}{self.name}__(&self, other: &Bound<'_, PyAny>) -> R<PyArray> {{"
            out += f"Ok(PyArray::new({call.format(swap)})) }}\n"
        out += f"fn __i{self.name}__(&self, other: &Bound<'_, PyAny>) -> R<()> {{"
        if self.name == "truediv":
            out += "divisible(self)?;"
        out += f"self.set({call.format('false')}); Ok(()) }}"
        return out

    def stub(self, indent, _):
        forms = ["", "r"] if self.reflected else [""]
        lines = [f"{indent}def __{p}{self.name}__(self, other: scalar | array | ArrayLike) -> array: ...\n" for p in forms]
        lines.append(f"{indent}def __i{self.name}__(self, other: scalar | array | ArrayLike) -> Self: ...\n")
        return "".join(lines)


def parse(path):
    functions, aliases, methods = [], [], []
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.FunctionDef):
            functions.append(Function(node))
        elif isinstance(node, ast.Assign):
            aliases.append((node.targets[0].id, node.value.id))
        elif isinstance(node, ast.ClassDef):
            if node.name == "operators":
                methods += [Operator(x.targets[0].id, *ast.literal_eval(x.value)) for x in node.body]
                continue
            for f in node.body:
                f.args.args = f.args.args[1:]
                methods.append(Function(f, method=True))
        else:
            sys.exit(f"{path}: line {node.lineno} is neither a function nor a second name")
    return functions, aliases, methods


HEADER = "// Made by scripts/bindings.py from python/api/{0}.pyi. Do not edit.\n\n"
USES = """#![allow(unused_imports, non_snake_case)]
use super::prelude::*;

"""


def rust(name, functions, aliases, methods):
    out = HEADER.format(name) + USES
    for f in functions:
        out += f.emit() + "\n\n"
    if functions:
        out += "/// Adds the functions to their module.\n"
        out += "pub fn register(m: &Bound<'_, PyModule>) -> PyResult<()> {\n"
        for f in functions:
            out += f"    m.add_function(wrap_pyfunction!(py_{f.name}, m)?)?;\n"
        for new, old in aliases:
            out += f'    m.add("{new}", m.getattr("{old}")?)?;\n'
        out += "    Ok(())\n}\n"
    if methods:
        out += "#[pymethods]\nimpl PyArray {\n"
        for f in methods:
            out += "\n".join("    " + line for line in f.emit().split("\n")) + "\n\n"
        out += "}\n"
    return out


def stub_text(name, functions, aliases, methods):
    by_name = {f.name: f for f in functions}
    head = (API / f"{name}.head.pyi").read_text() if (API / f"{name}.head.pyi").exists() else STUB_HEAD
    out = STUB_HEADER.format(f"{name}.pyi") + head
    generated = "".join(f.stub("    ", "self") for f in methods)
    out = out.replace("    # METHODS\n", generated)
    out += "\n"
    for f in functions:
        out += f.stub() + "\n"
    for new, old in aliases:
        out += f"{new} = {old}\n"
        assert old in by_name
    return out


STUB_HEADER = "# Made by scripts/bindings.py from python/api/{0}. Do not edit.\n\n"
STUB_HEAD = """from typing import Any, Sequence

from mlx.core import ArrayLike, Device, DeviceType, Dtype, Stream, ThreadLocalStream, array, float32, int32, scalar
"""


def formatted(text):
    import subprocess

    p = subprocess.run(
        ["rustfmt", "--edition", "2024", "--config-path", str(ROOT)], input=text, capture_output=True, text=True
    )
    if p.returncode:
        sys.exit(p.stderr)
    return p.stdout


def main():
    files = {}
    for path in sorted(API.glob("*.pyi")):
        name = path.name.removesuffix(".pyi")
        if name.endswith(".head"):
            # A module whose functions are all bound by hand.
            alone = name.removesuffix(".head")
            if not (API / f"{alone}.pyi").exists():
                files[STUBS / f"{alone}.pyi"] = STUB_HEADER.format(path.name) + path.read_text()
            continue
        functions, aliases, methods = parse(path)
        files[RUST / f"{name}.rs"] = formatted(rust(name, functions, aliases, methods))
        if name != "array":
            m = parse(API / "array.pyi")[2] if name == "core" else []
            stub = stub_text(name, functions, aliases, m)
            compile(stub, str(path), "exec")
            files[STUBS / ("__init__.pyi" if name == "core" else f"{name}.pyi")] = stub
    stale = [p for p, text in files.items() if not p.exists() or p.read_text() != text]
    if "--check" in sys.argv[1:]:
        for p in stale:
            print(f"stale: {p.relative_to(ROOT)}; run scripts/bindings.py")
        sys.exit(bool(stale))
    for p in stale:
        p.parent.mkdir(parents=True, exist_ok=True)
        p.write_text(files[p])
        print(f"wrote {p.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
