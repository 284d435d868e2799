#!/usr/bin/env python3
"""Times operations of whatever package is importable as `mlx.core`: rows for benches/ops_vs_official.py.

Prints lines `op<TAB>shape<TAB>median_ms<TAB>min_ms<TAB>runs`. `--only TEXT,TEXT` takes the operations whose name holds one of
the texts. Each run evaluates what it made, so building the graph and finding memory are in the figure.
"""

import argparse
import statistics
import time

import mlx.core as mx

ap = argparse.ArgumentParser()
ap.add_argument("--only", default="")
ap.add_argument("--min-time", type=float, default=0.3)
A = ap.parse_args()
F32, F16, BF16 = mx.float32, mx.float16, mx.bfloat16


def row(op, shape, make, *inputs):
    if A.only and not any(part in op for part in A.only.split(",")):
        return
    xs = [i() if callable(i) else i for i in inputs]
    mx.eval(*xs)
    f = make(*xs)

    def run():
        r = f()
        mx.eval(*r) if isinstance(r, (list, tuple)) else mx.eval(r)

    times, start = [], time.perf_counter()
    run()
    while len(times) < 5 or time.perf_counter() - start < A.min_time:
        t = time.perf_counter()
        run()
        times.append(time.perf_counter() - t)
        if time.perf_counter() - start > 10:
            break
    print(f"{op}\t{shape}\t{statistics.median(times) * 1e3:.5f}\t{min(times) * 1e3:.5f}\t{len(times)}", flush=True)
    mx.clear_cache()


def normal(*shape, dtype=F32):
    return lambda: mx.random.normal(shape).astype(dtype)


def whole(high, *shape):
    return lambda: mx.random.randint(0, high, shape)


def chain(x):
    """Ten cheap functions."""
    y = mx.abs(x * 2.0 + 1.0) - 0.5
    return mx.minimum(mx.maximum(y, 0.1), 3.0) * y * 0.25 + x


N = 1 << 24
for name, dtype in (("f32", F32), ("f16", F16), ("bf16", BF16)):
    wide = normal(N, dtype=dtype)
    row(f"compiled_chain10_{name}", "16M", lambda x: (lambda g: lambda: g(x))(mx.compile(chain)), wide)
    row(f"chain10_{name}", "16M", lambda x: lambda: chain(x), wide)
    row(f"add_{name}", "16M", lambda x, y: lambda: x + y, wide, wide)
    row(f"exp_{name}", "16M", lambda x: lambda: mx.exp(x), wide)
    row(f"sigmoid_{name}", "16M", lambda x: lambda: mx.sigmoid(x), wide)
    row(f"greater_{name}", "16M", lambda x, y: lambda: x > y, wide, wide)
    square = normal(4096, 4096, dtype=dtype)
    row(f"softmax_{name}", "4096x4096", lambda x: lambda: mx.softmax(x, axis=-1), square)
    row(f"rms_norm_{name}", "4096x4096", lambda x, w: lambda: mx.fast.rms_norm(x, w, 1e-5), square, normal(4096, dtype=dtype))
    row(f"sum_{name}", "4096x4096 axis 1", lambda x: lambda: x.sum(axis=1), square)
    cube = normal(256, 256, 256, dtype=dtype)
    row(f"sum_{name}", "256x256x256 axis 1", lambda x: lambda: x.sum(axis=1), cube)
    row(f"max_{name}", "256x256x256 axis 1", lambda x: lambda: x.max(axis=1), cube)
    row(f"max_{name}", "4096x4096 axis 0", lambda x: lambda: x.max(axis=0), square)
    row(f"contiguous_{name}", "256x256x256 (2,1,0)", lambda x: lambda: mx.contiguous(x.transpose(2, 1, 0)), cube)
    row(f"contiguous_{name}", "256x256x256 (1,0,2)", lambda x: lambda: mx.contiguous(x.transpose(1, 0, 2)), cube)
    for m, k, n in ((64, 64, 64), (16, 1024, 1024), (512, 512, 512), (128, 4096, 128)):
        two = normal(m, k, dtype=dtype), normal(k, n, dtype=dtype)
        row(f"matmul_{name}", f"{m}x{k}x{n}", lambda a, b: lambda: a @ b, *two)
    row(f"bmm_{name}", "256x32x64x32", lambda a, b: lambda: a @ b, normal(256, 32, 64, dtype=dtype), normal(256, 64, 32, dtype=dtype))
    row(f"conv2d_{name}", "N4 32x32x64->64 k3", lambda x, w: lambda: mx.conv2d(x, w, padding=1),
        normal(4, 32, 32, 64, dtype=dtype), normal(64, 3, 3, 64, dtype=dtype))

