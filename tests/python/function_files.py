#!/usr/bin/env python3
"""Files of exported functions go both ways: what the official package writes is read and computed by ours, and the other way
round.

  function_files.py --ours PYTHON --official PYTHON [--only NAME]

Each line of LINES is exported by either package for its example arguments, imported by the other and called with them; the
results must be those of the exporting package. Closes with 'N passed, N failed'.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

# Name | function | example arguments, over `mx` and the arrays that `scope` makes.
LINES = r"""
abs | mx.abs | f
negative | mx.negative | f
sign | mx.sign | f
floor | mx.floor | f
ceil | mx.ceil | f
round | lambda x: (mx.round(x), mx.round(x, 2)) | f
trunc | mx.trunc | f
roots | lambda x: (mx.square(x), mx.sqrt(x), mx.rsqrt(x + 1), mx.reciprocal(x + 1)) | f
exponentials | lambda x: (mx.exp(x), mx.expm1(x), mx.sigmoid(x), nn.softplus(x)) | f
logarithms | lambda x: (mx.log(x + 1), mx.log2(x + 1), mx.log10(x + 1), mx.log1p(x)) | f
trigonometry | lambda x: (mx.sin(x), mx.cos(x), mx.tan(x), mx.arcsin(x / 2), mx.arccos(x / 2), mx.arctan(x)) | f
hyperbolic | lambda x: (mx.sinh(x), mx.cosh(x), mx.tanh(x), mx.arcsinh(x), mx.arccosh(x + 1), mx.arctanh(x / 2)) | f
erf | lambda x: (mx.erf(x), mx.erfinv(x / 2)) | f
logical | lambda x, y: (mx.logical_not(x), mx.logical_and(x, y), mx.logical_or(x, y), x == y, x != y) | f, g
tests | lambda x: (mx.isnan(x), mx.isinf(x), mx.isfinite(x)) | f
complex | lambda x: (mx.real(x), mx.imag(x), mx.conj(x), mx.abs(x), x * x) | c
degrees | lambda x: (mx.degrees(x), mx.radians(x)) | f
arithmetic | lambda x, y: (x + y, x - y, x * y, x / y, x ** y, x // y, x % y) | f, g
arithmetic of integers | lambda x, y: (x + y, x - y, x * y, x / y, x // y, x % y, x ** 2, -x) | i, i + 1
extremes | lambda x, y: (mx.maximum(x, y), mx.minimum(x, y), mx.clip(x, 0.2, 1.0)) | f, g
angles | lambda x, y: (mx.arctan2(x, y), mx.logaddexp(x, y)) | f, g
comparisons | lambda x, y: (x < y, x <= y, x > y, x >= y) | f, g
bits | lambda x, y: (x & y, x | y, x ^ y, x << y, x >> y) | i, i + 1
complement | lambda x: (mx.bitwise_invert(x), mx.bitwise_invert(x > 3)) | i
divmod | mx.divmod | f, g
equality | lambda x, y: (mx.array_equal(x, y), mx.array_equal(x, x, equal_nan=True), mx.allclose(x, y)) | f, g
where | lambda x: mx.where(x > 0.5, x, 1.0) | f
halves | lambda x: (x.astype(mx.float16) * 2, x.astype(mx.bfloat16) + 1, x.astype(mx.int32)) | f
view | lambda x: (mx.view(x, mx.int16), mx.view(x, mx.uint32)) | f
as_strided | lambda x: (mx.as_strided(x, (2, 2), (1, 3), 1), mx.as_strided(x.T, (4,), (2,), 2)) | f
broadcast | lambda x: mx.broadcast_to(x, (2, 3, 4)) | f
reshape | lambda x: (x.reshape(2, 6), mx.flatten(x), mx.unflatten(x, 1, (2, 2)), mx.expand_dims(x, (0, 2)), mx.squeeze(x[None], 0)) | f
transpose | lambda x: (x.T, mx.swapaxes(x[None], 0, 2), mx.moveaxis(x[None], 2, 0)) | f
slices | lambda x: (x[1:, ::2], x[::-1], x[2:0:-1, ::-2], x[-1], x[..., 1]) | f
set items | lambda x, y: (assigned(x, (slice(1, 2),), 5.0), assigned(x, 1, y[0]), assigned(x, (slice(None, None, -2),), y[:2])) | f, g
updates of boxes | lambda x: (x.at[1:].add(2.0), x.at[1:].multiply(2.0), x.at[:2].maximum(0.5), x.at[:2].minimum(0.5)) | f
dynamic slices | lambda x, s: (mx.slice(x, s, (0,), (1, 4)), mx.slice_update(x, x[:1] * 2, s, (0,))) | f, mx.array([1])
take | lambda x, j: (mx.take(x, j, axis=0), mx.take(x, j), x[j], x[j, j], x[:, j]) | f, j
take_along_axis | lambda x, k: (mx.take_along_axis(x, k, axis=1), mx.take_along_axis(x, k[:1], axis=0)) | f, k
put_along_axis | lambda x, k: (mx.put_along_axis(x, k[:, :1], x[:, :1] * 2, axis=1), mx.put_along_axis(x, k[:1], x[:1] * 2, axis=0)) | f, k
scatter | lambda x, j: (x.at[j].add(1.0), assigned(x, j, 1.0), x.at[j].maximum(1.0), x.at[j].minimum(1.0), x.at[j].multiply(2.0)) | f, j
masks | lambda x, m: (assigned(x, x > 0.5, 1.0), assigned(x, m, x.flatten() * 2)) | f, f > 0.5
concatenate | lambda x, y: (mx.concatenate([x, y], 1), mx.stack([x, y], 1), mx.repeat(x, 2, 0), mx.tile(x, (2, 1)), mx.roll(x, 1, 1)) | f, g
split | lambda x: (*mx.split(x, 2, 1), *mx.split(x, [1, 3], 1)) | f
pad | lambda x: (mx.pad(x, ((1, 0), (0, 2)), constant_values=2.0), mx.pad(x, 1), mx.pad(x, 1, mode='edge')) | f
arange | lambda x: (x + mx.arange(4), x + mx.arange(1.0, 9, 2), x[:, :3] + mx.arange(0.3, 0.0, -0.1), mx.arange(5)) | f
filled | lambda x: (x + mx.full((3, 4), 2.5), x + mx.zeros((3, 4)), x + mx.eye(3, 4), mx.tril(x), mx.triu(x, 1)) | f
reductions | lambda x: (mx.sum(x, 0), mx.sum(x), mx.prod(x, 1), mx.min(x, 0), mx.max(x, 0), mx.all(x, 0), mx.any(x, 1), mx.mean(x, 0), mx.var(x, 0), mx.std(x)) | f
reductions of integers | lambda x: (mx.sum(x, 0), mx.prod(x, 1), mx.min(x), mx.mean(x), mx.sum(x > 3)) | i
positions | lambda x: (mx.argmax(x, 0), mx.argmin(x, 1), mx.argmax(x)) | f
cumulative | lambda x: (mx.cumsum(x, 0, reverse=True, inclusive=False), mx.cumprod(x, 0), mx.cummax(x, 1), mx.cummin(x, 1, reverse=True)) | f
logcumsumexp | lambda x: mx.logcumsumexp(x, 0) | f
sorting | lambda x: (mx.sort(x, 0), mx.argsort(-x, 0), mx.sort(mx.partition(x, 1, 1)[:, :2], 1), mx.partition(x, 1, 1)[:, 1], mx.sort(mx.topk(x, 2), -1)) | f
argpartition | lambda x: mx.sort(mx.take_along_axis(x, mx.argpartition(x, 1, 1), 1)[:, :2], 1) | f
searchsorted | lambda x: (mx.searchsorted(x[0], x), mx.searchsorted(x[0], x, side='right')) | f
softmax | lambda x: (mx.softmax(x, -1), mx.softmax(x, -1, precise=True), mx.softmax(x, 0), mx.logsumexp(x, -1), mx.logsumexp(x, 0)) | f
products | lambda x, y: (x @ y.T, mx.addmm(x[0, :3], x, y.T, 2.0, 0.5), mx.inner(x, y), mx.outer(x, y), mx.einsum('ij,kj->ik', x, y)) | f, g
batched products | lambda x: (x @ mx.swapaxes(x, -1, -2), x @ mx.swapaxes(x[0], -1, -2), x @ x[0, 0].T) | b
fourier | lambda x: (mx.fft.fft(x), mx.fft.rfft(x), mx.fft.fft2(x), mx.fft.rfftn(x, (3, 3), (1, 0)), mx.fft.fft(x, norm='ortho')) | f
fourier back | lambda x: (mx.fft.ifft(x), mx.fft.irfft(x), mx.fft.irfft(x, 5), mx.fft.ifft2(x), mx.fft.irfft2(x)) | c
conv1d | lambda x, y: mx.conv1d(x, y, 2, 1) | r(2, 7, 3), r(4, 3, 3)
conv2d | lambda x, y: mx.conv2d(x, y, (1, 2), (1, 0), (1, 2), 2) | r(1, 5, 6, 4), r(6, 3, 2, 2)
conv_general | lambda x, y: mx.conv_general(x, y, 1, ([2], [1]), 2, 2, flip=True) | r(1, 5, 2), r(3, 2, 2)
conv_transpose | lambda x, y: mx.conv_transpose2d(x, y, (2, 1), (1, 0), 1, (1, 0)) | r(1, 4, 3, 2), r(3, 3, 2, 2)
hadamard | lambda x: (mx.hadamard_transform(x), mx.hadamard_transform(x[:, :12])) | r(3, 16)
contiguous | lambda x: mx.contiguous(x.T) * 2 | f
stop_gradient | lambda x: mx.stop_gradient(x) * 2 | f
depends | lambda x, y: mx.depends([x * 2, y * 2], [y]) | f, g
custom_function | lambda x: mx.custom_function(lambda z: z * 2)(x) | f
checkpoint | lambda x: mx.checkpoint(lambda z: z * 2)(x) | f
keys | lambda q: (mx.random.split(q, 2), mx.random.uniform(shape=(3,), key=q), mx.random.normal((3,), key=q), mx.random.randint(0, 9, (4,), key=q)) | key
draws | lambda x, q: (mx.random.categorical(x, key=q), mx.random.permutation(x, key=q), mx.random.bernoulli(0.3, (5,), q)) | f, key
quantize | lambda w: (*mx.quantize(w, 32, 4), *mx.quantize(w, 64, 8)) | w
dequantize | lambda w: (mx.dequantize(*mx.quantize(w, 32, 4), 32, 4), mx.dequantize(*mx.quantize(w, 64, 8), 64, 8), mx.dequantize(*mx.quantize(w, 32, 2), 32, 2)) | w
dequantize odd bits | lambda w: (mx.dequantize(*mx.quantize(w, 32, 3), 32, 3), mx.dequantize(*mx.quantize(w, 64, 5), 64, 5), mx.dequantize(*mx.quantize(w, 32, 6), 32, 6)) | w
quantized_matmul | lambda w, x: (mx.quantized_matmul(x, *mx.quantize(w, 32, 4), True, 32, 4), mx.quantized_matmul(x, *mx.quantize(w, 64, 8), False, 64, 8)) | w, w[:5]
quantized_matmul mxfp4 | lambda x: mx.quantized_matmul(x, *mxfp4, mode='mxfp4', group_size=32, bits=4) | w[:5]
gather_mm | lambda x, y, j: (mx.gather_mm(x, y, rhs_indices=j), mx.gather_mm(x, y, j, j), mx.gather_mm(x, y, lhs_indices=j)) | r(2, 1, 3), r(2, 3, 2), j
gather_qmm | lambda w, x, j: mx.gather_qmm(x, *mx.quantize(w, 32, 4), rhs_indices=j, group_size=32, bits=4) | r(2, 32, 64), r(2, 1, 64), j
gather_qmm mxfp4 | lambda x, j: mx.gather_qmm(x, *(a[None] for a in mxfp4), rhs_indices=j * 0, mode='mxfp4', group_size=32, bits=4) | r(2, 1, 64), j
block_masked_mm | lambda x, m: (mx.block_masked_mm(x, x, 32, m), mx.block_masked_mm(x, x, 32, None, m, m), mx.block_masked_mm(x, x, 32, m, m, m)) | w, mx.array([[1.0, 0.0], [0.5, 1.0]])
segmented_mm | lambda x, s: mx.segmented_mm(x, x, s) | w, mx.array([[0, 3], [2, 64]], dtype=mx.uint32)
rms_norm | lambda x: (mx.fast.rms_norm(x, x[0], 1e-5), mx.fast.rms_norm(x, None, 1e-5)) | f
layer_norm | lambda x: (mx.fast.layer_norm(x, x[0], x[1], 1e-5), mx.fast.layer_norm(x, None, None, 1e-5)) | f
rope | lambda x: (mx.fast.rope(x, 4, traditional=False, base=1e4, scale=1.0, offset=3), mx.fast.rope(x, 8, traditional=True, base=1e4, scale=0.5, offset=0)) | r(1, 2, 3, 8)
rope with frequencies | lambda x, q: mx.fast.rope(x, 4, traditional=True, base=None, scale=1.0, offset=3, freqs=q) | r(1, 2, 3, 8), mx.array([1.0, 10.0])
attention | lambda x, m: (mx.fast.scaled_dot_product_attention(x, x, x, scale=0.3, mask='causal'), mx.fast.scaled_dot_product_attention(x, x[:, :1], x[:, :1], scale=0.3, mask=m)) | r(1, 2, 3, 8), r(3, 3)
qr | lambda x: (lambda q, r: (mx.abs(q), mx.abs(r)))(*mx.linalg.qr(x, stream=mx.cpu)) | sq
svd | lambda x: (mx.linalg.svd(x, stream=mx.cpu)[1], mx.linalg.svd(x, False, stream=mx.cpu)) | sq
inverse | lambda x: (mx.linalg.inv(x, stream=mx.cpu), mx.linalg.tri_inv(mx.triu(x), True, stream=mx.cpu), mx.linalg.pinv(x, stream=mx.cpu)) | sq
cholesky | lambda x: (mx.linalg.cholesky(x, stream=mx.cpu), mx.linalg.cholesky(x, True, stream=mx.cpu)) | sq
eigh | lambda x: (lambda w, v: (w, (v * w) @ v.T))(*mx.linalg.eigh(x, stream=mx.cpu)) | sq
eigvalsh | lambda x: (mx.linalg.eigvalsh(x, stream=mx.cpu), mx.linalg.eigvalsh(x, 'U', stream=mx.cpu)) | sq
eig | lambda x: (lambda w, v: x @ v - v * w)(*mx.linalg.eig(x, stream=mx.cpu)) | sq
solve | lambda x: mx.linalg.solve(x, x[0], stream=mx.cpu) | sq
fp8 | lambda x: mx.from_fp8(mx.to_fp8(x), mx.float32) | f
halves in functions | lambda x: (mx.softmax(x, -1), x @ x.T, mx.fast.rms_norm(x, x[0], 1e-5), mx.sum(x, 0), mx.mean(x), mx.cumsum(x, 1), mx.where(x > 0.5, x, 1)) | f.astype(mx.float16)
brain floats in functions | lambda x: (mx.softmax(x, -1), x @ x.T, mx.fast.layer_norm(x, x[0], None, 1e-5), mx.sum(x, 0), mx.max(x, 1), x[1:, ::2] * 2.5) | f.astype(mx.bfloat16)
small integers | lambda x, y: (mx.sum(x, 0), mx.prod(x, 1), x + 200, x // 3, x >> 1, mx.mean(y), mx.sort(-y, 1), mx.argmax(y, 0), y ** 2, mx.abs(y)) | i.astype(mx.uint8), i.astype(mx.int8)
wide integers | lambda x, y: (x * 3, x - y.astype(mx.int64), mx.sum(x), x / 2, x % 3, mx.sqrt(x), mx.minimum(x, 4)) | i.astype(mx.int64), i.astype(mx.uint64)
bools | lambda x: (mx.sum(x, 0), mx.any(x), mx.all(x, 1), x + x, x * 2.5, mx.where(x, 1, 0), mx.argmax(x, 0), x & (x == False), mx.cumsum(x, 0)) | f > 0.5
keys of a batch | mx.vmap(lambda q: mx.random.uniform(shape=(3,), key=q)) | mx.random.split(key, 4)
one-dimensional | lambda x: (x[2], x[-3:], mx.sort(x), x.sum(), mx.softmax(x), mx.cumsum(x), x @ x, mx.outer(x, x), mx.expand_dims(x, 1) * x) | f[0]
nothing in arrays | lambda x: (mx.sum(x[:0], 0), mx.concatenate([x[:0], x]), x[:0] + 1, mx.zeros((0, 3))) | f
scalars | lambda x, y: (x * y, mx.broadcast_to(x, (2, 2)), x.reshape(1, 1), mx.stack([x, y]), mx.maximum(x, 3)) | f[1, 1], f[2, 3]
einsum | lambda x, y: (mx.einsum('ij,kj->ki', x, y), mx.tensordot(x, y.T, 1), mx.kron(x[:2, :2], y[:2, :2]), mx.trace(x), mx.diag(x), mx.diagonal(x, 1)) | f, g
layout | lambda x: (mx.repeat(x, 3, 1), mx.tile(x, 2), mx.flip(x, 1) if hasattr(mx, 'flip') else x, mx.meshgrid(x[0], x[1])[0], mx.roll(x, (1, 2), (0, 1)), mx.atleast_3d(x)) | f
statistics | lambda x: (mx.median(x, 1), mx.var(x, 0, ddof=1), mx.std(x, 1), mx.logaddexp(x, x.T[:3, :1]), mx.linalg.norm(x), mx.linalg.norm(x, axis=1)) | f
losses | lambda x, j: (nn.losses.cross_entropy(x, j), nn.losses.mse_loss(x, x * 2), nn.losses.smooth_l1_loss(x, x + 2)) | f, k[0][:3]
quantized layer | lambda x: nn.QuantizedLinear.from_linear(linear, 32, 4)(x) | r(3, 64)
self-attention | lambda x: attention(x, x, x, mask=nn.MultiHeadAttention.create_additive_causal_mask(5)) | r(2, 5, 8)
recurrent | lambda x: rnn(x) | r(2, 5, 8)
gradient | mx.grad(lambda x: (mx.softmax(x) * mx.sin(x)).sum()) | f
gradient of norms | mx.grad(lambda x: (mx.fast.rms_norm(x, x[0], 1e-5) * mx.fast.layer_norm(x, None, None, 1e-5)).sum()) | f
gradient of convolutions | mx.grad(lambda x, y: mx.conv2d(x, y, 1, 1).square().sum(), argnums=(0, 1)) | r(1, 4, 4, 2), r(3, 3, 3, 2)
batches | mx.vmap(lambda x, y: mx.cumsum(x * y) / y.sum()) | f, g
compiled | mx.compile(lambda x: mx.exp(x) * 2 + mx.tanh(x)) | f
layers | model | r(2, 5, 8)
nothing given | lambda: (mx.arange(3), mx.ones(2)) |
given back | lambda x, y: (y, x, x + mx.array([1.0, 2, 3, 4])) | f, g
"""



def several(mx, path):
    """Calls of one function with other arguments each, by position and by name."""
    w = mx.array([2.0, 3.0])
    with mx.exporter(path, lambda *a, **k: sum(a) * w + sum(v * len(n) for n, v in k.items()), metadata="text") as e:
        e(mx.ones(2))
        e(mx.ones(2), mx.ones(2))
        e(mx.ones(2), b=mx.ones(2), ccc=mx.ones(2))
        e(mx.ones((3, 2)))


def call_several(mx, f):
    x, y = mx.array([1.0, 2.0]), mx.array([5.0, 7.0])
    return f(x), f(x, y), f(x, b=y, ccc=x), f((x,), {"b": y, "ccc": y}), f(mx.ones((3, 2)) * 2)


def sizes(mx, path):
    """Sizes that may vary."""
    def f(x, y):
        z = mx.exp(x) * y + 1
        return (z, mx.sum(z, axis=1), mx.softmax(x, -1), z - mx.mean(z, axis=0), mx.mean(x), mx.var(x, axis=1, ddof=1),
                mx.max(x) - x @ x.T)

    mx.export_function(path, f, mx.ones((3, 4)), mx.ones(4), shapeless=True)


def call_sizes(mx, f):
    x = mx.sin(mx.arange(10, dtype=mx.float32)).reshape(2, 5)
    return f(x, x[0]), f(mx.ones((3, 4)), mx.ones(4))


def own_sizes(mx, path):
    """Sizes that may vary, but for what was sliced."""
    mx.export_function(path, lambda x: mx.exp(x[:, 1:3]) * 2, mx.ones((3, 4)), shapeless=True)


def layers(mx, path):
    """A network for any number of rows. (The official package reads past its memory with addmm here.)"""
    w, b = mx.sin(mx.arange(12, dtype=mx.float32)).reshape(3, 4), mx.array([0.5, -1.0, 2.0])
    mx.export_function(path, lambda x: mx.softmax(mx.maximum(x @ w.T + b, 0) @ w, -1)[..., None].squeeze(-1),
                       mx.ones((2, 4)), shapeless=True)


def call_layers(mx, f):
    return f(mx.sin(mx.arange(28, dtype=mx.float32)).reshape(7, 4))


# Name: how a file is made, how its function is called.
PROGRAMS = {
    "several functions": (several, call_several), "sizes that vary": (sizes, call_sizes), "layers for any size": (layers, call_layers),
    "sizes of its own": (own_sizes, lambda mx, f: f(mx.ones((3, 4)))),
}

# What the official package does not write, by the primitive that it names.
OFFICIAL_REFUSES = {
    "complement": "BitwiseInvert", "logcumsumexp": "CumLogAddExp", "contiguous": "Contiguous", "checkpoint": "CustomTransforms",
    "segmented_mm": "SegmentedMM", "solve": "LUF", "fp8": "ToFP8", "sizes of its own": "Slice",
}
# What ours writes in its own format, since the official one has no such step.
OWN = {"logcumsumexp", "solve", "sizes of its own"}


def scope(mx):
    import mlx.nn as nn
    import mlx.utils

    def r(*shape):
        n = 1
        for d in shape:
            n *= d
        return mx.sin(mx.arange(n, dtype=mx.float32) * 12.9898).reshape(shape)

    def assigned(x, at, value):
        x = mx.array(x)
        x[at] = value
        return x

    f = mx.arange(12, dtype=mx.float32).reshape(3, 4) / 7
    i = mx.arange(12).reshape(3, 4)
    model = nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.LayerNorm(16), nn.Linear(16, 4, bias=False), nn.RMSNorm(4))
    for k, layer in enumerate(model.layers):
        layer.update({n: r(*p.shape) / (k + 1) for n, p in layer.parameters().items()})
    w = r(64, 64)
    linear, attention, rnn = nn.Linear(64, 32), nn.MultiHeadAttention(8, 2), nn.GRU(8, 4)
    for layer in (linear, attention, rnn):
        layer.update(mlx.utils.tree_map(lambda p: r(*p.shape) / 2, layer.parameters()))
    names = dict(
        mx=mx, nn=nn, r=r, assigned=assigned, f=f, g=mx.sin(f * 3) + 1.25, i=i, c=(f + 1j * f[::-1]).astype(mx.complex64),
        j=mx.array([1, 0]), k=i % 3, b=r(2, 2, 3, 4), w=w, key=mx.random.key(3), model=model,
        linear=linear, attention=attention, rnn=rnn,
        sq=mx.array([[4.0, 1, 0], [1, 3, 1], [0, 1, 5]]), mxfp4=mx.quantize(w, mode="mxfp4"),
    )
    mx.eval([a for a in names.values() if isinstance(a, mx.array)])
    return names


def rows(only):
    for line in filter(None, LINES.splitlines()):
        name, rest = line.split(" | ", 1)
        function, args = f"{rest} ".rsplit(" | ", 1)
        if only is None or only == name:
            yield name, function, args.strip()
    for name in PROGRAMS:
        if only is None or only == name:
            yield name, None, None


def arrays(out):
    import mlx.core as mx

    return [out] if isinstance(out, mx.array) else [a for part in out for a in arrays(part)]


def lists(out):
    """Values as lists, with shape and dtype; complex numbers as pairs."""
    import mlx.core as mx

    def plain(a):
        if a.dtype == mx.complex64:
            a = mx.stack([mx.real(a), mx.imag(a)])
        return a.astype(mx.float32).flatten().tolist() if a.dtype != mx.uint32 else a.flatten().tolist()

    return [[list(a.shape), str(a.dtype).removeprefix("mlx.core."), plain(a)] for a in arrays(out)]


def export(folder, only):
    """Files of all lines and what they should give."""
    import mlx.core as mx

    mx.set_default_device(mx.cpu)
    names = scope(mx)
    for n, (name, function, args) in enumerate(rows(only)):
        path = folder / f"{n}.mlxfn"
        try:
            if name in PROGRAMS:
                write, call = PROGRAMS[name]
                write(mx, str(path))
                values = call(mx, mx.import_function(str(path)))
            else:
                f, given = eval(function, names), eval(f"({args},)" if args else "()", names)
                mx.export_function(str(path), lambda *a: tuple(arrays(f(*a))), *given)
                values = f(*given)
            said = {"values": lists(values), "official": path.read_bytes()[8:].startswith(b"0.")}
        except Exception as e:
            path.unlink(missing_ok=True)
            said = {"error": f"{type(e).__name__}: {e}"}
        (folder / f"{n}.json").write_text(json.dumps(said))


def imported(folder, only):
    """What the files give."""
    import mlx.core as mx

    mx.set_default_device(mx.cpu)
    names = scope(mx)
    for n, (name, _, args) in enumerate(rows(only)):
        path = folder / f"{n}.mlxfn"
        if not path.exists():
            continue
        try:
            f = mx.import_function(str(path))
            values = PROGRAMS[name][1](mx, f) if name in PROGRAMS else f(*eval(f"({args},)" if args else "()", names))
            said = {"values": lists(values)}
        except Exception as e:
            said = {"error": f"{type(e).__name__}: {e}"}
        (folder / f"{n}.out.json").write_text(json.dumps(said))


# Distance that is allowed, of the largest value.
NEAR = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 2e-5, "complex64": 2e-5}


def differs(a, b):
    if [x[:2] for x in a] != [x[:2] for x in b]:
        return f"{[x[:2] for x in a]} and {[x[:2] for x in b]}"
    for (shape, dtype, x), (_, _, y) in zip(a, b):
        near = NEAR.get(dtype, 0.0) * max([1.0, *(abs(v) for v in x if v == v and abs(v) != float("inf"))])
        for v, u in zip(x, y):
            if not (v == u or v != v and u != u or abs(v - u) <= near):
                return f"{v} and {u} in {shape} {dtype}"
    return None


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--ours")
    p.add_argument("--official")
    p.add_argument("--only")
    p.add_argument("--do", choices=["export", "import"], help=argparse.SUPPRESS)
    p.add_argument("--folder", type=pathlib.Path, help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.do:
        (export if a.do == "export" else imported)(a.folder, a.only)
        return 0
    passed, failed, both = 0, [], []
    with tempfile.TemporaryDirectory() as tmp:
        for title, writes, reads in (("ours", a.ours, a.official), ("official", a.official, a.ours)):
            folder = pathlib.Path(tmp, title)
            folder.mkdir()
            for python, do in ((writes, "export"), (reads, "import")):
                command = [python, __file__, "--do", do, "--folder", str(folder)]
                subprocess.run(command + (["--only", a.only] if a.only else []), check=True)
            for n, (name, _, _) in enumerate(rows(a.only)):
                wrote = json.loads((folder / f"{n}.json").read_text())
                read = folder / f"{n}.out.json"
                got = json.loads(read.read_text()) if read.exists() else {}
                refused = OFFICIAL_REFUSES.get(name) if title == "official" else None
                own = title == "ours" and name in OWN
                if refused:
                    why = None if refused in wrote.get("error", "") else f"should be refused for {refused}: {wrote}"
                elif "error" in wrote:
                    why = f"not exported: {wrote['error']}"
                elif wrote["official"] == own:
                    why = f"the file is {'not ' if own else ''}in the format of ours"
                elif own:
                    why = None if "error" in got else "read by the official package"
                elif "error" in got:
                    why = f"not imported: {got['error']}"
                else:
                    why = differs(wrote["values"], got["values"])
                if why:
                    failed.append(f"FAILED {name}, written by {title}: {why}")
                else:
                    passed += 1
            both.append({name: json.loads((folder / f"{n}.json").read_text()) for n, (name, _, _) in enumerate(rows(a.only))})
    for name in PROGRAMS:
        ours, official = (said.get(name) for said in both)
        if ours and "values" in ours and "values" in official:
            why = differs(official["values"], ours["values"])
            if why:
                failed.append(f"FAILED {name}, read by those who wrote it: {why}")
            else:
                passed += 1
    print(*failed, f"function files: {passed} passed, {len(failed)} failed", sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
