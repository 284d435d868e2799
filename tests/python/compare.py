#!/usr/bin/env python3
"""Runs every case in two environments and compares: value, dtype, shape, exception type.

    python3 compare.py --ours PYTHON --official PYTHON [--device gpu] [--filter REGEX] [--every N]
        [--parity FILE]

--device gpu computes ours on the Vulkan device. Prints a line for each case that differs unexpectedly, then a summary; the
exit status is 1 if there is one, if an expected difference is none, or if a public name of the official package is not there.
--parity writes the report.
"""

import argparse
import base64
import concurrent.futures
import json
import math
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import cases  # noqa: E402
import expected  # noqa: E402

# Allowed relative distance, of the larger of the values' own size and the array's largest; on a GPU, whose functions are
# less exact.
TOLERANCE = {"mlx.core.float16": 2e-3, "mlx.core.bfloat16": 1.6e-2}
GPU_TOLERANCE = {"mlx.core.float16": 4e-3, "mlx.core.bfloat16": 3.2e-2, "mlx.core.float32": 2e-4, "mlx.core.complex64": 2e-4}


def run(python, expressions, device=None):
    """Outcomes of all expressions. A crash counts for the case that caused it; the rest runs anew."""
    out = []
    while len(out) < len(expressions):
        with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
            json.dump(expressions[len(out) :], f)
            f.flush()
            p = subprocess.run([python, str(HERE / "worker.py"), f.name, *([device] if device else [])], capture_output=True, text=True, timeout=3600)
        lines = p.stdout.splitlines()
        out += [json.loads(line) for line in lines if line.startswith("{")]
        if len(out) < len(expressions):
            if not lines and "Error" in p.stderr and "worker.py" in p.stderr and "eval(" not in p.stderr:
                sys.exit(f"{python} cannot run the cases:\n{p.stderr}")
            out.append({"raises": "crash", "message": p.stderr[-300:]})
    return out


