#!/usr/bin/env python3
"""Compares MLX-ARM's exact meanings with the official wheel (mlx 0.32.4).

  mlx_ops.py                  exports the cases with `cargo run -p mlx-check -- export` first
  mlx_ops.py DIR [FILTER]     DIR as written by `mlx-check export DIR`

For every exported case and dtype: dtype, shape and values of the wheel's result against the exact ones; for every bad
call: that the wheel refuses it too, with the same kind of exception. Closes with 'N passed, N failed'; deviations of
the wheel that are known are listed in KNOWN and must still be there.
"""
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import mlx.core as mx

mx.set_default_device(mx.cpu)

NUMPY = {"BOOL": np.bool_, "U8": np.uint8, "U16": np.uint16, "U32": np.uint32, "U64": np.uint64, "I8": np.int8,
         "I16": np.int16, "I32": np.int32, "I64": np.int64, "F16": np.float16, "BF16": np.uint16, "F32": np.float32,
         "F64": np.float64, "C64": np.complex64}
NAMES = {"BOOL": mx.bool_, "U8": mx.uint8, "U16": mx.uint16, "U32": mx.uint32, "U64": mx.uint64, "I8": mx.int8,
         "I16": mx.int16, "I32": mx.int32, "I64": mx.int64, "F16": mx.float16, "BF16": mx.bfloat16, "F32": mx.float32,
         "F64": mx.float64, "C64": mx.complex64}
# Distance from 1 to the next value.
EPS = {mx.float16: 2.0**-10, mx.bfloat16: 2.0**-7, mx.float32: 2.0**-23, mx.float64: 2.0**-52, mx.complex64: 2.0**-23}
TINY = {mx.float16: 2.0**-24, mx.bfloat16: 2.0**-133, mx.float32: 2.0**-149, mx.float64: 5e-324,
        mx.complex64: 2.0**-149}

INTEGERS = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")

# Where the wheel is known to differ: (case, dtype or None) -> why. `prefix*` covers all names that start so.
KNOWN = {
    ("nan_to_num", "float64"): "the wheel refuses float64 here",
    ("nan_to_num", "complex64"): "the wheel refuses complex64 here",
    ("full/bool", None): "the wheel ignores the dtype bool",
    ("round/decimals", "float64"): "the wheel scales float64 by a float32",
    ("round/tens", "float64"): "the wheel scales float64 by a float32",
    ("divmod", "bfloat16"): "the wheel rounds the quotient to bfloat16 before its floor is taken",
    ("floor_divide", "bfloat16"): "the wheel rounds the quotient to bfloat16 before its floor is taken",
    ("floor_divide/tenths", "bfloat16"): "the wheel rounds the quotient to bfloat16 before its floor is taken",
    ("floor_divide/tenths", "float16"): "the wheel rounds the quotient to float16 before its floor is taken",
    ("exp/special", "float64"): "the wheel's exponential of float64 overflows like that of float32",
    **{(f"softmax{kind}", d): "the wheel casts back to integers where the last axis is not the only one"
       for kind in ("", "/first", "/all") for d in INTEGERS},
    **{(f"logsumexp{kind}", d): "the wheel subtracts the largest in the integers' own dtype"
       for kind in ("/first", "/all") for d in ("uint8", "uint16", "uint32", "uint64", "int8")},
    ("logsumexp/all", "bool"): "the wheel subtracts the largest as bool",
    **{(name, "float64"): "the wheel convolves float64 in float32, or refuses it"
       for name in ("conv/1d", "conv/2d", "conv/3d", "conv/alone/wide", "conv/tiles", "conv/deep", "conv/thin",
                    "conv_transpose", "conv_general", "convolve", "convolve/same", "convolve/valid")},
    **{(name, d): "the wheel's gather_mm takes float32 only"
       for name in ("gather_mm", "gather_mm/right", "gather_mm/left", "gather_mm/each", "gather_mm/sorted")
       for d in ("float16", "bfloat16", "float64")},
    **{("segmented_mm", d): "the wheel's segmented_mm of halves goes wrong after the first row"
       for d in ("float16", "bfloat16")},
    ("solve", "float32"): "the wheel refuses one right side for several matrices, which it broadcasts elsewhere",
}

