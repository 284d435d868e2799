#!/usr/bin/env python3
"""Takes golden vectors and the promotion table from the official wheel: pip install mlx==0.32.4 mlx-cpu==0.32.4.

    take.py DIR     writes DIR/vectors.tsv and DIR/promotion.tsv

A row of vectors.tsv is: name, dtype, shape (sizes joined by commas), little-endian bytes in hex.
"""
import os
import sys

import numpy as np
import mlx.core as mx

mx.set_default_device(mx.cpu)
DTYPES = [mx.bool_, mx.uint8, mx.uint16, mx.uint32, mx.uint64, mx.int8, mx.int16, mx.int32, mx.int64, mx.float16,
          mx.bfloat16, mx.float32, mx.float64, mx.complex64]


def name(d):
    return str(d).split(".")[-1]


def row(out, what, x):
    bits = x.view(mx.uint16) if x.dtype == mx.bfloat16 else x
    out.write(f"{what}\t{name(x.dtype)}\t{','.join(map(str, x.shape))}\t{np.array(bits).tobytes().hex()}\n")


def vectors(out):
    logits = mx.sin(mx.arange(48) * 1.7).reshape(3, 16)
    row(out, "logits", logits)
    for seed in (0, 42, (1 << 40) + 7):
        k = mx.random.key(seed)
        draw = mx.random
        for what, x in {
            "key": k, "split_2": draw.split(k), "split_3": draw.split(k, 3),
            "uniform_5": draw.uniform(shape=(5,), key=k), "uniform_8": draw.uniform(shape=(8,), key=k),
            "uniform_float16": draw.uniform(shape=(8,), dtype=mx.float16, key=k),
            "uniform_bfloat16": draw.uniform(shape=(8,), dtype=mx.bfloat16, key=k),
            "uniform_range": draw.uniform(-3.0, 5.0, (8,), key=k),
            "normal": draw.normal((33,), key=k), "normal_float16": draw.normal((33,), mx.float16, key=k),
            "normal_bfloat16": draw.normal((33,), mx.bfloat16, key=k),
            "normal_complex64": draw.normal((9,), mx.complex64, key=k),
            "randint": draw.randint(-10, 10, (33,), key=k), "bernoulli": draw.bernoulli(0.3, (33,), key=k),
            "gumbel": draw.gumbel((33,), key=k), "laplace": draw.laplace((33,), key=k),
            "truncated_normal": draw.truncated_normal(-1.0, 2.0, (33,), key=k),
            "permutation": draw.permutation(33, key=k),
            "categorical_scalar": draw.categorical(logits[0], key=k),
            "categorical_one": draw.categorical(logits[:1], num_samples=8, key=k),
            "categorical_rows": draw.categorical(logits, key=k),
            "categorical_samples": draw.categorical(logits, num_samples=5, key=k),
        }.items():
            row(out, f"random/{seed}/{what}", x)
        # Without keys: a sequence of draws from a seeded state.
        draw.seed(seed)
        for i in range(3):
            row(out, f"random/{seed}/sequence_{i}", draw.uniform(shape=(4,)))
    w = mx.random.normal((2, 128), key=mx.random.key(5))
    row(out, "quantize/input", w)
    for d in (mx.float32, mx.float16, mx.bfloat16):
        for bits in (1, 2, 3, 4, 5, 6, 8):
            for group in (32, 64, 128):
                parts = mx.quantize(w.astype(d), group, bits)
                for part, x in zip(("codes", "scales", "biases"), parts):
                    row(out, f"quantize/{name(d)}/{bits}/{group}/{part}", x)
                row(out, f"quantize/{name(d)}/{bits}/{group}/back", mx.dequantize(*parts, group, bits))


def promotion(out):
    one = {name(d): mx.ones((2,), d) for d in DTYPES}
    more = {"py_bool": lambda x: x + True, "py_int": lambda x: x + 1, "py_float": lambda x: x + 1.0,
            "py_complex": lambda x: x + 1j, "div_self": lambda x: x / x, "sum": mx.sum, "prod": mx.prod,
            "mean": mx.mean, "sqrt": mx.sqrt, "argmax": mx.argmax, "cumsum": mx.cumsum, "cumprod": mx.cumprod}
    out.write("\t".join(["dtype", *one, *more]) + "\n")
    for d, x in one.items():
        cells = [name((x + y).dtype) for y in one.values()] + [name(f(x).dtype) for f in more.values()]
        out.write("\t".join([d, *cells]) + "\n")


def main():
    folder = sys.argv[1]
    with open(os.path.join(folder, "vectors.tsv"), "w") as out:
        vectors(out)
    with open(os.path.join(folder, "promotion.tsv"), "w") as out:
        promotion(out)


if __name__ == "__main__":
    main()