row("softmax_f32", "4096x4096 axis 0", lambda x: lambda: mx.softmax(x, axis=0), normal(4096, 4096))
row("var_f32", "4096x4096 axis 1", lambda x: lambda: mx.var(x, axis=1), normal(4096, 4096))
row("argmax_f32", "256x256x256 axis 1", lambda x: lambda: mx.argmax(x, axis=1), normal(256, 256, 256))
row("any_bool", "4096x4096 axis 1", lambda x: lambda: mx.any(x, axis=1), lambda: mx.random.normal((4096, 4096)) > 3)
row("sum_i32", "4096x4096", lambda x: lambda: x.sum(), whole(100, 4096, 4096))
row("add_i32", "16M", lambda x, y: lambda: x + y, whole(100, N), whole(100, N))
row("cumsum_f32", "4096x4096 axis 0", lambda x: lambda: mx.cumsum(x, axis=0), normal(4096, 4096))
row("cumsum_f32", "16M", lambda x: lambda: mx.cumsum(x), normal(N))
row("sort_i32", "1M", lambda x: lambda: mx.sort(x), whole(1 << 30, 1 << 20))
row("argsort_f32", "1M", lambda x: lambda: mx.argsort(x), normal(1 << 20))
row("sort_f32", "4096x256", lambda x: lambda: mx.sort(x, axis=1), normal(4096, 256))
row("sort_f32", "1024x1024 axis 0", lambda x: lambda: mx.sort(x, axis=0), normal(1024, 1024))
row("topk_f32", "64x32000 k=50", lambda x: lambda: mx.topk(x, 50), normal(64, 32000))
row("take_along_axis_f32", "4096x1024 axis 1", lambda x, i: lambda: mx.take_along_axis(x, i, 1), normal(4096, 1024),
    whole(1024, 4096, 1024))
row("take_rows_f16", "32000x512[4096]", lambda x, i: lambda: x[i], normal(32000, 512, dtype=F16), whole(32000, 4096))
row("concatenate_f32", "2x 8M", lambda x, y: lambda: mx.concatenate([x, y]), normal(1 << 23), normal(1 << 23))
row("conv1d_f32", "N8 4096x64->64 k5", lambda x, w: lambda: mx.conv1d(x, w, padding=2), normal(8, 4096, 64), normal(64, 5, 64))
row("conv3d_f32", "N1 16x32x32x16->32 k3", lambda x, w: lambda: mx.conv3d(x, w, padding=1), normal(1, 16, 32, 32, 16),
    normal(32, 3, 3, 3, 16))
row("conv_transpose2d_f32", "N1 28x28x64->64 k3s2", lambda x, w: lambda: mx.conv_transpose2d(x, w, stride=2, padding=1),
    normal(1, 28, 28, 64), normal(64, 3, 3, 64))
row("conv2d_groups_f32", "N1 28x28x128->128 k3 g4", lambda x, w: lambda: mx.conv2d(x, w, padding=1, groups=4),
    normal(1, 28, 28, 128), normal(128, 3, 3, 32))
row("conv2d_gradient_f32", "N1 28x28x64->64 k3", lambda x, w: (lambda g: lambda: g(x, w))(
    mx.grad(lambda x, w: mx.conv2d(x, w, padding=1).square().sum(), argnums=(0, 1))), normal(1, 28, 28, 64), normal(64, 3, 3, 64))
row("layer_norm_gradient_f32", "1024x1024", lambda x, w, b: (lambda g: lambda: g(x, w, b))(
    mx.grad(lambda x, w, b: mx.fast.layer_norm(x, w, b, 1e-5).square().sum(), argnums=(0, 1, 2))), normal(1024, 1024), normal(1024),
    normal(1024))
row("tiny_ops", "softmax 4x4", lambda x: lambda: mx.softmax(x, axis=-1), normal(4, 4))
row("tiny_ops", "4x4 @ 4x4", lambda x: lambda: x @ x, normal(4, 4))
row("tiny_ops", "sum 8", lambda x: lambda: x.sum(), normal(8))
row("rfft_f32", "64x4096", lambda x: lambda: mx.fft.rfft(x), normal(64, 4096))
row("fft2_c64", "512x512", lambda x: lambda: mx.fft.fft2(x), normal(512, 512))
row("random_uniform_f32", "16M", lambda: lambda: mx.random.uniform(shape=(N,)))
row("arange_f32", "16M", lambda: lambda: mx.arange(N, dtype=F32))