# float64 that the wheel computes in float32 inside.
SINGLE = ("exp", "expm1", "sin", "cos", "erf", "erfinv", "sigmoid", "logaddexp", "logsumexp", "logcumsumexp", "softmax",
          "rms_norm", "layer_norm", "scaled_dot_product_attention", "tanh", "silu", "map")
# Functions whose vector form in the wheel loses digits for large arguments and flushes results near zero.
COARSE = ("exp", "erf", "sigmoid", "softmax", "logaddexp", "logsumexp", "var", "std", "sin", "cos")


class Tensors:
    """The tensors of a safetensors file, without a copy."""

    def __init__(self, path):
        self.data = np.memmap(path, dtype=np.uint8, mode="r")
        n = int(self.data[:8].view(np.uint64)[0])
        self.index = json.loads(bytes(self.data[8:8 + n]))
        self.start = 8 + n

    def numpy(self, name):
        """(dtype name, values); bfloat16 as the bits."""
        e = self.index[name]
        a, b = e["data_offsets"]
        raw = np.frombuffer(self.data[self.start + a:self.start + b].tobytes(), dtype=NUMPY[e["dtype"]])
        return e["dtype"], raw.reshape(e["shape"])

    def mlx(self, name):
        dtype, v = self.numpy(name)
        if dtype == "BF16":
            return mx.array(v).view(mx.bfloat16)
        return mx.array(v, dtype=NAMES[dtype])


