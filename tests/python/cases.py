"""The list of cases: Python expressions, compared between two environments. Names are those of worker.namespace()."""

ALL = "bool_ uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 bfloat16 complex64".split()
SOME = "bool_ uint8 int32 float16 float32 bfloat16 complex64".split()

UNARY = (
    "abs negative sign floor ceil trunc square sqrt rsqrt reciprocal exp expm1 log log2 log10 log1p sin cos tan arcsin"
    " arccos arctan sinh cosh tanh arcsinh arccosh arctanh erf erfinv sigmoid degrees radians real imag conjugate"
    " logical_not bitwise_invert isnan isinf isposinf isneginf isfinite nan_to_num stop_gradient positive round"
).split()
ALIASES = "acos asin atan acosh asinh atanh conj".split()
BINARY = (
    "add subtract multiply divide floor_divide remainder power maximum minimum arctan2 logaddexp equal not_equal less"
    " less_equal greater greater_equal logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor left_shift"
    " right_shift divmod"
).split()
REDUCE = "all any sum prod min max mean median var std logsumexp minmax count_nonzero argmin argmax".split()
SCAN = "cumsum cumprod cummax cummin logcumsumexp".split()
OPERATORS = "+ - * / // % ** == != < <= > >= & | ^ << >>".split()


def expressions():
    out = []
    for f in UNARY:
        out += [f"mx.{f}(data(mx.{d}, 2, 5))" for d in ALL]
        out.append(f"mx.{f}(mx.zeros((0, 2)))")
    out += [f"mx.{f}(data(f32, 5, low=0.1, high=0.9))" for f in UNARY + ALIASES]
    out += [f"mx.{f}(data(f32, 5, low=1.0, high=3.0))" for f in ("arccosh", "log", "sqrt", "rsqrt", "acosh")]
    out += ["mx.atan2(x, y)", "mx.pow(x, 2)", "mx.bitwise_left_shift(n, 1)", "mx.bitwise_right_shift(n, 1)"]
    for f in BINARY:
        out += [f"mx.{f}(data(mx.{d}, 2, 3), data(mx.{d}, 2, 3, seed=1))" for d in SOME]
        out += [f"mx.{f}(n, 2)", f"mx.{f}(x, 2.5)", f"mx.{f}(n, mx.array([1, 2, 3, 4]))", f"mx.{f}(x, v)"]
    for op in OPERATORS:
        for a, b in (("n", "2"), ("n", "2.5"), ("x", "3"), ("x", "y"), ("data(u8)", "1"), ("data(mx.bool_)", "True"), ("data(c64)", "1j"), ("data(f16)", "data(f32)"), ("n", "np.array([1, 2, 3, 4])"), ("n", "'a'"), ("n", "None"), ("n", "[1]"), ("data(u8)", "300"), ("data(f16)", "1e9")):
            out.append(f"{a} {op} {b}")
        for b in ("2", "2.5", "True"):
            out.append(f"{b} {op} n")
    out += [f"P.in_place('{op}=', n, 2)" for op in "+ - * / // % ** & | ^ << >>".split()]
    out += ["P.in_place('@=', m, m.T)", "P.in_place('+=', n, 1.5)"]
    for f in REDUCE:
        out += [f"mx.{f}(data(mx.{d}, 3, 4))" for d in SOME]
        axis = 1 if f.startswith("arg") else (0, 2)
        out += [f"mx.{f}(t, axis={axis}, keepdims=True)", f"mx.{f}(t, axis=-1)", f"mx.{f}(t, axis=3)"]
        out += [f"mx.{f}(mx.zeros((0, 3)), axis=1)", f"mx.{f}(mx.zeros((0, 3)), axis=0)", f"mx.{f}(mx.array(3.0))"]
    for f in SCAN:
        out += [f"mx.{f}(data(mx.{d}, 3, 4), axis=1)" for d in SOME]
        out += [f"mx.{f}(x)", f"mx.{f}(x, axis=0, reverse=True)", f"mx.{f}(x, axis=0, inclusive=False)", f"mx.{f}(x, axis=2)", f"x.{f}(axis=1)"]
    for f in "sort argsort".split():
        out += [f"mx.{f}(data(mx.{d}, 3, 7), axis=1)" for d in SOME] + [f"mx.{f}(x, axis=None)", f"mx.{f}(x, axis=0)"]
    # methods
    methods = "abs all any argmax argmin conj cos exp flatten log log10 log1p log2 logsumexp max mean min prod reciprocal round rsqrt sin sqrt square squeeze std sum var".split()
    out += [f"data(f32, 3, 4, low=0.5).{f}()" for f in methods]
    out += [f"t.{f}(axis=1)" for f in "all any argmax argmin logsumexp max mean min prod std sum var".split()]
    # gradients
    smooth = "abs negative square sqrt rsqrt reciprocal exp expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arctanh erf erfinv sigmoid degrees radians".split()
    out += [f"mx.grad(lambda a: mx.{f}(a).sum())(data(f32, 5, low=0.1, high=0.9))" for f in smooth]
    out += [f"mx.jvp(mx.{f}, [data(f32, 5, low=0.1, high=0.9)], [data(f32, 5)])" for f in smooth]
    out += [f"mx.grad(lambda a, b: mx.{f}(a, b).sum(), argnums=(0, 1))(data(f32, 2, 3, low=0.5), data(f32, 3, low=0.5, seed=2))" for f in "add subtract multiply divide power maximum minimum arctan2 logaddexp".split()]
    out += [f"mx.grad(lambda a: mx.{f}(a, axis=1).sum())(data(f32, 3, 4, seed=5))" for f in "sum prod min max mean var std logsumexp cumsum cumprod sort softmax".split()]
    out += [f"mx.vmap(lambda a: mx.{f}(a))(x)" for f in "sum sort argmax cumsum softmax exp flip".split()]
    out += LINES.strip().splitlines() + NETWORKS.strip().splitlines()
    pointwise = (
        "celu elu gelu gelu_approx gelu_fast_approx hard_shrink hard_tanh hardswish leaky_relu log_sigmoid log_softmax mish"
        " relu relu2 relu6 selu sigmoid silu softmax softmin softplus softshrink softsign step tanh glu"
    ).split()
    out += [f"nn.{f}(data(f32, 3, 4))" for f in pointwise]
    out += [f"mx.grad(lambda a: nn.{f}(a).sum())(data(f32, 3, 4, seed=3))" for f in pointwise if f != "step"]
    layers = "CELU ELU GELU GLU HardShrink HardTanh Hardswish LeakyReLU LogSigmoid LogSoftmax Mish PReLU ReLU ReLU2 ReLU6 SELU SiLU Sigmoid Softmax Softmin Softplus Softshrink Softsign Step Tanh Identity".split()
    out += [f"nn.{f}()(data(f32, 3, 4))" for f in layers] + [f"repr(nn.{f}())" for f in layers]
    optimizers = "AdaDelta Adagrad Adam AdamW Adamax Lion Muon RMSprop SGD".split()
    out += [f"P.steps(optim.{o}(0.05))" for o in optimizers]
    out += [f"P.steps(optim.{o}(optim.cosine_decay(0.1, 10)))" for o in optimizers]
    out += [f"optim.{o}(0.1).state" for o in optimizers]
    losses = "l1_loss mse_loss hinge_loss huber_loss log_cosh_loss kl_div_loss smooth_l1_loss binary_cross_entropy cosine_similarity_loss".split()
    for f in losses:
        out += [f"nn.losses.{f}(x, y, reduction='{r}')" for r in ("none", "mean", "sum", "foo")] + [f"nn.losses.{f}(x, y)"]
        out.append(f"mx.grad(lambda a: nn.losses.{f}(a, y, reduction='mean'))(x)")
    out += MORE.strip().splitlines() + wide()
    # Last: it leaves the official package without its streams.
    out.append("mx.clear_streams()")
    return [e for e in out if e and not e.startswith("#")]


LAYOUTS = ("data(mx.{d}, 4, 3).T", "data(mx.{d}, 6, 3)[::2]", "data(mx.{d}, 3)[:, None]", "mx.broadcast_to(data(mx.{d}, 3), (2, 3))", "data(mx.{d}, 5)[::-1]")


def wide():
    """Dtypes, layouts and broadcasting of every elementwise function, and derivatives and batching of what has them."""
    out = []
    for f in UNARY:
        low = "low=0.1, high=0.9"
        out += [f"mx.{f}({l.format(d='float32')})" for l in LAYOUTS]
        out += [f"mx.vmap(mx.{f})(data(f32, 3, 4, {low}))", f"mx.vmap(mx.{f}, in_axes=1, out_axes=1)(data(f32, 3, 4, {low}))"]
        out += [f"mx.grad(lambda a: mx.{f}(a).astype(f32).sum())(data(mx.{d}, 5, {low}))" for d in ("float16", "bfloat16", "int32")]
        out += [f"mx.{f}()", f"mx.{f}(None)", f"mx.{f}('a')", f"mx.{f}(2)", f"mx.{f}(0.5)", f"mx.{f}(True)"]
    for f in BINARY:
        if f in ("divmod", "left_shift", "right_shift"):
            continue
        pairs = [("uint8", "int8"), ("uint32", "int64"), ("int32", "float16"), ("float16", "bfloat16"), ("bool_", "uint8"), ("int8", "bool_"), ("float32", "int64")]
        for a, b in pairs:
            if f in ("floor_divide", "remainder", "power") and "float" not in a + b:
                continue
            out.append(f"mx.{f}(data(mx.{a}, 2, 3), data(mx.{b}, 2, 3, seed=1))")
        # With one mapped argument the official bitwise functions return memory that nobody wrote: not compared.
        d = "int32" if f.startswith("bitwise") else "float32"
        one = f"data(mx.{d}, 3, low=0.5, seed=2)"
        out += [f"mx.{f}({l.format(d=d)}, {one if '5' not in l else 'data(mx.' + d + ', 5, low=0.5)'})" for l in LAYOUTS if "4, 3" not in l]
        out += [f"mx.{f}(data(mx.{d}, 2, 3), data(mx.{d}, 4))", f"mx.{f}(data(mx.{d}, 0, 3), {one})", f"mx.{f}(x, None)", f"mx.{f}(x)", f"mx.{f}(2, 3)"]
        out += [f"mx.vmap(mx.{f})(data(mx.{d}, 2, 3, low=0.5), data(mx.{d}, 2, 3, low=0.5, seed=1))", *([] if d == "int32" else [f"mx.vmap(mx.{f}, in_axes=(0, None))(data(mx.{d}, 2, 3, low=0.5), {one})"])]
        if f in ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "arctan2", "logaddexp", "remainder"):
            out += [f"mx.jvp(mx.{f}, [data(f32, 2, 3, low=0.5), {one}], [data(f32, 2, 3), data(f32, 3, seed=3)])"]
            out += [f"mx.grad(lambda a, b: mx.{f}(a, b).astype(f32).sum(), argnums=1)(data(f16, 2, 3, low=0.5), data(f16, 3, low=0.5, seed=2))"]
    for f in REDUCE:
        if f in ("median", "minmax", "count_nonzero"):
            continue
        out += [f"mx.{f}({l.format(d=d)}, axis=0)" for l in LAYOUTS for d in ("float32", "float16", "int8")]
        out += [f"mx.vmap(mx.{f})(t)", f"mx.vmap(lambda a: mx.{f}(a, axis=0), in_axes=2)(t)", f"mx.{f}(x, axis='a')", f"mx.{f}(x, axis=(0, 0))"]
    for f in ("sum", "prod", "max", "min", "mean", "var", "std", "logsumexp", "softmax", "cumsum", "cumprod", "cummax", "logcumsumexp", "sort"):
        for a in (0, 1, -1):
            out.append(f"mx.grad(lambda a: (mx.{f}(a, axis={a}) * 2).square().sum())(data(f32, 3, 4, seed=6))")
        out.append(f"mx.jvp(lambda a: mx.{f}(a, axis=1), [data(f32, 3, 4, seed=6)], [data(f32, 3, 4, seed=7)])")
    shapes = (
        "reshape(a, (4, 3))", "transpose(a)", "swapaxes(a, 0, 1)", "flatten(a)", "squeeze(a[:, :1], 1)", "expand_dims(a, 0)",
        "broadcast_to(a, (2, 3, 4))", "concatenate([a, a * 2], axis=1)", "stack([a, a], axis=1)", "split(a, 2, axis=1)[1]",
        "pad(a, 1)", "pad(a, 1, mode='edge')", "pad(a, 1, mode='reflect')", "roll(a, 1, axis=0)", "flip(a, 1)", "tile(a, (2, 1))", "repeat(a, 2, axis=0)",
        "take(a, mx.array([0, 2, 0]), axis=1)", "take_along_axis(a, mx.array([[0, 1]]), axis=1)", "tril(a)", "triu(a, 1)", "diagonal(a)", "trace(a)",
        "matmul(a, a.T)", "inner(a, a)", "outer(a, a)", "tensordot(a, a, axes=2)", "kron(a, a)", "where(a > 0, a, a * 3)", "clip(a, -1, 1)",
        "moveaxis(a, 0, 1)", "unflatten(a, 1, (2, 2))", "as_strided(a, (2, 2), (1, 2))", "linalg.norm(a)", "linalg.norm(a, axis=1)", "diff(a)",
        "topk(a, 2)", "median(a, axis=1)", "fft.rfft(a).abs()", "fft.fft(a).abs()", "addmm(a, a, mx.eye(4))", "einsum('ij,kj->ik', a, a)",
    )
    for f in shapes:
        out.append(f"(lambda a: mx.{f})(data(f32, 3, 4, seed=4))")
        out.append(f"mx.grad(lambda a: mx.{f}.square().sum())(data(f32, 3, 4, seed=4))")
        out.append(f"mx.jvp(lambda a: mx.{f}, [data(f32, 3, 4, seed=4)], [data(f32, 3, 4, seed=5)])[1]")
        out.append(f"mx.vmap(lambda a: mx.{f})(data(f32, 2, 3, 4, seed=4))")
        out.append(f"mx.vmap(lambda a: mx.{f}, in_axes=2)(data(f32, 3, 4, 2, seed=4))")
    return out