def machine(python):
    """The kind of machine that it runs on."""
    command = [python, "-c", "import platform; print(platform.machine())"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def numbers(d):
    import array

    raw = base64.b64decode(d["values"])
    code = {"f8": "d", "c16": "d", "i8": "q", "u8": "Q", "i4": "i", "u4": "I", "i2": "h", "u2": "H", "i1": "b", "u1": "B"}
    a = array.array(code[d["kind"].lstrip("<|=>")])
    a.frombytes(raw)
    return a.tolist()


def close(a, b, tol):
    if len(a) != len(b):
        return False
    top = max((abs(x) for x in b if math.isfinite(x)), default=0.0)
    for x, y in zip(a, b):
        if x == y or (x != x and y != y):
            continue
        if not (math.isfinite(x) and math.isfinite(y)) or abs(x - y) > tol * max(abs(y), top * 0.1, 0.1):
            return False
    return True


def difference(ours, theirs, tolerance=TOLERANCE):
    """What differs, or none."""
    if set(ours) != set(theirs):
        a, b = (d.get("raises") and f"raises {d['raises']}: {d['message'][:80]}" or next(iter(d)) for d in (ours, theirs))
        return f"{a} here, {b} there"
    if "raises" in ours:
        a, b = ours["raises"], theirs["raises"]
        return None if a == b else f"raises {a} ({ours['message'][:60]}) here, {b} there"
    if "array" in ours:
        for what in ("array", "shape"):
            if ours[what] != theirs[what]:
                return f"{ours[what]} here, {theirs[what]} there"
        a, b = numbers(ours), numbers(theirs)
        exact = "float" not in ours["array"] and "complex" not in ours["array"]
        tol = 0 if exact else tolerance.get(ours["array"], 2e-5)
        return None if (a == b if exact else close(a, b, tol)) else f"values {a[:6]} here, {b[:6]} there"
    if "float" in ours:
        a, b = ours["float"], theirs["float"]
        if a == b or (isinstance(a, float) and isinstance(b, float) and close([a], [b], tolerance.get("mlx.core.float32", 2e-5))):
            return None
        return f"{a} here, {b} there"
    for kind in ("list", "tuple"):
        if kind in ours:
            if len(ours[kind]) != len(theirs[kind]):
                return f"{len(ours[kind])} items here, {len(theirs[kind])} there"
            for i, (a, b) in enumerate(zip(ours[kind], theirs[kind])):
                d = difference(a, b, tolerance)
                if d:
                    return f"item {i}: {d}"
            return None
    if "dict" in ours:
        a, b = dict((k, v) for k, v in ours["dict"]), dict((k, v) for k, v in theirs["dict"])
        if set(a) != set(b):
            return f"keys {sorted(a)} here, {sorted(b)} there"
        return next((f"{k}: {d}" for k in a if (d := difference(a[k], b[k], tolerance))), None)
    return None if ours == theirs else f"{ours} here, {theirs} there"


SURFACE = """
import importlib, json, sys, types
out = {}
inherited = sys.argv[1] == "inherited"
def members(prefix, o):
    for n in dir(o) if inherited else vars(o):
        if n.startswith("_") and not n.startswith("__"):
            continue
        if n in ("__module__", "__doc__", "__dict__", "__weakref__", "__new__", "__slots__", "__annotations__", "__orig_bases__", "__parameters__", "__firstlineno__", "__static_attributes__", "__annotate_func__", "__annotations_cache__", "__hash__", "__nb_enum__"):
            continue
        out[prefix + "." + n] = "missing" if getattr(getattr(o, n, None), "__missing__", False) is True else "there"
for name in sys.argv[2:]:
    try:
        m = importlib.import_module(name)
    except ImportError as e:
        continue
    # A module's attribute that is made when it is asked for.
    if name == "mlx.core.random" and hasattr(m, "state"):
        out[name + ".state"] = "there"
        members(name + "._RandomState", type(m.state))
    for n in dir(m):
        if n.startswith("_") and n not in ("__version__", "__array_namespace_info__"):
            continue
        v = getattr(m, n)
        if isinstance(v, types.ModuleType):
            continue
        home = getattr(v, "__module__", name) or name
        if not home.startswith("mlx") and name != "mlx.core":
            continue
        if name != "mlx.core" and isinstance(v, type) and home.startswith("mlx.core") and home != name:
            continue
        if not name.startswith("mlx.core") and (n in ("mx", "Module") and name != "mlx.nn" or home == "mlx.utils" and name != "mlx.utils"):
            continue
        out[name + "." + n] = "missing" if getattr(v, "__missing__", False) is True else "there"
        if isinstance(v, type) and home.startswith("mlx"):
            members(name + "." + n, v)
print(json.dumps(out))
"""
MODULES = (
    "mlx.core mlx.core.random mlx.core.fast mlx.core.linalg mlx.core.fft mlx.core.metal mlx.core.cuda"
    " mlx.core.distributed mlx.nn mlx.nn.init mlx.nn.losses mlx.nn.utils mlx.nn.layers.distributed"
    " mlx.nn.layers.upsample mlx.optimizers mlx.utils"
).split()


def surface(python, inherited):
    """Public names of the package, with members of classes: their own, or inherited ones as well."""
    how = "inherited" if inherited else "own"
    p = subprocess.run([python, "-c", SURFACE, how, *MODULES], capture_output=True, text=True, timeout=300)
    if p.returncode:
        sys.exit(p.stderr)
    return json.loads(p.stdout.splitlines()[-1])


def used(expression):
    """Names of public things that an expression uses, as far as one can see."""
    text = re.sub(r"\bP\.(\w+)", lambda m: program(m.group(1)), expression)
    text = text.replace("nn.Module", "mlx.nn.Module")
    found = set()
    for prefix, module in (("mx", "mlx.core"), ("nn", "mlx.nn"), ("optim", "mlx.optimizers"), ("utils", "mlx.utils")):
        for m in re.finditer(rf"\b{prefix}((?:\.\w+)+)", text):
            parts = m.group(1).split(".")[1:]
            found.update(module + "." + ".".join(parts[: i + 1]) for i in range(len(parts)))
    found.update("." + m for m in re.findall(r"[\w\)\]]\.(\w+)", text))
    # What is called by its name is made.
    for prefix, module in (("mx", "mlx.core"), ("nn", "mlx.nn"), ("optim", "mlx.optimizers")):
        found.update(f"{module}{c}.__init__" for c in re.findall(rf"\b{prefix}((?:\.\w+)+)\(", text))
    # What is made and called, printed, or stepped.
    if re.search(r"P\.(layer|dropout)\(|\)\(", expression):
        found.update(f"mlx.nn.{c}.__call__" for c in re.findall(r"\bnn\.([A-Z]\w*)", expression))
    if "P.steps(" in expression:
        for c in re.findall(r"\boptim\.([A-Z]\w*)", expression):
            found.update(f"mlx.optimizers.{c}.{m}" for m in ("apply_single", "init_single", "init", "apply_gradients"))
    operators = OPERATORS
    for m in re.finditer(r"(?<= )(\*\*|//|<<|>>|==|!=|<=|>=|[-+*/%@&|^<>])(=?)(?= |')", text):
        name = operators.get(m.group(1))
        if name:
            found.update((f".__{name}__", f".__r{name}__"))
    for m in re.finditer(r"'(\S+)='", text):
        if m.group(1) in operators:
            found.add(f".__i{operators[m.group(1)]}__")
    for call in ("len", "int", "float", "bool", "complex", "bytes", "repr", "format", "hash", "iter", "abs", "copy", "deepcopy"):
        if re.search(rf"\b{call}\(", text):
            found.add(f".__{call}__")
    if "[" in text:
        found.add(".__getitem__")
    if re.search(r"\] (=|[-+*/]=) ", text):
        found.add(".__setitem__")
    return found


OPERATORS = {"+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow", "@": "matmul", "&": "and", "|": "or", "^": "xor", "<<": "lshift", ">>": "rshift", "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def subject(expression):
    """The names that a case is about: the function that it calls or transforms, not what makes its arguments. None if
    one cannot tell: then it is about everything in it."""
    inner = re.match(r"mx\.(?:grad|jvp|vmap|vjp|value_and_grad)\((?:lambda [\w, ]+: )?\(?(.*)", expression)
    text = inner.group(1) if inner else expression
    m = re.match(r"(mx|nn|optim|utils)((?:\.\w+)+)", text)
    if m:
        module = {"mx": "mlx.core", "nn": "mlx.nn", "optim": "mlx.optimizers", "utils": "mlx.utils"}[m.group(1)]
        return {module + m.group(2)}
    m = re.fullmatch(r"\w+(?:\([\w., ]*\))? (\S+) \w+(?:\([\w., ]*\))?", text)
    if m and m.group(1) in OPERATORS:
        name = OPERATORS[m.group(1)]
        return {f".__{name}__"} if not text[0].isdigit() else {f".__r{name}__"}
    if re.fullmatch(r"\w+\[[^\]]*\]", text):
        return {"mlx.core.array.__getitem__"}
    m = re.match(r"\w+(?:\([\w., =]*\))?\.(\w+)\(", text)
    return {"." + m.group(1)} if m else None


def program(name):
    source = (HERE / "programs.py").read_text()
    m = re.search(rf"^def {name}\(.*?(?=^def |\Z)", source, re.S | re.M)
    return m.group(0) if m else ""


def report(path, names, status, counts):
    same = sum(1 for s in status.values() if s[0] == "same")
    lines = [
        "# Parity with the official package",
        "",
        "Made by `scripts/parity.sh`; do not edit. Compared with `mlx` 0.32.4 on the processor, name by name.",
        "",
        f"{counts['cases']} cases: {counts['same']} with equal outcomes, {counts['differs']} with differences that are meant"
        " (below).",
        "",
        "| names | |",
        "| --- | --- |",
    ]
    totals = {}
    for s, _ in status.values():
        totals[s] = totals.get(s, 0) + 1
    meaning = {
        "same": "there, and every case about it has the same outcome",
        "differs": "there, with differences that are meant",
        "present": "there, without a case of its own",
        "refused": "there, but calling it says that it is not implemented yet",
    }
    lines += [f"| {totals.get(k, 0)} | {k}: {v} |" for k, v in meaning.items()]
    lines += ["", f"Of {len(status)} names {100 * same / len(status):.1f} % are the same.", "", "## Differences that are meant", ""]
    lines += [f"* `{c}`: {why}" for c, why in counts["meant"]]
    lines += ["", "## Not there", ""]
    lines += [f"* {what}: {why}" for what, why in expected.NOT_THERE]
    for module in MODULES:
        own = {n: s for n, s in status.items() if n.rsplit(".", 1)[0] == module or module + "." in n and n[len(module) + 1 :][:1].isupper() and n.count(".") == module.count(".") + 2}
        own = {n: s for n, s in status.items() if home(n) == module}
        if not own:
            continue
        lines += ["", f"## {module}", ""]
        for k in meaning:
            items = sorted(n[len(module) + 1 :] for n, s in own.items() if s[0] == k)
            if items:
                lines.append(f"**{k}** ({len(items)}): " + ", ".join(f"`{i}`" for i in items))
                lines.append("")
    path.write_text("\n".join(lines).rstrip() + "\n")


def home(name):
    return max((m for m in MODULES if name.startswith(m + ".")), key=len)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ours", required=True)
    p.add_argument("--official", required=True)
    p.add_argument("--device", choices=["gpu"], help="the default device of ours")
    p.add_argument("--filter", default="")
    p.add_argument("--every", type=int, default=1, help="only each N-th case: for an emulated machine")
    p.add_argument("--parity", type=pathlib.Path)
    a = p.parse_args()
    if a.device and a.parity:
        p.error("the report is about the processor")
    expressions = [e for e in dict.fromkeys(cases.expressions(a.device)) if re.search(a.filter, e)][:: a.every]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ours, theirs = pool.map(lambda side: run(*side), ((a.ours, expressions, a.device), (a.official, expressions)))
    tolerance = GPU_TOLERANCE if a.device else TOLERANCE
    elsewhere = machine(a.ours) != machine(a.official)
    wrong, meant, by_name = 0, [], {}
    for e, o, t in zip(expressions, ours, theirs):
        d, why = difference(o, t, tolerance), expected.reason(e, a.device, elsewhere)
        if d and why:
            meant.append((e, why))
        elif d:
            wrong += 1
            print(f"DIFFERS {e}: {d}")
        elif why and e in expected.DIFFERS:
            wrong += 1
            print(f"NO LONGER DIFFERS {e}: remove it from expected.py")
        counts = bool(d) and not expected.beyond(e, t)
        about = subject(e) if counts else None
        for n in used(e):
            # A difference belongs to what the case is about; what makes its arguments has cases of its own.
            if not counts or about is None or n in about:
                by_name.setdefault(n, []).append(counts)
        for n in about or ():
            by_name.setdefault(n, []).append(counts)
    known, here = surface(a.official, False), surface(a.ours, True)
    status = {}
    for n in known:
        if here.get(n.rsplit(".", 1)[0]) == "missing":
            status[n] = ("refused", "")
        elif n not in here:
            status[n] = ("absent", "")
            if not a.filter:
                wrong += 1
                print(f"ABSENT {n}")
        elif here[n] == "missing":
            status[n] = ("refused", "")
        else:
            hits = by_name.get(n) or (by_name.get("." + n.rsplit(".", 1)[1]) if n.startswith("mlx.core.array.") or n.count(".") > 2 else None)
            status[n] = ("present", "") if not hits else ("differs" if any(hits) else "same", "")
    totals = {}
    for s, _ in status.values():
        totals[s] = totals.get(s, 0) + 1
    print(f"{len(expressions)} cases, {len(meant)} differ as meant, {wrong} wrong; names: " + ", ".join(f"{v} {k}" for k, v in sorted(totals.items())))
    if a.parity and not wrong:
        report(a.parity, known, status, {"cases": len(expressions), "same": len(expressions) - len(meant), "differs": len(meant), "meant": meant})
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