def wide(dtype, v):
    """As float64, complex128 or integers, so that differences are exact."""
    if dtype == "BF16":
        return (v.astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    if v.dtype.kind == "f":
        return v.astype(np.float64)
    if v.dtype.kind == "c":
        return v.astype(np.complex128)
    return v


def of_wheel(x):
    if x.dtype == mx.bfloat16:
        return wide("BF16", np.array(x.view(mx.uint16)))
    return wide("", np.array(x))


def magnitude(dtype, v):
    """Largest finite magnitude of a floating array that sums may have met."""
    v = wide(dtype, v)
    v = np.abs(v[np.isfinite(v)]) if v.dtype.kind in "fc" else np.zeros(0)
    return float(v.max()) if v.size else 0.0


def compare(got, name, want, case, inputs):
    """None, or what is wrong; `inputs` are the largest finite magnitudes of the floating inputs."""
    if got.dtype != NAMES[name]:
        return f"dtype: wheel {got.dtype}, ours {NAMES[name]}"
    if tuple(got.shape) != want.shape:
        return f"shape: wheel {tuple(got.shape)}, ours {want.shape}"
    g, w = of_wheel(got), wide(name, want)
    if g.dtype.kind in "biu":
        off = g != w
    else:
        stem = case["name"].split("/")[0]
        eps, tiny, amount = EPS[got.dtype], TINY[got.dtype], case["amount"]
        if got.dtype == mx.float64 and stem in SINGLE:
            eps, tiny = EPS[mx.float32], TINY[mx.float32]
        if stem in COARSE:
            # Times the amount below: the room is 2^-125.
            tiny = max(tiny, 2.0**-127 if got.dtype == mx.bfloat16 else 2.0**-125 / 64)
            if got.dtype in (mx.float32, mx.float64, mx.complex64):
                amount = max(amount, 32)
        with np.errstate(all="ignore"):
            same = (g == w) | (np.isnan(g) & np.isnan(w))
            finite = np.abs(w)[np.isfinite(w)]
            largest = max([finite.max() if finite.size else 0.0, *(inputs if stem in ("sum", "mean", "var", "std") else ())])
            # The wheel rounds in between where ours does not, and its half types accumulate in themselves: it gets
            # more room than our own kernels.
            kind = "accumulate" if stem == "erf" else case["class"]
            room = {"exact": 0 * np.abs(w),
                    "ulp": np.maximum(eps * np.abs(w), tiny) * max(4.0, 2 * amount),
                    "accumulate": np.maximum(eps * np.maximum(np.abs(w), largest), tiny) * max(64.0, 2 * amount),
                    "within": largest * amount + 0 * np.abs(w)}[kind]
            off = ~same & ~(np.abs(g - w) <= room)
    if not off.any():
        return None
    at = tuple(int(i[0]) for i in np.nonzero(off)) if off.ndim else ()
    return f"{int(off.sum())} of {off.size} elements; at {at} wheel {g[at]!r}, ours {w[at]!r}"


def evaluate(text, scope):
    r = eval(text, {"mx": mx, "np": np, **scope})
    r = list(r) if isinstance(r, (list, tuple)) else [r]
    mx.eval(*r)
    return r


def main():
    if len(sys.argv) == 1:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cargo", "run", "-q", "-p", "mlx-check", "--", "export", folder], check=True,
                           cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
            return compare_all(folder, "")
    return compare_all(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")


def compare_all(folder, only):
    index = json.load(open(os.path.join(folder, "cases.json")))
    data = Tensors(os.path.join(folder, "cases.safetensors"))
    passed, failed, known = 0, 0, {k: [0, 0] for k in KNOWN}

    def entry(case, dtype):
        for (name, d), why in KNOWN.items():
            if d in (None, dtype) and (name == case or (name.endswith("*") and case.startswith(name[:-1]))):
                return (name, d)
        return None

    for i, case in enumerate(index["cases"]):
        if only not in case["name"]:
            continue
        k = entry(case["name"], case["dtype"])
        problem = None
        try:
            xs = {f"x{j}": data.mlx(f"{i}/x{j}") for j in range(case["inputs"])}
            got = evaluate(case["python"], xs)
            if len(got) != case["outputs"]:
                problem = f"{len(got)} results, ours {case['outputs']}"
            else:
                sizes = [magnitude(*data.numpy(f"{i}/x{j}")) for j in range(case["inputs"])]
                for j, g in enumerate(got):
                    if not isinstance(g, mx.array):
                        g = mx.array(g)
                    name, want = data.numpy(f"{i}/y{j}")
                    problem = problem or compare(g, name, want, case, sizes)
        except Exception as e:  # whatever the wheel raises is a difference
            problem = f"wheel raises {type(e).__name__}: {str(e)[:150]}"
        if k:
            known[k][0] += 1
            known[k][1] += problem is not None
        elif problem:
            failed += 1
            print(f"FAILED {case['name']} {case['dtype']} `{case['python'][:120]}`: {problem}")
        else:
            passed += 1

    kinds = {"Value": ValueError, "Index": IndexError, "Type": TypeError, "Runtime": RuntimeError}
    for bad in index["errors"]:
        if not bad["python"] or only not in bad["name"]:
            continue
        try:
            evaluate(bad["python"], {})
            problem = "the wheel accepts it"
        except Exception as e:
            problem = None if type(e) is kinds[bad["kind"]] else f"wheel {type(e).__name__}, ours {bad['kind']}: {str(e)[:120]}"
        k = entry(bad["name"], "error")
        if k:
            known[k][0] += 1
            known[k][1] += problem is not None
        elif problem:
            failed += 1
            print(f"FAILED refusal of {bad['name']} `{bad['python'][:120]}`: {problem}")
        else:
            passed += 1

    for k, (met, needed) in known.items():
        if (met and not needed) or (not met and not only):
            failed += 1
            print(f"FAILED {k} is no longer a deviation: {KNOWN[k]}")
    print(f"{sum(n for _, n in known.values())} known deviations of the wheel")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