# Layers, losses, optimizers, trees.
NETWORKS = r"""
utils.tree_flatten({'a': [1, {'b': 2}], 'c': ()})
utils.tree_flatten([1, 2], prefix='p')
utils.tree_flatten({'a': {'b': 1}}, destination={})
utils.tree_flatten(3)
utils.tree_flatten({'a': None})
utils.tree_flatten({'a': [1]}, destination=3)
utils.tree_flatten([[1], [2]], is_leaf=lambda t: isinstance(t, list) and len(t) == 1)
utils.tree_unflatten([('a.0', 1), ('a.1.b', 2)])
utils.tree_unflatten([('', 5)])
utils.tree_unflatten({'a.b': 1})
utils.tree_unflatten([('0', 1), ('2', 3)])
utils.tree_unflatten([])
utils.tree_map(lambda a: a + 1, {'a': [1, (2, 3)]})
utils.tree_map(lambda a, b: a + b, [1, 2], [3, 4])
utils.tree_map(lambda a, b: a + b, {'a': 1}, {'a': 3, 'b': 2})
utils.tree_map(lambda a, b: a + b, {'a': 1}, {'b': 3})
utils.tree_map(lambda a, b: a + b, [1, 2], [3])
utils.tree_map(len, [[1], [2, 3]], is_leaf=lambda t: isinstance(t[0], int))
utils.tree_map_with_path(lambda p, a: p, {'a': [1, 2]})
utils.tree_map_with_path(lambda p, a: p, {'a': [1, 2]}, path='z')
utils.tree_reduce(lambda a, b: a + b, {'a': [1, 2]}, 0)
utils.tree_reduce(lambda a, b: a + b, {'a': [1, 2]})
utils.tree_reduce(lambda a, b: a + b, [])
utils.tree_merge({'a': 1}, {'b': 2})
utils.tree_merge({'a': 1}, {'a': 2})
utils.tree_merge({'a': 1}, {'a': 2}, lambda a, b: a + b)
utils.tree_merge({'a': [{'x': 1}]}, {'a': [{'y': 2}]})
utils.tree_merge([1], [2, 3])
utils.tree_merge({}, {'a': 2})
utils.tree_merge(None, {'a': 2})
P.layer(lambda: nn.Linear(4, 3), x)
P.layer(lambda: nn.Linear(4, 3, bias=False), x)
P.layer(lambda: nn.Bilinear(4, 4, 3), x, y)
P.layer(lambda: nn.Embedding(5, 4), mx.array([[0, 4], [2, 2]]))
nn.Embedding(5, 4).as_linear(x).shape
P.layer(lambda: nn.LayerNorm(4), x)
P.layer(lambda: nn.LayerNorm(4, bias=False), x)
P.layer(lambda: nn.LayerNorm(4, affine=False), x)
P.layer(lambda: nn.RMSNorm(4), x)
P.layer(lambda: nn.InstanceNorm(4, affine=True), data(f32, 2, 5, 4))
P.layer(lambda: nn.InstanceNorm(4), data(f32, 2, 3, 3, 4))
P.layer(lambda: nn.GroupNorm(2, 4), data(f32, 2, 5, 4))
P.layer(lambda: nn.GroupNorm(2, 4, pytorch_compatible=True), data(f32, 2, 5, 4))
P.layer(lambda: nn.BatchNorm(4), data(f32, 6, 4))
P.layer(lambda: nn.BatchNorm(4), data(f32, 2, 5, 4))
P.layer(lambda: nn.BatchNorm(4, affine=False, track_running_stats=False), data(f32, 2, 3, 3, 4))
P.batch_norm()
nn.BatchNorm(4)(data(f32, 4))
P.layer(lambda: nn.RNN(4, 3), data(f32, 2, 5, 4))
P.layer(lambda: nn.RNN(4, 3, bias=False), data(f32, 5, 4))
P.layer(lambda: nn.RNN(4, 3), data(f32, 5, 4), data(f32, 3))
P.layer(lambda: nn.GRU(4, 3), data(f32, 2, 5, 4))
P.layer(lambda: nn.GRU(4, 3, bias=False), data(f32, 5, 4))
P.layer(lambda: nn.GRU(4, 3), data(f32, 5, 4), data(f32, 3))
P.layer(lambda: nn.LSTM(4, 3), data(f32, 2, 5, 4))
P.layer(lambda: nn.LSTM(4, 3), data(f32, 5, 4), data(f32, 3), data(f32, 3, seed=4))
nn.RNN(2, 3, nonlinearity=3)
P.layer(lambda: nn.MultiHeadAttention(8, 2), data(f32, 1, 3, 8), data(f32, 1, 5, 8), data(f32, 1, 5, 8))
P.layer(lambda: nn.MultiHeadAttention(8, 2, bias=True), data(f32, 1, 3, 8), data(f32, 1, 3, 8), data(f32, 1, 3, 8), nn.MultiHeadAttention.create_additive_causal_mask(3))
nn.MultiHeadAttention(5, 2)
nn.MultiHeadAttention.create_additive_causal_mask(3)
P.layer(lambda: nn.TransformerEncoderLayer(8, 2), data(f32, 1, 3, 8), None)
P.layer(lambda: nn.TransformerEncoderLayer(8, 2, norm_first=False), data(f32, 1, 3, 8), None)
P.layer(lambda: nn.TransformerEncoder(2, 8, 2), data(f32, 1, 3, 8), None)
P.layer(lambda: nn.TransformerEncoder(1, 8, 2, checkpoint=True), data(f32, 1, 3, 8), None)
P.layer(lambda: nn.TransformerDecoderLayer(8, 2), data(f32, 1, 3, 8), data(f32, 1, 4, 8), None, None)
P.layer(lambda: nn.TransformerDecoder(1, 8, 2, norm_first=False), data(f32, 1, 3, 8), data(f32, 1, 4, 8), None, None)
P.layer(lambda: nn.Transformer(8, 2, 1, 1), data(f32, 1, 3, 8), data(f32, 1, 4, 8), None, None, None)
P.layer(lambda: nn.RoPE(8), data(f32, 1, 2, 3, 8))
P.layer(lambda: nn.RoPE(8, traditional=True, scale=0.5), data(f32, 1, 2, 3, 8), 4)
P.layer(lambda: nn.SinusoidalPositionalEncoding(8), v)
P.layer(lambda: nn.SinusoidalPositionalEncoding(8, cos_first=True, full_turns=True, scale=1), v)
P.layer(lambda: nn.ALiBi(), data(f32, 1, 4, 3, 5))
P.layer(lambda: nn.ALiBi(), data(f32, 1, 4, 3, 5), 2, mx.zeros((3, 5)))
nn.ALiBi.create_alibi_matrix(3, 3, 2)
nn.ALiBi.create_alibi_slope(4)
P.layer(lambda: nn.MaxPool1d(2), data(f32, 2, 5, 3))
P.layer(lambda: nn.AvgPool1d(3, 2, 1), data(f32, 2, 7, 3))
P.layer(lambda: nn.MaxPool2d(2, 1, 1), data(f32, 2, 5, 4, 3))
P.layer(lambda: nn.AvgPool2d((2, 3)), data(f32, 1, 4, 6, 2))
P.layer(lambda: nn.MaxPool3d(2), data(f32, 1, 4, 4, 4, 2))
P.layer(lambda: nn.AvgPool3d(2, 1), data(f32, 1, 3, 3, 3, 2))
nn.MaxPool2d((1, 2, 3))
mx.grad(lambda a: nn.MaxPool2d(2)(a).sum())(data(f32, 1, 4, 4, 2))
P.layer(lambda: nn.Upsample(2), data(f32, 1, 3, 2))
P.layer(lambda: nn.Upsample((2, 1.5)), data(f32, 1, 3, 4, 2))
P.layer(lambda: nn.Upsample(2, mode='linear'), data(f32, 1, 3, 4, 2))
P.layer(lambda: nn.Upsample(1.5, mode='linear', align_corners=True), data(f32, 1, 4, 2))
P.layer(lambda: nn.Upsample(2, mode='cubic'), data(f32, 1, 4, 5, 2))
P.layer(lambda: nn.Upsample(0.5, mode='cubic', align_corners=True), data(f32, 1, 8, 2))
nn.Upsample(2, mode='foo')
nn.Upsample(2)(x)
nn.Upsample((2, 2))(data(f32, 1, 3, 2))
P.dropout(nn.Dropout(0.3), (4, 5))
P.dropout(nn.Dropout2d(0.3), (2, 3, 4, 5))
P.dropout(nn.Dropout3d(0.3), (2, 2, 3, 4, 5))
nn.Dropout(1.0)
nn.Dropout2d()(x)
repr(nn.Dropout(0.3))
nn.Dropout(0.5).eval()(x)
P.layer(lambda: nn.Sequential(nn.Linear(4, 3), nn.ReLU(), lambda a: a * 2), x)
P.layer(lambda: nn.Linear(64, 32).to_quantized(), data(f32, 3, 64))
P.layer(lambda: nn.Linear(64, 32, bias=False).to_quantized(32, 8), data(f32, 3, 64))
P.layer(lambda: nn.Embedding(32, 64).to_quantized(), mx.array([3, 5]))
nn.Embedding(32, 64).to_quantized().as_linear(data(f32, 2, 64)).shape
repr(nn.QuantizedLinear(64, 32))
repr(nn.QuantizedEmbedding(64, 64))
nn.QuantizedLinear(64, 32).trainable_parameters()
P.quantized_model()
P.module_tree()
P.module_errors()
P.module_weights(tmp)
P.module_dtype()
P.module_attributes()
P.frozen()
repr(nn.Conv1d(2, 3, 3))
repr(nn.Conv2d(2, 4, 3, padding=1, groups=2))
repr(nn.Conv3d(2, 3, 3))
repr(nn.ConvTranspose1d(2, 3, 3))
repr(nn.ConvTranspose2d(2, 3, 3))
repr(nn.ConvTranspose3d(2, 3, 3))
nn.Conv2d(3, 4, 3, groups=2)
P.parameters(lambda: nn.Conv2d(2, 4, 3, groups=2))
P.parameters(lambda: nn.Conv1d(2, 4, 3, bias=False))
P.parameters(lambda: nn.Conv1d(4, 4, 3, groups=2))
P.parameters(lambda: nn.ConvTranspose2d(2, 4, (2, 3)))
repr(nn.Upsample((2, 2), mode='linear'))
repr(nn.MaxPool2d(2, stride=1, padding=1))
repr(nn.TransformerEncoderLayer(4, 2))
nn.GELU('foo')
nn.GELU('precise')(x)
nn.GELU('fast')(x)
nn.prelu(x, mx.array(0.1))
nn.celu(x, 2.0)
nn.leaky_relu(x, 0.2)
nn.PReLU(4)(x)
nn.losses.cross_entropy(x, mx.array([0, 3, 1]))
nn.losses.cross_entropy(x, mx.array([0, 3, 1]), label_smoothing=0.1, reduction='mean')
nn.losses.cross_entropy(x, mx.softmax(y, axis=-1))
nn.losses.cross_entropy(x, mx.array([0, 3, 1]), weights=v)
nn.losses.cross_entropy(x, mx.array([0, 3, 1, 1]), axis=0)
nn.losses.cross_entropy(x, mx.array([0, 3]))
nn.losses.cross_entropy(x, mx.array([0, 3, 1]), weights=mx.ones(2))
nn.losses.cross_entropy(x, mx.array([0, 3, 1]), label_smoothing=1.0)
nn.losses.nll_loss(x, mx.array([0, 3, 1]))
nn.losses.binary_cross_entropy(mx.sigmoid(x), mx.sigmoid(y), with_logits=False)
nn.losses.binary_cross_entropy(x, y, weights=x)
nn.losses.gaussian_nll_loss(x, y, mx.abs(x) + 0.1)
nn.losses.gaussian_nll_loss(x, y, mx.abs(x) + 0.1, full=True, reduction='none')
nn.losses.gaussian_nll_loss(x, y, v)
nn.losses.triplet_loss(x, y, x + 1)
nn.losses.triplet_loss(x, y, x + 1, p=1, margin=0.1, reduction='mean')
nn.losses.margin_ranking_loss(x, y, mx.sign(x + 0.1))
nn.losses.margin_ranking_loss(x, y, v)
nn.losses.mse_loss(x, v)
nn.losses.smooth_l1_loss(x, y, beta=0.5)
nn.losses.huber_loss(x, y, delta=0.3)
P.initialised(nn.init.constant(2.0))
P.initialised(nn.init.normal(1.0, 2.0))
P.initialised(nn.init.uniform(-1.0, 2.0))
P.initialised(nn.init.identity(), (3, 3))
P.initialised(nn.init.identity(), (3, 4))
P.initialised(nn.init.glorot_normal())
P.initialised(nn.init.glorot_uniform(), (2, 3, 4))
P.initialised(nn.init.he_normal())
P.initialised(nn.init.he_uniform(mx.float16))
P.initialised(nn.init.sparse(0.5))
P.initialised(nn.init.sparse(0.5), (3,))
nn.init.he_normal()(mx.zeros((3, 4)), mode='foo')
nn.init.glorot_normal()(mx.zeros(3))
optim.SGD(0.1, nesterov=True)
P.steps(optim.SGD(0.05, momentum=0.9, weight_decay=0.01))
P.steps(optim.SGD(0.05, momentum=0.9, nesterov=True))
P.steps(optim.SGD(0.05, momentum=0.9, dampening=0.5))
P.steps(optim.Adam(0.05, bias_correction=True))
P.steps(optim.AdamW(0.05, weight_decay=0.1, bias_correction=True))
P.steps(optim.Lion(0.05, weight_decay=0.1))
P.steps(optim.Adafactor())
P.steps(optim.Adafactor(0.05, relative_step=False, beta_1=0.9, weight_decay=0.01))
P.steps(optim.Adafactor(warmup_init=True, scale_parameter=False))
P.steps(optim.Muon(0.05, nesterov=False, weight_decay=0))
P.steps(optim.MultiOptimizer([optim.SGD(0.1), optim.Adam(0.1)], [lambda p, a: 'b' in p]))
optim.MultiOptimizer([optim.SGD(0.1)], [lambda p, a: True])
optim.Adafactor().state
optim.RMSprop(0.1, alpha=-1.0)
optim.Adam(0.1).learning_rate
P.optimizer_state()
optim.clip_grad_norm({'a': mx.array([3.0, 4.0])}, 1.0)
optim.cosine_decay(0.1, 10, 0.01)(mx.array(5))
optim.exponential_decay(0.1, 0.9)(mx.array(5))
optim.step_decay(0.1, 0.9, 2)(mx.array(5))
optim.linear_schedule(0, 0.1, 10)(mx.array(5))
optim.linear_schedule(0, 0.1, 0)
optim.join_schedules([optim.linear_schedule(0, 0.1, 10), optim.cosine_decay(0.1, 10)], [10])(mx.array(12))
optim.join_schedules([], [])
optim.join_schedules([optim.cosine_decay(0.1, 10)], [10])
nn.average_gradients({'a': mx.array(1)})
nn.utils.clip_grad_norm_sharded({'a': mx.array([3.0, 4.0])}, 1.0)
P.trained()
P.trained(compiled=True)
P.layer_checkpoint()
P.sharded()
"""


