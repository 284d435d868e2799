"""Runs cases with whatever package is importable as mlx.core and writes one JSON line a case: its outcome.

    python worker.py NAMES.json [gpu] > OUTCOMES

The input is a list of expressions; with `gpu` that is the default device of each. Values, exceptions and shapes come back in a form that another interpreter can
compare (see compare.py).
"""

import base64
import copy
import io
import json
import math
import os
import pickle
import re
import sys
import tempfile

import numpy as np

import mlx.core as mx


def data(dtype=mx.float32, *shape, seed=0, low=-2.0, high=2.0):
    """The same numbers in every environment: exact in all dtypes."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.uniform(low, high, shape or (2, 3)) * 8) / 8
    if dtype == mx.complex64:
        return mx.array((x + 1j * x[::-1]).astype(np.complex64))
    if dtype in (mx.uint8, mx.uint16, mx.uint32, mx.uint64):
        x = np.abs(x)
    return mx.array(x.astype(np.float32)).astype(dtype)


def described(x):
    """An outcome as plain data."""
    if isinstance(x, mx.array):
        a = x.astype(mx.float32) if x.dtype in (mx.float16, mx.bfloat16) else x
        wide = np.array(a.astype(mx.int64) if a.dtype == mx.bool_ else a)
        kind = "f" if wide.dtype.kind in "fc" else "i"
        wide = wide.astype(np.complex128 if wide.dtype.kind == "c" else np.float64 if kind == "f" else wide.dtype)
        return {
            "array": str(x.dtype),
            "shape": list(x.shape),
            "kind": wide.dtype.str,
            "values": base64.b64encode(np.ascontiguousarray(wide).tobytes()).decode(),
        }
    if isinstance(x, np.ndarray):
        return {"numpy": str(x.dtype), "shape": list(x.shape), "repr": repr(x)}
    if isinstance(x, bool) or x is None:
        return {"value": repr(x)}
    if isinstance(x, float):
        return {"float": "nan" if math.isnan(x) else x if math.isfinite(x) else repr(x)}
    if isinstance(x, (int, str, bytes, complex)):
        return {"value": repr(x)}
    if isinstance(x, dict):
        return {"dict": [[repr(k), described(v)] for k, v in x.items()]}
    if isinstance(x, (list, tuple)):
        return {type(x).__name__: [described(v) for v in x]}
    return {"object": re.sub(r"0x[0-9a-f]+", "0x", repr(x)).replace("nb_", ""), "type": type(x).__name__}


def outcome(expression, names):
    try:
        return described(eval(expression, names))
    except BaseException as e:  # also what a panic or an internal error raises
        return {"raises": type(e).__name__, "message": str(e)[:300]}


def namespace():
    import mlx.nn as nn
    import mlx.optimizers as optim
    import mlx.utils as utils

    import programs

    tmp = tempfile.mkdtemp()
    return {
        "mx": mx, "np": np, "nn": nn, "optim": optim, "utils": utils, "data": data, "copy": copy, "pickle": pickle,
        "io": io, "tmp": tmp, "os": os, "P": programs, "math": math,
        "f32": mx.float32, "f16": mx.float16, "bf16": mx.bfloat16, "i32": mx.int32, "u8": mx.uint8, "c64": mx.complex64,
        "x": data(mx.float32, 3, 4), "y": data(mx.float32, 3, 4, seed=1), "v": mx.array([1.0, 2.0, 3.0]),
        "m": mx.arange(6.0).reshape(2, 3), "n": mx.arange(12).reshape(3, 4), "t": mx.arange(24).reshape(2, 3, 4),
        "s": mx.array(2.0),
    }


def main():
    cases = json.load(open(sys.argv[1]))
    gpu = sys.argv[2:] == ["gpu"]
    if gpu:
        mx.set_default_device(mx.gpu)
    names = namespace()
    for c in cases:
        if gpu:
            mx.set_default_device(mx.gpu)
        print(json.dumps(outcome(c, dict(names))), flush=True)


if __name__ == "__main__":
    main()