LINES = r"""
# making
mx.array(1)
mx.array(1 << 31)
mx.array(1 << 63)
mx.array([1 << 40])
mx.array(1.5)
mx.array(True)
mx.array(1 + 2j)
mx.array([1, 2.5, True])
mx.array([1, True])
mx.array([])
mx.array([[], []])
mx.array(())
mx.array([[1, 2], [3]])
mx.array([[1], 2])
mx.array([1, [2]])
mx.array([1, 'a'])
mx.array('a')
mx.array(None)
mx.array({1: 2})
mx.array(range(3))
mx.array(object())
mx.array([1, 2], dtype=mx.float16)
mx.array([1.5, -2.5], dtype=mx.int32)
mx.array([-1, 300], dtype=mx.uint8)
mx.array(300, dtype=mx.uint8)
mx.array([1 / 3], mx.float64)
mx.array([mx.array(1), mx.array(2.5)])
mx.array([mx.array([1, 2]), [2.5, 3]])
mx.array([mx.array([1, 2]), mx.array([2.5, 3])])
mx.array(np.array([1, 2], dtype=np.int64))
mx.array(np.array([1.0, 2]))
mx.array(np.array([1.0, 2]), dtype=mx.float64)
mx.array(np.array([1 + 2j]))
mx.array(np.zeros((0, 3)))
mx.array(np.arange(6).reshape(2, 3).T)
mx.array(np.arange(8)[::2])
mx.array(np.array([True]))
mx.array(np.array([1.5], dtype=np.float16))
mx.array(np.float64(1.5))
mx.array(np.float32(1.5))
mx.array(np.int64(3))
mx.array(np.uint8(3))
mx.array(np.bool_(True))
mx.array([np.float64(1.5)])
mx.array([np.int64(1)])
mx.array(np.array(['a']))
mx.array(b'abc')
mx.array(bytearray(b'abc'))
mx.array(memoryview(b'abc'))
mx.array(x) is x
mx.asarray([1, 2])
mx.asarray(x, dtype=mx.int32)
mx.from_dlpack(np.array([1, 2]))
mx.zeros(3)
mx.zeros((2, 3), mx.int32)
mx.zeros(())
mx.zeros(-1)
mx.ones([2])
mx.ones(3, dtype=None)
mx.empty((2,)).shape
mx.zeros_like(n)
mx.ones_like(n, mx.float16)
mx.empty_like(n).shape
mx.full((2,), 1.5)
mx.full((2,), 1.5, dtype=mx.int32)
mx.full((2,), 3, dtype=mx.bool_)
mx.full((2,), 1j, dtype=mx.float32)
mx.full((2, 2), mx.array([1, 2]))
mx.full((2,), mx.array(1.5), dtype=mx.int32)
mx.full((2,), 300, dtype=mx.uint8)
mx.full_like(n, 1.5)
mx.arange(5)
mx.arange(5.0)
mx.arange(1, 5)
mx.arange(0, 5, 2)
mx.arange(1.0, 2.0, 0.3)
mx.arange(5, 0, -2)
mx.arange(5, dtype=mx.float16)
mx.arange(-1)
mx.arange(1, 2, 0)
mx.arange(1, float('nan'))
mx.arange(1, float('inf'))
mx.arange(True)
mx.arange(1 << 33, (1 << 33) + 2)
mx.linspace(0, 1, 5)
mx.linspace(0, 1, 5, endpoint=False)
mx.linspace(0, 10, 3, dtype=mx.int32)
mx.linspace(0, 1, 1)
mx.linspace(0, 1, 0)
mx.linspace(0, 1, -1)
mx.eye(3)
mx.eye(2, 3, 1)
mx.eye(3, k=-1, dtype=mx.int32)
mx.eye(-1)
mx.identity(2)
mx.tri(3)
mx.tri(2, 3, 1, mx.int32)
mx.tril(n)
mx.tril(n, -1)
mx.triu(n, 1)
mx.tril(v)
mx.diag(v)
mx.diag(v, 1)
mx.diag(v, -2)
mx.diag(n)
mx.diag(n, 1)
mx.diag(t)
mx.diagonal(n, 1)
mx.diagonal(t, 0, 1, 2)
mx.diagonal(t, -1, 0, 2)
mx.trace(n)
mx.trace(t, 0, 1, 2, mx.float32)
n.diag()
t.diagonal(1)
mx.hanning(5)
mx.hamming(5)
mx.blackman(5)
mx.bartlett(5)
mx.hanning(0)
mx.hanning(1)
# printing
repr(mx.array(3.14159265))
repr(mx.arange(7))
repr(mx.arange(6))
repr(mx.zeros((7, 2)))
repr(mx.zeros((2, 7, 1)))
repr(t)
repr(mx.zeros((0, 3)))
repr(mx.zeros((2, 0)))
repr(mx.zeros((2, 0, 3)))
repr(mx.array([1e10, 1.0, -2.25, 1e-10]))
repr(mx.array([0.1, 0.123456789, 123456.7, 1234567.0]))
repr(mx.array([float('inf'), -float('inf')]))
repr(mx.array([True, False]))
repr(mx.array([1 + 2j, 0.5 - 1j]))
repr(mx.array([1 / 3], mx.bfloat16))
repr(mx.array([1 / 3], mx.float16))
repr(mx.array([1 / 3], mx.float64))
repr(mx.array([255], mx.uint8))
repr(mx.array([-(1 << 62)]))
str(mx.array([1 / 3]))
f'{mx.array(1.5):.3f}'
f'{mx.array(3)}'
format(mx.array([1.5]), '.3f')
format(v, '')
P.print_precision()
repr(mx.float32)
repr(mx.bool_)
repr(mx.cpu)
repr(mx.default_device())
repr(mx.default_stream(mx.cpu))
repr(mx.DtypeCategory.floating)
repr(mx.finfo(mx.float32))
repr(mx.iinfo(mx.int8))
# description
x.shape
x.ndim
x.size
x.itemsize
x.nbytes
x.dtype
data(c64).dtype
x.T
t.T
t.mT
v.mT
data(c64).real
data(c64).imag
n.real
n.imag
len(x)
len(s)
x.strides
hash(x) == hash(x)
x in [x]
x.foo
P.set_attribute()
# values
x.item()
s.item()
mx.array(3).item()
mx.array(True).item()
mx.array(1.5, mx.float16).item()
mx.array(1.5, mx.bfloat16).item()
mx.array(1 + 2j).item()
mx.array([[7]]).item()
mx.array([]).item()
n.tolist()
mx.array(1).tolist()
mx.array([1.5], mx.bfloat16).tolist()
mx.array([1 + 1j]).tolist()
mx.array([True]).tolist()
mx.zeros((2, 0)).tolist()
int(mx.array(1.7))
int(mx.array([1, 2]))
float(mx.array([1]))
bool(mx.array(0))
bool(mx.array([]))
bool(n)
complex(mx.array(1.5))
bytes(mx.array([1, 2], mx.uint8))
[1, 2, 3][mx.array(1)]
[1, 2, 3][mx.array(1.0)]
list(mx.array([1, 2]))
list(s)
P.unpack()
P.aliases()
P.round_trip(x)
P.round_trip(data(bf16))
P.round_trip(mx.array(3))
P.subclass()
P.weak()
P.numpy_view()
np.array(x)
np.array(n.T)
np.array(data(bf16))
np.array(mx.array([True]))
np.asarray(data(f16)).dtype
np.add(v, 1)
np.array([1.5, 2.5]) + mx.array([1, 2])
np.float64(1.5) + n
mx.array([1, 2]) + np.float64(1.5)
mx.array([1, 2]) + np.array([1.5, 2.5])
memoryview(n).format
memoryview(mx.array([True])).format
memoryview(data(c64)).format
memoryview(data(f16)).format
memoryview(m.T).strides
memoryview(m[:, 1]).tolist()
mx.array([1, 2]).__dlpack_device__()
x.__array_namespace__() is mx
# comparison with other things
v == None
v == 'a'
v != 'a'
v == [1, 2, 3]
v == 1
# operators
-data(mx.bool_)
~x
~n
+n
abs(-n)
m @ m.T
m @ m
m @ 2
n @ n
divmod(n, 2)
1 << n
1 & n
object() + v
v + object()
x < v
# indexing
n[0]
n[-1]
n[3]
n[1, 2]
n[..., 1]
n[None]
n[:, None]
n[1:]
n[::-1]
n[::2, 1::2]
n[5:9]
n[-2:, :-1]
n[2:0:-1]
n[::-2, ::-1]
n[mx.array([0, 2])]
n[mx.array([0, -1])]
n[mx.array([[0], [1]]), mx.array([1, 2])]
n[[0, 2]]
n[[0, 2], [1, 3]]
n[:, mx.array([1, 3])]
n[mx.array([0, 2]), 1]
n[0, mx.array([0, 1])]
n[mx.array(1)]
n[mx.array(1), 0]
n[mx.array([0, 2]), None]
n[mx.array([0, 1], mx.uint8)]
n[mx.array([], dtype=mx.int32)]
n[()]
n[None, ..., None]
n[[True, False, True]]
n[n > 3]
n[np.array([0, 1])]
n[np.int64(1)]
n[1.0]
n['a']
n[True]
n[0, 0, 0]
n[..., ...]
n[mx.array(1):]
n[mx.array([0.5])]
t[0, :, mx.array([0, 1])]
t[mx.array([0, 1]), :, mx.array([0, 1])]
t[:, mx.array([0, 1]), mx.array([0, 1])]
t[:, mx.array([0, 1]), 2]
t[None, mx.array([0, 1]), None, mx.array([0, 1])]
t[..., mx.array([0, 1]), :]
t[1:, mx.array([[0, 1], [1, 2]]), ::2]
t[mx.array([0, 1]), 1:, None, 2]
s[0]
s[None]
s[...]
P.assign(n, 0, 9)
P.assign(n, (0, 1), 9)
P.assign(n, -1, mx.array([1, 2, 3, 4]))
P.assign(n, slice(None), 7)
P.assign(n, slice(1, None), 7.9)
P.assign(n, (slice(None, None, 2), slice(1, None, 2)), mx.array([[1, 2], [3, 4]]))
P.assign(n, (slice(None, None, -1),), n)
P.assign(n, (Ellipsis, 1), 5)
P.assign(n, (None, 0), 5)
P.assign(n, Ellipsis, 5)
P.assign(n, mx.array([0, 2]), 5)
P.assign(n, mx.array([0, 2]), mx.array([[1, 2, 3, 4], [5, 6, 7, 8]]))
P.assign(n, mx.array([0, 2]), mx.array([5, 6, 7, 8]))
P.assign(n, (mx.array([0, 2]), 1), 5)
P.assign(n, (slice(None), mx.array([0, 2])), 5)
P.assign(n, (slice(1, None), mx.array([0, 2])), mx.array([[5, 6], [7, 8]]))
P.assign(n, (mx.array([0, 1]), mx.array([2, 3])), mx.array([5, 6]))
P.assign(n, (mx.array([[0], [1]]), mx.array([2, 3])), mx.array([5, 6]))
P.assign(n, [0, 2], 5)
P.assign(n, n > 5, 0)
P.assign(n, n > 5, mx.array([1, 2, 3, 4, 5, 6]))
P.assign(n, mx.array([True, False, True]), -1)
P.assign(n, np.array([True, False, True]), -1)
P.assign(n, True, -1)
P.assign(n, np.array([0, 1]), -1)
P.assign(t, (0, slice(None), mx.array([0, 1])), 9)
P.assign(t, (mx.array([0, 1]), slice(None), mx.array([0, 1])), 9)
P.assign(t, (mx.array([0, 1]), slice(1, 3), mx.array([0, 1])), mx.array([[1, 2], [3, 4]]))
P.assign(t, (slice(0, 1), mx.array([0, 1]), slice(None, None, 2)), mx.array([[1, 2], [3, 4]]))
P.assign(t, (None, 0), mx.ones((1, 3, 4)))
P.assign(n, 0, [1, 2, 3, 4])
P.assign(n, 0, None)
P.assign(n, 'a', 1)
P.assign(n, (0, 0, 0), 1)
P.assign(n, slice(None), mx.array([1, 2]))
P.assign(x, (0, 0), 1 << 20)
P.assign(data(u8), 0, 300)
P.assign(data(u8), 0, 2.7)
n.at[0].add(1)
n.at[mx.array([0, 0])].add(1)
n.at[mx.array([0, 0]), mx.array([1, 1])].add(mx.array([10, 20]))
n.at[:, 1:2].multiply(3)
n.at[0].maximum(5)
n.at[0, 1].minimum(-3)
n.at[0].divide(2)
x.at[0].divide(2)
n.at[0].subtract(mx.array([1, 2, 3, 4]))
n.at[mx.array([0, 1, 0])].maximum(mx.array([[9], [8], [7]]))
n.at.add(1)
n.at[0].add([1])
mx.take(n, 1)
mx.take(n, mx.array([0, 1]), axis=1)
mx.take(n, mx.array([[0, 1]]), axis=0)
mx.take(n, 1, axis=0)
mx.take(n, mx.array([0.5]))
mx.take(n, mx.array([0]), axis=3)
mx.take_along_axis(n, mx.array([[0], [1], [2]]), axis=1)
mx.take_along_axis(n, mx.array([0, 1]), axis=1)
mx.take_along_axis(n, mx.array([0, 5]), axis=None)
mx.put_along_axis(n, mx.array([[0], [1], [2]]), mx.array(9), axis=1)
mx.put_along_axis(n, mx.array([0, 5]), mx.array([7, 8]), axis=None)
mx.slice(n, mx.array([1, 1]), (0, 1), (2, 2))
mx.slice_update(n, mx.array([[7, 8]]), mx.array([1, 1]), (0, 1))
mx.searchsorted(v, mx.array([0.0, 2.0, 5.0]))
mx.searchsorted(v, mx.array(2.0), side='right')
mx.searchsorted(n, v)
# shapes
mx.reshape(n, (4, 3))
mx.reshape(n, (-1, 2))
mx.reshape(n, (5, 5))
mx.reshape(n, (-1, -1))
mx.reshape(n, 3)
n.reshape(4, 3)
n.reshape((2, -1))
n.reshape([2, 6])
n.reshape(-1)
mx.flatten(t, 1)
mx.flatten(t, 0, 1)
mx.flatten(t, 1, 0)
mx.flatten(s)
t.flatten(1, 2)
mx.unflatten(n, 1, (2, 2))
mx.unflatten(n, 1, (3, 2))
mx.squeeze(mx.zeros((1, 2, 1)))
mx.squeeze(mx.zeros((1, 2, 1)), 0)
mx.squeeze(mx.zeros((1, 2, 1)), (0, 2))
mx.squeeze(mx.zeros((1, 2)), 1)
mx.expand_dims(v, 0)
mx.expand_dims(v, (0, 2))
mx.expand_dims(v, 5)
mx.expand_dims(v, (0, 0))
mx.transpose(t)
mx.transpose(t, (1, 0, 2))
mx.transpose(t, (0, 0, 1))
mx.permute_dims(t, (2, 0, 1))
t.transpose(2, 0, 1)
t.transpose((1, 0, 2))
t.transpose()
t.transpose(1, 0)
mx.matrix_transpose(t)
mx.matrix_transpose(v)
mx.swapaxes(t, 0, 2)
mx.swapaxes(t, 0, 3)
t.swapaxes(0, -1)
mx.moveaxis(t, 0, 2)
mx.moveaxis(t, 0, 3)
t.moveaxis(0, -1)
mx.broadcast_to(v, (2, 3))
mx.broadcast_to(v, (2, 2))
mx.broadcast_arrays(v, m)
mx.broadcast_shapes((2, 1), (1, 3), (3,))
mx.broadcast_shapes((2, 1), (3, 3))
mx.atleast_1d(s)
mx.atleast_2d(s, v)
mx.atleast_3d(v)
mx.contiguous(m.T)
mx.contiguous(m.T, allow_col_major=True)
mx.as_strided(v, (2, 2), (1, 1), 0)
mx.concatenate([n, n])
mx.concatenate([n, x], axis=1)
mx.concatenate([n, n], axis=None)
mx.concatenate([])
mx.concatenate([n, v])
mx.concat([n, n], axis=-1)
mx.stack([n, n])
mx.stack([n, n], axis=-1)
mx.stack([])
mx.split(n, 2, axis=1)
mx.split(n, 5)
mx.split(n, [1, 3], axis=1)
n.split(3)
mx.unstack(n)
mx.unstack(n, axis=1)
mx.repeat(n, 2)
mx.repeat(n, 2, axis=1)
mx.repeat(v, -1)
mx.tile(v, 2)
mx.tile(n, (2, 1, 1))
mx.tile(v, -1)
mx.flip(n)
mx.flip(n, 0)
mx.flip(n, (0, 1))
mx.roll(n, 1)
mx.roll(n, 1, 0)
mx.roll(n, (1, 2), (0, 1))
mx.roll(n, -1, axis=1)
mx.pad(v, 1)
mx.pad(v, (1, 2), constant_values=7)
mx.pad(n, [(1, 0), (0, 2)])
mx.pad(n, [(1, 0)])
mx.pad(n, ((1, 1), (2, 0)), mode='edge')
mx.pad(v, 2, mode='reflect')
mx.pad(v, 5, mode='reflect')
mx.pad(v, 2, mode='symmetric')
mx.pad(v, -1)
mx.pad(v, 1, mode='foo')
mx.diff(n)
mx.diff(n, 2)
mx.diff(n, axis=0)
mx.diff(mx.array([True, False, False]))
mx.diff(v, -1)
mx.diff(s)
mx.meshgrid(mx.array([1, 2]), mx.array([3, 4, 5]))
mx.meshgrid(mx.array([1, 2]), mx.array([3, 4, 5]), sparse=True, indexing='ij')
mx.meshgrid(mx.array([1, 2]), indexing='foo')
mx.view(v, mx.int32)
mx.view(v, mx.int8).shape
mx.view(v, mx.float64)
v.view(mx.uint16)
mx.astype(n, mx.float16)
x.astype(mx.int32)
x.astype('float32')
mx.kron(mx.array([1, 2]), mx.array([[1], [2]]))
mx.unique(mx.array([3, 1, 1]), size=3)
mx.unique(mx.array([3, 1, 1]), size=3, return_counts=True)
mx.unique(mx.array([3, 1, 1]), size=2, return_index=True, return_inverse=True, return_counts=True)
mx.unique(mx.array([3, 1, 1]), size=5, fill_value=9)
mx.unique(mx.array([[3, 1], [1, 7]]), size=4, return_inverse=True)
mx.where(n > 3, n, 0)
mx.where(n > 3, 1, 0)
mx.where(True, 1, 2.0)
mx.where(n, 1, 2)
mx.where(n > 3, x, n)
mx.clip(n, 2, 5)
mx.clip(n, None, 2)
mx.clip(n, None, None)
mx.clip(v, 2, 1)
mx.clip(v, mx.array([2.0, 2.0, 2.0]), None)
mx.isclose(v, v + 1e-7)
mx.isclose(mx.array([float('nan')]), mx.array([float('nan')]), equal_nan=True)
mx.allclose(v, v + 1)
mx.array_equal(v, v)
mx.array_equal(v, m)
mx.array_equal(v, [1, 2, 3])
mx.round(mx.array([1.25, 2.5, -1.5]), 1)
mx.round(mx.array([15]), -1)
mx.sort(mx.array([3, float('nan'), 1]))
mx.sort(mx.array(3))
mx.partition(mx.array([3, 1, 2]), 1)
mx.argpartition(mx.array([3.0, 1.0, 2.0]), 1).shape
mx.topk(mx.array([3, 1, 2]), 2)
mx.topk(mx.array([3, 1]), 5)
mx.softmax(x)
mx.softmax(x, axis=-1)
mx.softmax(x, axis=(0, 1))
mx.softmax(n, axis=0, precise=True)
mx.softmax(data(f16, 3, 4), axis=1)
mx.mean(mx.array([]))
mx.var(v, ddof=1)
mx.std(v, correction=1)
v.var(correction=1)
mx.sum(v, 0, True)
mx.sum(v, axis=[0])
mx.sum(a=v)
v.sum(axis=0, keepdim=True)
mx.cumsum(mx.array([True, True]), dtype=mx.float32)
mx.cumulative_sum(v)
mx.cumulative_prod(v)
mx.cumsum(mx.array(1))
# products
mx.matmul(m, m.T)
mx.matmul(m, v)
mx.matmul(v, v)
mx.matmul(m, m)
mx.matmul(n, n.T)
mx.matmul(data(f16, 2, 3, 4), data(f16, 4, 5))
mx.matmul(data(c64, 2, 3), data(c64, 3, 2))
mx.addmm(v, m.T, m)
mx.addmm(v, m.T, m, 2.0, 0.5)
mx.inner(v, v)
mx.inner(m, m)
mx.outer(v, v)
mx.vecdot(m, m)
mx.vecdot(data(c64), data(c64, seed=1))
mx.tensordot(m, m.T, axes=1)
mx.tensordot(m, m, axes=[[0], [0]])
mx.tensordot(m, m, axes=3)
mx.einsum('ij,kj->ik', m, m)
mx.einsum('ij,jk,kl->il', m, m.T, m)
mx.einsum('ii', m @ m.T)
mx.einsum('ij->ji', m)
mx.einsum('...i,...i->...', m, m)
mx.einsum('ij', m)
mx.einsum('ij,jk', m, m.T)
mx.einsum('ij,jk->iz', m, m.T)
mx.einsum('ij,jk', m)
mx.einsum('bij,bjk->bik', data(f32, 2, 3, 4), data(f32, 2, 4, 2))
mx.einsum_path('ij,jk,kl->il', mx.ones((2, 3)), mx.ones((3, 4)), mx.ones((4, 5)))[0]
mx.quantize(data(f32, 4, 64))
mx.quantize(data(f16, 4, 128), group_size=32, bits=8)
mx.quantize(mx.ones((2, 32)))
mx.quantize(mx.ones((64,)))
mx.quantize(mx.ones((2, 64)), bits=7)
mx.quantize(mx.ones((2, 64)), mode='foo')
mx.dequantize(*mx.quantize(data(f32, 4, 64)))
mx.dequantize(*mx.quantize(data(f16, 4, 64)), dtype=mx.float32)
mx.quantized_matmul(data(f32, 2, 64), *mx.quantize(data(f32, 32, 64, seed=1)))
mx.quantized_matmul(data(f32, 2, 32), *mx.quantize(data(f32, 32, 64, seed=1)), transpose=False)
mx.conv1d(data(f32, 2, 7, 3), data(f32, 4, 3, 3))
mx.conv1d(data(f32, 2, 7, 4), data(f32, 4, 3, 2), 2, 1, 1, 2)
mx.conv1d(data(f16, 2, 7, 4), data(f16, 4, 3, 4), padding=2, dilation=2)
mx.conv1d(data(f32, 2, 7, 4), data(f32, 4, 3, 1), groups=4)
mx.conv1d(data(f32, 2, 7, 4), data(f32, 4, 3, 3))
mx.conv1d(data(f32, 2, 3), data(f32, 4, 3, 3))
mx.conv1d(data(f32, 1, 2, 3), data(f32, 4, 3, 3))
mx.conv1d(n.reshape(1, 3, 4), n.reshape(1, 3, 4))
mx.conv1d(data(f32, 1, 5, 3), data(f32, 4, 3, 3), padding=-1)
mx.conv2d(data(f32, 1, 5, 6, 3), data(f32, 4, 3, 2, 3))
mx.conv2d(data(f32, 1, 5, 6, 4), data(f32, 6, 3, 2, 2), (1, 2), (1, 0), (1, 2), 2)
mx.conv2d(data(f32, 1, 5, 6, 4), data(f32, 8, 3, 2, 1), padding=1, groups=4)
mx.conv3d(data(f32, 1, 4, 5, 3, 2), data(f32, 3, 2, 2, 2, 2), 2, 1)
mx.conv_transpose1d(data(f32, 1, 4, 2), data(f32, 3, 3, 2), 2, 1, 1, 1)
mx.conv_transpose2d(data(f32, 1, 4, 3, 2), data(f32, 3, 3, 2, 2), (2, 1), (1, 0), 1, (1, 0))
mx.conv_transpose3d(data(f32, 1, 2, 3, 2, 2), data(f32, 3, 2, 2, 2, 2), 2)
mx.conv_general(data(f32, 1, 5, 2), data(f32, 3, 2, 2), 1, ([2], [1]), 2, 2, flip=True)
mx.conv_general(data(f32, 1, 5, 5, 2), data(f32, 3, 2, 2, 2), padding=[1, 0])
mx.convolve(v, mx.array([1.0, 0.5]))
mx.convolve(v, mx.array([1.0, 0.5]), mode='same')
mx.convolve(v, mx.array([1.0, 0.5, 2.0, 1.0]), mode='same')
mx.convolve(v, mx.array([1.0, 0.5]), mode='valid')
mx.convolve(mx.array([1, 2, 3]), mx.array([1, 2]))
mx.convolve(m, v)
mx.convolve(v, v, mode='foo')
mx.grad(lambda a, w: mx.conv2d(a, w, 2, 1).square().sum(), argnums=(0, 1))(data(f32, 1, 5, 6, 2), data(f32, 3, 3, 3, 2))
mx.vmap(lambda a: mx.conv1d(a, data(f32, 2, 3, 2)))(data(f32, 3, 1, 5, 2))
P.layer(lambda: nn.Conv1d(3, 4, 3), data(f32, 2, 7, 3))
P.layer(lambda: nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), data(f32, 1, 6, 6, 4))
P.layer(lambda: nn.Conv3d(2, 3, 2), data(f32, 1, 3, 3, 4, 2))
P.layer(lambda: nn.ConvTranspose1d(3, 4, 3, 2), data(f32, 1, 4, 3))
P.layer(lambda: nn.ConvTranspose2d(3, 4, 3, 2, 1, output_padding=1, bias=False), data(f32, 1, 4, 4, 3))
P.layer(lambda: nn.ConvTranspose3d(2, 3, 2, 2), data(f32, 1, 2, 2, 3, 2))
mx.gather_mm(data(f32, 2, 1, 3), data(f32, 4, 3, 2), mx.array([0, 1, 1]), mx.array([3, 0, 2]))
mx.gather_mm(data(f32, 2, 1, 3), data(f32, 4, 3, 2), rhs_indices=mx.array([3, 0]))
mx.gather_mm(data(f32, 5, 1, 1, 3), data(f32, 4, 3, 2), rhs_indices=mx.array([[3, 0], [1, 1], [2, 2], [0, 3], [1, 2]]), sorted_indices=False)
mx.gather_mm(data(f32, 2, 3), data(f32, 3, 2))
mx.gather_qmm(data(f32, 2, 1, 64), *mx.quantize(data(f32, 3, 32, 64), 32, 4), rhs_indices=mx.array([2, 0]), group_size=32, bits=4)
mx.gather_qmm(data(f32, 2, 1, 32), *mx.quantize(data(f32, 3, 32, 64), 32, 4), rhs_indices=mx.array([2, 0]), transpose=False, group_size=32, bits=4)
mx.segmented_mm(data(f32, 3, 6), data(f32, 6, 2), mx.array([[0, 2], [2, 6], [1, 1]], mx.uint32))
mx.block_masked_mm(data(f32, 40, 33), data(f32, 33, 20), 32, mx.array([[True], [False]]))
mx.block_masked_mm(data(f32, 40, 33), data(f32, 33, 20), 32, None, mx.array([[1.0, 2.0], [0.0, 3.0]]), mx.array([[True], [False]]))
mx.block_masked_mm(data(f32, 40, 33), data(f32, 33, 20), 16)
mx.hadamard_transform(data(f32, 3, 8))
mx.hadamard_transform(data(f16, 3, 8), 0.5)
mx.hadamard_transform(n)
mx.to_fp8(data(f32, 5, 7))
mx.to_fp8(mx.array([0.0, -0.0, 1e-3, 0.0155, 447.0, 448.0, 1000.0, -1e9, 0.001953125, 0.0009765625, 0.00293]))
mx.to_fp8(data(bf16, 5, 7))
mx.to_fp8(n)
mx.from_fp8(mx.arange(256).astype(mx.uint8), mx.float32)
mx.from_fp8(mx.arange(256).astype(mx.uint8))
mx.from_fp8(n)
# linear algebra: what is unique is compared
mx.linalg.norm(x)
mx.linalg.norm(x, ord=1)
mx.linalg.norm(x, ord='nuc', stream=mx.cpu)
mx.linalg.norm(x, ord=2, stream=mx.cpu)
mx.linalg.norm(x, ord=-2, stream=mx.cpu)
mx.linalg.norm(x, ord=float('inf'))
mx.linalg.norm(x, axis=0)
mx.linalg.norm(x, ord=3)
mx.linalg.norm(x, ord=3, axis=1, keepdims=True)
mx.linalg.norm(x, 'f', axis=[0, 1], keepdims=True)
mx.linalg.norm(n, ord='fro')
mx.linalg.norm(mx.array([1, -2]), ord=0)
mx.linalg.norm(mx.array([1, -2]), ord=-float('inf'))
mx.linalg.norm(x, ord='foo')
mx.linalg.norm(t, ord=1)
mx.linalg.norm(t)
mx.linalg.norm(data(c64))
mx.matrix_norm(x)
mx.grad(mx.linalg.norm)(v)
mx.linalg.cross(v, mx.array([3.0, 1.0, 2.0]))
mx.linalg.cross(mx.array([1.0, 2.0]), mx.array([3.0, 1.0]))
mx.linalg.cross(x, x)
mx.linalg.qr(data(f32, 4, 3), stream=mx.cpu)
mx.linalg.qr(data(f32, 2, 3, 4), stream=mx.cpu)
mx.linalg.qr(v, stream=mx.cpu)
mx.linalg.qr(n, stream=mx.cpu)
mx.linalg.svd(data(f32, 4, 3), compute_uv=False, stream=mx.cpu)
P.rebuilt(mx.linalg.svd(data(f32, 4, 3), stream=mx.cpu))
P.rebuilt(mx.linalg.svd(data(f32, 2, 3, 5), stream=mx.cpu))
mx.linalg.svd(v, stream=mx.cpu)
mx.linalg.inv(data(f32, 2, 3, 3), stream=mx.cpu)
mx.linalg.inv(x, stream=mx.cpu)
mx.linalg.inv(mx.ones((2, 2)), stream=mx.cpu)
mx.linalg.inv(n[:, :3], stream=mx.cpu)
mx.grad(lambda a: mx.linalg.inv(a, stream=mx.cpu).sum())(data(f32, 3, 3))
mx.linalg.pinv(data(f32, 4, 3), stream=mx.cpu)
mx.linalg.pinv(data(f32, 2, 3, 5), stream=mx.cpu)
mx.linalg.tri_inv(mx.tril(data(f32, 3, 3, low=0.5)), stream=mx.cpu)
mx.linalg.tri_inv(mx.triu(data(f32, 3, 3, low=0.5)), upper=True, stream=mx.cpu)
mx.linalg.cholesky(P.definite(), stream=mx.cpu)
mx.linalg.cholesky(P.definite(), upper=True, stream=mx.cpu)
mx.linalg.cholesky_inv(mx.linalg.cholesky(P.definite(), stream=mx.cpu), stream=mx.cpu)
mx.linalg.cholesky_inv(mx.linalg.cholesky(P.definite(), upper=True, stream=mx.cpu), upper=True, stream=mx.cpu)
mx.linalg.lu(data(f32, 4, 4), stream=mx.cpu)
mx.linalg.lu(data(f32, 4, 3), stream=mx.cpu)
mx.linalg.lu_factor(data(f32, 2, 3, 3), stream=mx.cpu)
mx.linalg.eigvalsh(P.definite(), stream=mx.cpu)
mx.linalg.eigvalsh(data(f32, 3, 3), UPLO='U', stream=mx.cpu)
P.spectrum(mx.linalg.eigh(P.definite(), stream=mx.cpu))
mx.linalg.eigh(x, stream=mx.cpu)
mx.linalg.solve(data(f32, 3, 3), data(f32, 3, 2), stream=mx.cpu)
mx.linalg.solve(data(f32, 2, 3, 3), data(f32, 3, 2), stream=mx.cpu)
mx.linalg.solve(data(f32, 3, 3), v, stream=mx.cpu)
mx.linalg.solve(data(f32, 3, 3), mx.ones(2), stream=mx.cpu)
mx.linalg.solve_triangular(mx.tril(data(f32, 3, 3, low=0.5)), data(f32, 3, 2), stream=mx.cpu)
mx.linalg.solve_triangular(mx.triu(data(f32, 3, 3, low=0.5)), v, upper=True, stream=mx.cpu)
mx.linalg.det(data(f32, 2, 2))
mx.linalg.det(data(f32, 2, 3, 3))
mx.linalg.det(data(f32, 4, 4), stream=mx.cpu)
mx.linalg.det(x)
mx.grad(lambda a: mx.linalg.det(a))(data(f32, 3, 3))
mx.linalg.slogdet(data(f32, 3, 3), stream=mx.cpu)
mx.linalg.slogdet(data(f32, 2, 4, 4), stream=mx.cpu)
P.initialised(nn.init.orthogonal())
P.initialised(nn.init.orthogonal(2.0), (3,))
# Fourier transforms
mx.fft.fft(v)
mx.fft.fft(n, axis=0)
mx.fft.fft(data(c64, 3, 7), n=5)
mx.fft.fft(v, n=6)
mx.fft.fft(v, norm='ortho')
mx.fft.fft(v, norm='forward')
mx.fft.fft(v, norm='foo')
mx.fft.fft(v, n=0)
mx.fft.fft(v, axis=3)
mx.fft.ifft(data(c64, 3, 8))
mx.fft.ifft(data(c64, 3, 8), norm='forward')
mx.fft.rfft(data(f32, 3, 9))
mx.fft.rfft(data(f32, 3, 9), 4, 0)
mx.fft.irfft(data(c64, 3, 5))
mx.fft.irfft(data(c64, 3, 5), n=7)
mx.fft.fft2(data(c64, 2, 3, 4))
mx.fft.fft2(m, s=[4, 4])
mx.fft.ifft2(data(c64, 2, 3, 4), axes=[0, 1])
mx.fft.rfft2(t)
mx.fft.irfft2(data(c64, 2, 3, 4))
mx.fft.fftn(t)
mx.fft.fftn(t, axes=(0, 2))
mx.fft.fftn(t, s=(2, 2))
mx.fft.fftn(t, s=(2, 2), axes=(0, 2))
mx.fft.ifftn(data(c64, 2, 3, 4))
mx.fft.rfftn(t)
mx.fft.irfftn(data(c64, 2, 3, 4), s=(2, 5), axes=(0, 1))
mx.fft.fftfreq(5)
mx.fft.fftfreq(4, 0.5)
mx.fft.rfftfreq(5)
mx.fft.fftshift(mx.arange(5))
mx.fft.fftshift(n, axes=1)
mx.fft.ifftshift(mx.arange(5))
mx.grad(lambda a: mx.abs(mx.fft.fft(a)).square().sum())(v)
mx.vjp(mx.fft.fft, [data(c64, 4)], [data(c64, 4, seed=2)])
mx.vjp(mx.fft.ifft, [data(c64, 4)], [data(c64, 4, seed=2)])
mx.vjp(mx.fft.rfft, [data(f32, 4)], [data(c64, 3, seed=2)])
mx.vjp(mx.fft.irfft, [data(c64, 3)], [data(f32, 4, seed=2)])
mx.jvp(mx.fft.fft, [data(c64, 4)], [data(c64, 4, seed=2)])
mx.vmap(mx.fft.fft, in_axes=1)(data(c64, 4, 3))
# dtypes
mx.float32.size
mx.float32 == mx.float32
mx.float32 == 1
hash(mx.float32)
mx.issubdtype(mx.float32, mx.floating)
mx.issubdtype(mx.float32, mx.float32)
mx.issubdtype(mx.bool_, mx.generic)
mx.issubdtype(mx.bool_, mx.integer)
mx.issubdtype(mx.floating, mx.inexact)
mx.issubdtype(mx.uint8, mx.signedinteger)
mx.issubdtype(mx.complex64, mx.complexfloating)
mx.issubdtype(mx.int8, mx.number)
mx.isdtype(mx.float32, 'real floating')
mx.isdtype(mx.int8, ('bool', 'integral'))
mx.isdtype(mx.float32, 'xx')
mx.isdtype(mx.uint8, 'unsigned integer')
mx.isdtype(mx.int8, 'signed integer')
mx.isdtype(mx.complex64, 'numeric')
mx.result_type(mx.int32, mx.array(1.5))
mx.result_type(mx.uint32, mx.int8)
mx.result_type()
mx.can_cast(mx.int32, mx.float32)
mx.can_cast(mx.float32, mx.int32)
mx.can_cast(x, mx.float64)
[mx.finfo(d).eps for d in (mx.float16, mx.bfloat16, mx.float32, mx.float64)]
[mx.finfo(d).max for d in (mx.float16, mx.bfloat16, mx.float32)]
[mx.finfo(d).min for d in (mx.float16, mx.bfloat16, mx.float32)]
[mx.finfo(d).smallest_normal for d in (mx.float16, mx.bfloat16, mx.float32)]
mx.finfo(mx.float16).bits
mx.finfo(mx.float16).dtype
mx.finfo(mx.int32)
[mx.iinfo(d).max for d in (mx.int8, mx.uint16, mx.int32, mx.uint64, mx.int64)]
[mx.iinfo(d).min for d in (mx.int8, mx.uint16, mx.int32, mx.uint64, mx.int64)]
mx.iinfo(mx.int8).dtype
mx.iinfo(mx.float32)
[getattr(mx, d).size for d in "bool_ uint8 uint16 uint32 uint64 int8 int16 int32 int64 float16 float32 float64 bfloat16 complex64".split()]
mx.array([1.5], mx.float64) + 1
(mx.pi, mx.e, mx.inf, mx.euler_gamma)
math.isnan(mx.nan)
mx.newaxis
mx.__version__
# devices
mx.Device(mx.cpu) == mx.cpu
mx.Device(mx.cpu, 1)
mx.Device(mx.cpu).type == mx.cpu
mx.cpu == mx.gpu
mx.DeviceType.cpu == mx.cpu
mx.new_stream(mx.gpu)
mx.set_default_device(mx.gpu)
mx.set_default_device(mx.cpu)
mx.set_default_stream(mx.default_stream(mx.cpu))
mx.default_stream(mx.cpu).device == mx.cpu
mx.add(1, 2, stream=mx.gpu)
mx.add(1, 2, stream=mx.cpu)
mx.add(1, 2, stream='cpu')
mx.add(1, 2, stream=mx.new_stream(mx.cpu))
mx.add(1, 2, stream=mx.new_thread_local_stream(mx.cpu))
mx.add(1, 2, stream=mx.new_thread_unsafe_stream(mx.cpu))
mx.is_available(mx.cpu)
mx.is_available(mx.gpu)
mx.device_count(mx.cpu)
mx.device_count(mx.gpu)
mx.device_info()
mx.device_info(mx.gpu)
mx.synchronize()
mx.synchronize(mx.cpu)
type(mx.stream(mx.cpu)).__name__
P.contexts()
P.threads()
mx.metal.is_available()
mx.cuda.is_available()
mx.metal.device_info()
mx.metal.start_capture('x')
mx.metal.stop_capture()
mx.clear_cache()
mx.set_wired_limit(1000)
mx.set_cache_limit(1 << 29) * 0
mx.get_active_memory() >= 0
mx.get_peak_memory() >= 0
mx.get_cache_memory() >= 0
mx.get_memory_limit() > 0
mx.set_memory_limit(mx.get_memory_limit()) > 0
mx.reset_peak_memory()
mx.get_array_buffer_size(v)
mx.get_array_buffer_size(v, m)
mx.fast.cuda_kernel('a', ['x'], ['y'], '')
mx.fast.metal_kernel('a', ['x'], ['y'], '')(inputs=[v], output_shapes=[(3,)], output_dtypes=[f32], grid=(1, 1, 1), threadgroup=(1, 1, 1))
mx.distributed.is_available()
mx.distributed.init().size()
mx.distributed.init().rank()
mx.distributed.init().split(0)
mx.distributed.init(strict=True)
mx.distributed.all_sum(v)
mx.distributed.all_max(v)
mx.distributed.all_min(v)
mx.distributed.all_gather(v)
mx.distributed.sum_scatter(v)
mx.distributed.send(v, 0)
mx.distributed.recv((2,), mx.float32, 0)
mx.distributed.recv_like(v, 0)
# transforms
mx.grad(lambda a, b: a * a * b)(s, mx.array(3.0))
mx.grad(lambda a, b: a * a * b, argnums=1)(s, mx.array(3.0))
mx.grad(lambda a, b: a * a * b, argnums=(0, 1))(s, mx.array(3.0))
mx.grad(lambda a, b: a * a * b, argnums=(0,))(s, mx.array(3.0))
mx.grad(lambda a, b: a * a * b, argnums=(0, 0))(s, s)
mx.grad(lambda a, b: a * a * b, argnums=2)(s, s)
mx.grad(lambda a, b: a * a * b, argnums=-1)(s, s)
mx.grad(lambda a, b: a * a * b, argnums=[])(s, s)
mx.grad(lambda a, y: a * y, argnames='y')(s, y=s)
mx.grad(lambda a, y: a * y, argnums=0, argnames=['y'])(s, y=s)
mx.grad(lambda a, y: a * y, argnames='z')(s, s)
mx.value_and_grad(lambda a, y: a * y, argnames='y')(s, y=s)
mx.value_and_grad(lambda p: (p['a'] * p['b'][0]).sum())({'a': v, 'b': [v]})
mx.value_and_grad(lambda p: ((p * p).sum(), p, 3))(v)
mx.value_and_grad(lambda p: [(p * p).sum(), p])(v)
mx.value_and_grad(lambda p: 3.0)(v)
mx.value_and_grad(lambda p: (3.0, p))(v)
mx.value_and_grad(lambda p: p)(v)
mx.grad(lambda p: (p.sum(), p))(v)
mx.grad(lambda p: p['a'].sum())({'a': v, 'b': 's'})
mx.grad(lambda p: p * 2)(3.0)
mx.grad(lambda p: 1 / 0)(v)
mx.grad(lambda p: mx.sum(p, axis=5))(v)
mx.grad(mx.grad(lambda p: p**3))(s)
mx.grad(lambda p: mx.stop_gradient(p) * p)(s)
mx.grad(lambda a: a.sum())(n)
mx.grad(lambda a: s)({})
mx.grad(lambda a: s)([])
mx.grad(3)
mx.grad(lambda a: (a @ a.T).sum())(m)
mx.grad(lambda a: a[mx.array([0, 0, 1])].sum())(m)
mx.grad(lambda a: (a[::2, 1:] * 3).sum())(x)
mx.grad(lambda a: mx.concatenate([a, a * 2]).sum())(m)
mx.grad(lambda a: mx.where(a > 1, a * a, a).sum())(m)
mx.grad(lambda a: mx.softmax(a, axis=-1)[0, 0])(m)
mx.grad(lambda a: a.astype(mx.float16).sum())(m)
mx.grad(lambda a: mx.pad(a, 1).sum())(m)
mx.grad(lambda a: mx.repeat(a, 3, axis=0).sum())(m)
mx.grad(lambda a: mx.einsum('ij,kj->', a, a))(m)
mx.vjp(lambda a, b: a * a * b, [s, s], [mx.array(1.0)])
mx.vjp(lambda a: (a, a * 2), [s], [s, s])
mx.vjp(lambda a: a, [s], [])
mx.vjp(lambda a: a, [s], [v])
mx.vjp(lambda a: {'k': a}, [s], [s])
mx.vjp(lambda a: a, s, s)
mx.jvp(lambda a, b: a * a * b, [s, s], [s, s])
mx.jvp(lambda a: (a, a * 2), [s], [s])
mx.jvp(lambda a: a, [s], [v])
mx.jvp(lambda a: a, [s], [])
mx.vmap(lambda a: a * 2)(m)
mx.vmap(lambda a, b: a + b, in_axes=(0, None))(m, v)
mx.vmap(lambda a, b: a + b, in_axes=(1, None))(m, s)
mx.vmap(lambda a: a * 2, out_axes=1)(m)
mx.vmap(lambda d: d['a'] + d['b'], in_axes={'a': 0, 'b': 0})({'a': m, 'b': m})
mx.vmap(lambda d: d['a'] + d['b'])({'a': m, 'b': m})
mx.vmap(lambda a: (a, a.sum()), out_axes=(1, 0))(m)
mx.vmap(lambda a: {'x': a})(m)
mx.vmap(lambda a: a, in_axes=5)(m)
mx.vmap(lambda a, b: a + b)(m, v)
mx.vmap(lambda a: 3)(m)
mx.vmap(lambda a: a, in_axes=(0, 0))(m)
mx.vmap(lambda a, b: a * b)(m, 3)
mx.vmap(lambda a: a.sum().item())(m)
mx.vmap(lambda a: mx.array(1.0))(m)
mx.vmap(mx.grad(lambda a: (a * a).sum()))(m)
mx.vmap(mx.vmap(lambda a: a * a))(m)
mx.checkpoint(lambda a: a * 2)(v)
mx.grad(lambda a: mx.checkpoint(lambda b: mx.sin(b))(a).sum())(v)
mx.checkpoint(lambda a, k: a * k)(v, k=v)
mx.custom_function(lambda a: a * 2)(v)
mx.compile(lambda a: {'k': a * 2, 'c': 3})(v)
mx.compile(lambda a, b: a * b)(v, 2)
mx.compile(lambda a, b: a * b)(v, b='s')
mx.compile(lambda a: a.item())(s)
mx.compile(lambda a: (mx.eval(a), a))(s)
mx.compile(lambda a: None)(s)
mx.compile(3)
mx.compile(lambda a: a.reshape(6), shapeless=True)(m)
mx.compile(lambda a: 1 / 0)(m)
mx.compile(lambda a: a)(object())
mx.grad(mx.compile(lambda a: (a * a).sum()))(v)
mx.vmap(mx.compile(lambda a: (a * a).sum()))(m)
mx.compile(mx.grad(lambda a: (a * a).sum()))(v)
mx.depends([v], [m])
mx.depends(v, m)
mx.eval([x, {'a': x}], 3, 's')
mx.async_eval(x + 1)
P.custom_vjp()
P.custom_single()
P.custom_tree()
P.compiled_state()
P.compiled_once()
P.compiled_random()
P.compiled_disabled()
P.nested_transforms()
P.grad_item()
# random
P.random_all()
P.seeds()
mx.random.seed(-1)
mx.random.key(-1)
mx.random.normal(shape=3)
mx.random.normal(dtype=mx.int32)
mx.random.uniform(shape=(2,), dtype=mx.int32)
mx.random.state[1]
len(mx.random.state)
(mx.random.seed(5), list(mx.random.state))[1]
# files
P.files(tmp)
P.overwritten(tmp)
P.gguf(tmp)
mx.load('/nonexistent.npy')
mx.load('/tmp/x.xyz')
mx.load(tmp + '/missing.safetensors')
mx.save_safetensors(tmp + '/bad', {'a': 3})
mx.load(3)
# fast
mx.fast.rms_norm(data(f32, 2, 8), mx.ones(8), 1e-5)
mx.fast.rms_norm(data(f16, 2, 8), None, 1e-5)
mx.fast.rms_norm(v, None)
mx.fast.layer_norm(data(f32, 2, 8), mx.ones(8), mx.zeros(8), 1e-5)
mx.fast.layer_norm(v, None, None, 1e-5)
mx.fast.rope(data(f32, 1, 2, 3, 8), 8, traditional=False, base=10000.0, scale=1.0, offset=0)
mx.fast.rope(data(f32, 1, 2, 3, 8), 4, traditional=True, base=10000.0, scale=0.5, offset=3)
mx.fast.rope(data(f32, 1, 2, 3, 8), 8, traditional=False, base=None, scale=1.0, offset=0)
mx.fast.rope(data(f32, 1, 2, 3, 8), 8, traditional=False, base=None, scale=1.0, offset=2, freqs=mx.array([1.0, 2.0, 3.0, 4.0]))
mx.fast.scaled_dot_product_attention(data(f32, 1, 4, 3, 8), data(f32, 1, 2, 5, 8), data(f32, 1, 2, 5, 8, seed=2), scale=0.3)
mx.fast.scaled_dot_product_attention(data(f32, 1, 4, 3, 8), data(f32, 1, 2, 5, 8), data(f32, 1, 2, 5, 8, seed=2), scale=0.3, mask='causal')
mx.fast.scaled_dot_product_attention(data(f32, 1, 2, 3, 8), data(f32, 1, 2, 5, 8), data(f32, 1, 2, 5, 8, seed=2), scale=0.3, mask=data(f32, 3, 5))
mx.fast.scaled_dot_product_attention(data(f32, 1, 2, 3, 8), data(f32, 1, 2, 3, 8), data(f32, 1, 2, 3, 8), scale=1.0, mask='foo')
mx.fast.cross_entropy(data(f32, 3, 5), mx.array([0, 4, 2]))
"""


# Files of functions, small floats, signals, and what had no case.
MORE = r"""
# Files of functions and graphs.
P.exported(tmp, lambda a, b: mx.exp(a) * b + 1, v, v, calls=[((v,), {}), ((v, v, v), {}), ((mx.ones(2), mx.ones(2)), {}), ((v.astype(f16), v), {}), (((v, v),), {}), (([v, v],), {}), (((v, v), {}), {}), ((v, 1.0), {}), ((v,), {'b': v})])
P.exported(tmp, lambda a, b: a - b, v, b=v * 2, calls=[((v, v), {}), (((v,), {'b': v}), {}), ((v,), {'c': v})])
P.exported(tmp, lambda a: [a, a.sum()], x, metadata='hello')
P.exported(tmp, lambda: mx.arange(3))
P.exported(tmp, lambda a: mx.softmax(a @ a.T + 2, axis=-1), x)
P.exported(tmp, lambda a: a[1:, ::2].reshape(-1).max(), x)
P.exported(tmp, lambda a: mx.fast.rms_norm(a, mx.ones(4), 1e-5), x)
P.exported(tmp, nn.Linear(4, 3).update({'weight': data(f32, 3, 4), 'bias': v}), x)
P.exported(tmp, lambda a: mx.split(mx.sort(a, axis=0), 3), x)
P.exported(tmp, lambda a: mx.random.normal((2,), key=a), mx.random.key(3))
P.exported(tmp, lambda a: mx.exp(a) * 2 + 1, x, shapeless=True, calls=[((data(f32, 2, 5),), {}), ((v,), {}), ((x.astype(f16),), {})])
P.exported(tmp, lambda a, b: a + b, x, mx.ones((1, 4)), shapeless=True, calls=[((data(f32, 2, 5), mx.ones((1, 5))), {}), ((data(f32, 2, 5), mx.ones((1, 4))), {})])
P.exported(tmp, lambda a: a.sum(axis=1), x, shapeless=True, calls=[((data(f32, 2, 5),), {})])
P.exported(tmp, lambda a: mx.flatten(a).max(), x, shapeless=True, calls=[((data(f32, 2, 5),), {})])
P.exporter(tmp)
P.bad_files(tmp)
P.export_log(lambda a, b: mx.exp(a) * b, v, v)
P.export_log(lambda a, b: mx.sin(a) - b, v, b=v)
mx.export_function(lambda d: None, lambda a: a, v, metadata='z')
mx.export_function(os.path.join(tmp, 'h'), lambda a: {'q': a}, v)
mx.export_function(os.path.join(tmp, 'h'), lambda a: 3, v)
mx.export_function(os.path.join(tmp, 'h'), lambda a: (a, [a]), v)
mx.export_function(os.path.join(tmp, 'h'), lambda a: a, 3)
mx.export_function(os.path.join(tmp, 'h'), lambda a: a.item(), v)
mx.export_function(os.path.join(tmp, 'h'), lambda a, b: a + b['k'], v, {'k': v})
mx.export_function('/nodir/h', lambda a: a, v)
mx.exporter('/nodir/h', lambda a: a)
P.dotted(lambda: [mx.exp(v) + v])
P.dotted(lambda: [v * v, v - 1])
P.dotted(lambda: [v])
P.dotted(lambda: [])
P.dot_file(tmp)
mx.export_to_dot(3, x)
mx.export_to_dot(io.BytesIO(), x)
mx.export_to_dot(io.StringIO(), 3)
# Small floats.
[mx.quantize(data(f32, 4, 64), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.quantize(data(f16, 4, 64, seed=3), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.quantize(mx.random.normal((7, 128), key=mx.random.key(2)).astype(mx.bfloat16), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.quantize(mx.random.normal((2, 3, 64), key=mx.random.key(2)), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.quantize(mx.zeros((2, 64)), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.quantize(mx.full((2, 64), 1e30), mode=m) for m in ('mxfp4', 'mxfp8')]
[mx.dequantize(*mx.quantize(data(f32, 4, 64), mode=m), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.dequantize(*mx.quantize(data(f32, 4, 64), mode=m), mode=m, dtype=f32) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.quantized_matmul(data(f32, 3, 64), *mx.quantize(data(f32, 32, 64, seed=2), mode=m), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.quantized_matmul(data(f32, 3, 32), *mx.quantize(data(f32, 32, 64, seed=2), mode=m), transpose=False, mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.quantized_matmul(data(f32, 64), *mx.quantize(data(f32, 32, 64, seed=2), mode=m), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.quantized_matmul(data(f32, 2, 3, 64), *mx.quantize(data(f32, 2, 32, 64, seed=2), mode=m), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.grad(lambda a: mx.quantized_matmul(a, *mx.quantize(data(f32, 32, 64, seed=2), mode=m), mode=m).sum())(data(f32, 3, 64)) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.gather_qmm(data(f32, 1, 3, 64), *mx.quantize(data(f32, 2, 32, 64, seed=2), mode=m), rhs_indices=mx.array([1, 0, 1]), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.gather_qmm(data(f32, 1, 3, 32), *mx.quantize(data(f32, 2, 32, 64, seed=2), mode=m), rhs_indices=mx.array([1, 0, 1]), transpose=False, mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
mx.quantize(data(f32, 4, 64), mode='nvfp4', global_scale=mx.array(3.0))
mx.dequantize(*mx.quantize(data(f32, 4, 64), mode='nvfp4', global_scale=mx.array(3.0)), mode='nvfp4', global_scale=mx.array(3.0))
mx.quantize(data(f32, 4, 64), mode='mxfp4', group_size=64)
mx.quantize(data(f32, 4, 64), mode='mxfp8', bits=4)
mx.quantize(data(f32, 4, 64), mode='mxfp4', global_scale=mx.array(3.0))
mx.quantize(data(f32, 4, 64), mode='nvfp4', global_scale=mx.array(3))
mx.quantize(data(f32, 4, 64), mode='nvfp4', global_scale=mx.array([3.0, 1]))
mx.quantize(data(f32, 64), mode='mxfp4')
mx.quantize(data(f32, 4, 30), mode='mxfp4')
mx.quantize(data(i32, 4, 64), mode='mxfp4')
mx.quantize(data(f32, 4, 64), mode='foo')
mx.dequantize(*mx.quantize(data(f32, 4, 64), mode='mxfp4'), mode='mxfp4', dtype=i32)
mx.dequantize(*mx.quantize(data(f32, 4, 64), mode='mxfp4'), x, mode='mxfp4')
mx.quantized_matmul(data(f32, 3, 64), *mx.quantize(data(f32, 32, 64), mode='mxfp4'), x, mode='mxfp4')
mx.quantized_matmul(data(f32, 3, 32), *mx.quantize(data(f32, 32, 64), mode='mxfp4'), mode='mxfp4')
mx.quantized_matmul(data(i32, 3, 64), *mx.quantize(data(f32, 32, 64), mode='mxfp4'), mode='mxfp4')
[mx.qqmm(data(f32, 1, 64), *mx.quantize(data(f32, 32, 64, seed=2), mode=m), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[mx.qqmm(data(f32, 64), *mx.quantize(data(f32, 32, 64, seed=2), mode=m), mode=m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
mx.qqmm(data(f16, 64), *mx.quantize(data(f32, 32, 64, seed=2), mode='mxfp8'), mode='mxfp8').dtype
[P.quantized_product(mx.random.normal((3, 64), key=mx.random.key(1)), mx.random.normal((32, 64), key=mx.random.key(2)), m) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
[P.quantized_product(mx.random.normal((1, 3, 64), key=mx.random.key(1)), mx.random.normal((2, 32, 64), key=mx.random.key(2)), m, True, rhs_indices=mx.array([1, 0, 1])) for m in ('mxfp4', 'mxfp8', 'nvfp4')]
mx.qqmm(data(f32, 1, 64), data(f32, 32, 64), mode='nvfp4', global_scale_x=mx.array(2.0))
mx.qqmm(data(f32, 1, 64), data(f32, 32, 64), mode='mxfp8', global_scale_x=mx.array(2.0))
mx.qqmm(data(i32, 1, 64), data(f32, 32, 64))
mx.qqmm(data(f32, 1, 32), data(f32, 32, 64))
mx.qqmm(data(f32, 1, 64), mx.quantize(data(f32, 32, 64), mode='nvfp4')[0])
mx.gather_qqmm(data(f32, 1, 1, 64), data(f32, 2, 32, 64), rhs_indices=mx.array([1, 0])).shape
mx.gather_qqmm(data(f32, 1, 1, 32), data(f32, 2, 32, 64), rhs_indices=mx.array([1, 0]))
mx.gather_qqmm(data(f32, 1, 1, 64), data(f32, 2, 32, 64), rhs_indices=mx.array([1.5]))
P.qq_layer()
P.qq_layer('mxfp8')
# Signals.
mx.fft.stft(data(f32, 16), 8)
mx.fft.stft(data(f32, 2, 16), 8, 3, center=False)
[mx.fft.stft(data(f32, 16), 8, pad_mode=m) for m in ('constant', 'edge', 'reflect', 'symmetric')]
[mx.fft.stft(data(f32, 16), 8, norm=m) for m in ('backward', 'ortho', 'forward')]
mx.fft.stft(data(f32, 16), 8, norm='foo')
mx.fft.stft(data(f32, 16), 8, pad_mode='foo')
mx.fft.stft(data(f32, 16), 8, window=mx.hanning(6), onesided=False)
mx.fft.stft(data(f32, 16), 8, win_length=5)
mx.fft.stft(data(f32, 16), 8, win_length=9)
mx.fft.stft(data(f32, 16), 8, window=mx.ones((2, 4)))
mx.fft.stft(data(f32, 16), 0)
mx.fft.stft(data(f32, 16), 8, 0)
mx.fft.stft(data(f32, 16), 32, center=False)
mx.fft.stft(data(f32, 16), 32)
mx.fft.stft(data(f32, 16), 7)
mx.fft.stft(data(c64, 16), 8)
mx.fft.stft(data(c64, 16), 8, onesided=True)
mx.fft.stft(data(i32, 16), 8)
mx.fft.stft(data(f16, 16), 8)
mx.fft.stft(s)
mx.grad(lambda a: mx.abs(mx.fft.stft(a, 8)).sum())(data(f32, 16))
mx.fft.istft(mx.fft.stft(data(f32, 16), 8), 8)
[mx.fft.istft(mx.fft.stft(data(f32, 16), 8), length=n) for n in (0, 10, 18, 24, 30)]
[mx.fft.istft(mx.fft.stft(data(f32, 16), 8), 8, hop_length=n) for n in (1, 3, 8, 9)]
mx.fft.istft(mx.fft.stft(data(f32, 16), 8, window=mx.hanning(8)), 8, window=mx.hanning(8))
mx.fft.istft(mx.fft.stft(data(f32, 2, 16), 8, center=False), 8, center=False)
mx.fft.istft(mx.fft.stft(data(f32, 16), 8, onesided=False), onesided=False)
mx.fft.istft(mx.fft.stft(data(f32, 16), 8, norm='ortho'), norm='ortho')
mx.fft.istft(mx.fft.stft(data(f32, 16), 8), norm='foo')
mx.fft.istft(mx.fft.stft(data(f32, 16), 8)[0])
mx.fft.istft(mx.fft.stft(data(f32, 16), 8), 0)
mx.fft.istft(mx.fft.stft(data(f32, 16), 8), 8, 0)
mx.fft.istft(mx.fft.stft(data(f32, 16), 8), 8, win_length=9)
# Linear algebra, random numbers, the delta rule.
P.eigen(data(f32, 4, 4, seed=3))
P.eigen(data(f32, 2, 3, 3, seed=5))
P.eigen(data(f32, 4, 4, seed=3).astype(mx.complex64) * (1 + 2j))
P.eigen(mx.eye(3))
P.eigen(mx.array([[0.0, 1.0], [-1.0, 0.0]]))
P.eigen(mx.array([[2.0]]))
P.eigen(data(f32, 12, 12, seed=3))
P.eigen(data(f32, 3, 4, 4, seed=7), True)
P.eigen(mx.array([[0.0, 1.0], [-1.0, 0.0]]), True)
mx.linalg.eig(data(f32, 2, 3), stream=mx.cpu)
mx.linalg.eig(v, stream=mx.cpu)
mx.linalg.eig(data(i32, 2, 2), stream=mx.cpu)
mx.linalg.eigvals(data(f16, 2, 2), stream=mx.cpu)
mx.grad(lambda a: mx.abs(mx.linalg.eigvals(a, stream=mx.cpu)).sum())(data(f32, 3, 3))
mx.random.multivariate_normal(mx.array([1.0, 2.0]), mx.array([[2.0, 0.5], [0.5, 1.0]]), key=mx.random.key(3), stream=mx.cpu)
mx.random.multivariate_normal(mx.array([1.0, 2.0]), mx.array([[2.0, 0.5], [0.5, 1.0]]), [5, 2], key=mx.random.key(3), stream=mx.cpu)
mx.random.multivariate_normal(mx.zeros((2, 3)), mx.eye(3) * 2, key=mx.random.key(3), stream=mx.cpu)
mx.random.multivariate_normal(mx.zeros((2, 3)), mx.eye(3) * 2, [3], key=mx.random.key(3), stream=mx.cpu)
mx.random.multivariate_normal(mx.array(1.0), mx.eye(2), stream=mx.cpu)
mx.random.multivariate_normal(mx.zeros(2), mx.zeros(2), stream=mx.cpu)
mx.random.multivariate_normal(mx.zeros(2), mx.eye(3), stream=mx.cpu)
mx.random.multivariate_normal(mx.zeros(2), mx.eye(2), dtype=f16, stream=mx.cpu)
mx.fast.gated_delta_update(data(f32, 1, 3, 1, 4), data(f32, 1, 3, 1, 4, seed=1), data(f32, 1, 3, 2, 3, seed=2), data(f32, 1, 3, 2, low=0.1, high=0.9), data(f32, 1, 3, 2, low=0.1, high=0.9, seed=4))
mx.fast.gated_delta_update(data(f32, 2, 3, 1, 4), data(f32, 2, 3, 1, 4, seed=1), data(f32, 2, 3, 2, 3, seed=2), data(f32, 2, 3, 2, low=0.1, high=0.9), data(f32, 2, 3, 2, low=0.1, high=0.9, seed=4), data(f32, 2, 2, 3, 4, seed=5), mx.array([[True, False, True], [True, True, False]]))
mx.fast.gated_delta_update(data(f16, 1, 3, 1, 4), data(f16, 1, 3, 1, 4, seed=1), data(f16, 1, 3, 2, 3, seed=2), data(f32, 1, 3, 2, 4, low=0.1, high=0.9), data(f32, 1, 3, 2, low=0.1, high=0.9, seed=4))
mx.grad(lambda a: mx.fast.gated_delta_update(data(f32, 1, 3, 1, 4), a, data(f32, 1, 3, 2, 3, seed=2), data(f32, 1, 3, 2, low=0.1, high=0.9), data(f32, 1, 3, 2, low=0.1, high=0.9, seed=4))[0].sum())(data(f32, 1, 3, 1, 4, seed=1))
mx.fast.gated_delta_update(x, x, x, x, x)
mx.fast.gated_delta_update(data(f32, 1, 3, 2, 4), data(f32, 1, 3, 2, 4), data(f32, 1, 3, 3, 3), data(f32, 1, 3, 3), data(f32, 1, 3, 3))
# What had no case.
isinstance(x.at, mx.ArrayAt), isinstance(f32, mx.Dtype), isinstance(mx.floating, mx.DtypeCategory)
P.iterated(v)
P.iterated(x)
mx.array(1.0).__iter__()
isinstance(3, mx.ArrayLike)
mx.ArrayLike(np.array([1, 2]))
mx.DeviceType.cpu.__str__(), mx.DtypeCategory.floating.__str__(), mx.DtypeCategory.unsignedinteger, mx.unsignedinteger
mx.issubdtype(mx.uint8, mx.unsignedinteger), mx.issubdtype(i32, mx.DtypeCategory.unsignedinteger)
P.printed(mx.array([1 / 3]))
isinstance(mx.PrintOptions(), mx.PrintOptions), mx.PrintOptions(3).precision
P.streams()
isinstance(mx.new_thread_local_stream(mx.cpu), mx.ThreadLocalStream), type(mx.stream(mx.cpu)).__name__ == mx.StreamContext.__name__
type(mx.__array_namespace_info__()).__name__
mx.__array_namespace_info__().default_dtypes()
mx.__array_namespace_info__().capabilities()
v.__array__()
v.__div__(2), v.__rdiv__(2)
P.unreadable(v)
P.stated(x)
P.stated(mx.array([True]))
mx.array(3).__index__(), [1, 2, 3, 4][mx.array(2)]
mx.array(3.5).__index__()
v.__index__()
n.__invert__(), ~mx.array([True]), ~n
~v
v.__neg__(), -n, v.__pos__(), +n
-mx.array([True])
P.called()
mx.fast.precompiled_cuda_kernel(name='a', compiled_source=b'', inputs=[v], output_shapes=[(3,)], output_dtypes=[f32], scalars=[], grid=(1, 1, 1), threadgroup=(1, 1, 1))
P.layer(lambda: nn.AllToShardedLinear(4, 3), x)
P.layer(lambda: nn.ShardedToAllLinear(4, 3, bias=False), x)
P.layer(lambda: nn.layers.distributed.AllToShardedLinear(4, 3), x)
P.layer(lambda: nn.layers.distributed.ShardedToAllLinear(4, 3), x)
P.layer(lambda: nn.QuantizedAllToShardedLinear(64, 32), data(f32, 3, 64))
P.layer(lambda: nn.QuantizedShardedToAllLinear(64, 32, bits=8), data(f32, 3, 64))
P.layer(lambda: nn.layers.distributed.QuantizedAllToShardedLinear(64, 32), data(f32, 3, 64))
P.layer(lambda: nn.layers.distributed.QuantizedShardedToAllLinear(64, 32), data(f32, 3, 64))
P.layer(lambda: nn.AllToShardedLinear.from_linear(nn.Linear(4, 3)), x), nn.layers.distributed.AllToShardedLinear.from_linear
P.layer(lambda: nn.ShardedToAllLinear.from_linear(nn.Linear(4, 3)), x), nn.layers.distributed.ShardedToAllLinear.from_linear
P.layer(lambda: nn.QuantizedAllToShardedLinear.from_quantized_linear(nn.Linear(64, 32).to_quantized()), data(f32, 3, 64))
P.layer(lambda: nn.QuantizedShardedToAllLinear.from_quantized_linear(nn.Linear(64, 32).to_quantized()), data(f32, 3, 64))
P.layer(lambda: nn.layers.distributed.QuantizedAllToShardedLinear.from_quantized_linear(nn.Linear(64, 32).to_quantized()), data(f32, 3, 64))
P.layer(lambda: nn.layers.distributed.QuantizedShardedToAllLinear.from_quantized_linear(nn.Linear(64, 32).to_quantized()), data(f32, 3, 64))
P.layer(lambda: nn.layers.distributed.Linear(4, 3), x)
P.layer(lambda: nn.layers.distributed.AllToShardedLinear.from_linear(nn.Linear(4, 3)), x)
P.layer(lambda: nn.layers.distributed.ShardedToAllLinear.from_linear(nn.Linear(4, 3)), x)
P.fully_sharded()
P.layer(lambda: nn.FullyShardedModule(nn.Linear(4, 3)), x)
P.layer(lambda: nn.layers.distributed.FullyShardedModule(nn.Linear(4, 3)), x)
P.layer(lambda: nn.QuantizedEmbedding(32, 64), mx.array([3, 5]))
P.layer(lambda: nn.QuantizedEmbedding.from_embedding(nn.Embedding(32, 64)), mx.array([3, 5]))
P.layer(lambda: nn.QuantizedLinear(64, 32), data(f32, 3, 64))
P.layer(lambda: nn.QuantizedLinear.from_linear(nn.Linear(64, 32)), data(f32, 3, 64))
P.attributes()
P.layer(lambda: nn.layers.upsample.Upsample(2), data(f32, 1, 3, 2))
nn.layers.upsample.upsample_nearest(data(f32, 1, 3, 2), (2,))
nn.layers.upsample.upsample_linear(data(f32, 1, 3, 4, 2), (2, 2))
nn.layers.upsample.upsample_cubic(data(f32, 1, 4, 5, 2), (2, 1.5))
P.base_optimizer()
mx.logcumsumexp(data(c64, 3, 4), axis=1, reverse=True)
mx.logcumsumexp(data(c64, 7), inclusive=False)
mx.linalg.solve(mx.eye(3), data(f32, 2, 3, 2), stream=mx.cpu)
mx.linalg.solve(mx.broadcast_to(mx.eye(3), (2, 3, 3)), data(f32, 1, 3, 2), stream=mx.cpu)
mx.ArrayAt()
mx.ArrayIterator()
mx.Dtype()
mx.Stream()
mx.ThreadLocalStream()
mx.FunctionExporter()
mx.StreamContext(mx.cpu).__class__.__name__
mx.Device(mx.cpu, 0), mx.Device(mx.cpu)
mx.array(), mx.array(1)
mx.custom_function(lambda a: a)(v)
mx.finfo(f16).bits, mx.iinfo(i32).bits
mx.PrintOptions(4).precision
nn.Module().parameters()
nn.QQLinear(64, 32).weight.shape
nn.FullyShardedModule(nn.Linear(2, 2)).module.weight.shape
nn.GRU(2, 3).hidden_size, nn.LSTM(2, 3).hidden_size, nn.RNN(2, 3).hidden_size
hash(mx.float32) == hash(mx.float32)
mx.distributed.init().size(), mx.distributed.init().rank(), mx.distributed.Group.__name__
mx.distributed.Group()
mx.distributed.init().split(0)
len(mx.random.state), mx.random.state[0].shape, [a.shape for a in mx.random.state.__iter__()], mx.random.state.__len__(), mx.random.state.__getitem__(0).dtype
"""
