"""Cases that are more than one expression: each function returns what is compared."""

import copy
import io
import os
import pickle
import re
import threading

import numpy as np

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten


def assign(a, key, value):
    a = mx.array(a)
    a[key] = value
    return a


def in_place(op, a, b):
    a = mx.array(a)
    alias = a
    if op == "+=":
        a += b
    elif op == "-=":
        a -= b
    elif op == "*=":
        a *= b
    elif op == "/=":
        a /= b
    elif op == "//=":
        a //= b
    elif op == "%=":
        a %= b
    elif op == "**=":
        a **= b
    elif op == "@=":
        a @= b
    elif op == "&=":
        a &= b
    elif op == "|=":
        a |= b
    elif op == "^=":
        a ^= b
    elif op == "<<=":
        a <<= b
    elif op == ">>=":
        a >>= b
    return alias is a, alias, a


def aliases():
    """An alias sees an assignment, a copy does not."""
    a = mx.array([1, 2, 3])
    b, c, d, e = a, a[:], mx.array(a), copy.copy(a)
    a[0] = 9
    return b, c, d, e


def round_trip(a):
    b = pickle.loads(pickle.dumps(a))
    return b, copy.deepcopy(a), b is a


def subclass():
    class Own(mx.array):
        pass

    o = Own([1.0, 2.0])
    return type(o).__name__, isinstance(o, mx.array), o + 1


def weak():
    import weakref

    a = mx.array(1.0)
    return weakref.ref(a)() is a


def set_attribute():
    mx.array(1).foo = 3


def unpack():
    a, b = mx.array([[1, 2], [3, 4]])
    return a, b


def contexts():
    before = mx.default_device()
    with mx.stream(mx.cpu):
        inside = mx.default_stream(mx.cpu)
        y = mx.ones(2) + 1
    s = mx.new_stream(mx.cpu)
    with mx.stream(s):
        same = mx.default_stream(mx.cpu) == s
        z = mx.ones(2) * 3
    return before == mx.cpu, repr(inside), same, y, z, mx.default_stream(mx.cpu) == s


def print_precision():
    a = mx.array([1 / 3, 2.0])
    with mx.printoptions(precision=3):
        inside = repr(a)
    return inside, repr(a), mx.get_printoptions().precision


def threads():
    """Graphs built and computed in threads."""
    out = [None] * 4

    def work(i):
        x = mx.arange(100) + i
        out[i] = int(mx.sum(x * x).item())

    ts = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    [t.start() for t in ts]
    [t.join() for t in ts]
    return out


def custom_vjp():
    @mx.custom_function
    def f(a, b):
        return mx.sin(a) * b

    @f.vjp
    def f_vjp(primals, cotangent, output):
        a, b = primals
        return cotangent * 10, cotangent * output

    a, b = mx.array(1.0), mx.array(2.0)
    return f(a, b), mx.grad(f, argnums=(0, 1))(a, b), mx.value_and_grad(lambda a: f(a, b) * 2)(a)


def custom_single():
    @mx.custom_function
    def f(a):
        return a * a

    @f.vjp
    def f_vjp(primal, cotangent, output):
        return cotangent * primal * 100

    @f.jvp
    def f_jvp(primal, tangent):
        return tangent * 7

    @f.vmap
    def f_vmap(primal, axis):
        return primal * 1000, axis

    a = mx.array([1.0, 2.0])
    return (
        f(a),
        mx.grad(lambda a: f(a).sum())(a),
        mx.jvp(f, [a], [mx.ones(2)]),
        mx.vmap(f)(a),
    )


def custom_tree():
    @mx.custom_function
    def f(d):
        return {"sum": d["a"] + d["b"], "product": d["a"] * d["b"]}

    @f.vjp
    def f_vjp(primal, cotangent, output):
        return {"a": cotangent["sum"] * 2, "b": cotangent["product"] * 3}

    d = {"a": mx.array(2.0), "b": mx.array(5.0)}

    def loss(d):
        o = f(d)
        return o["sum"] + o["product"]

    return f(d), mx.grad(loss)(d)


def compiled_state():
    """Captured state is read and written."""
    state = {"count": mx.array(0.0)}

    def step(x):
        state["count"] = state["count"] + x
        return state["count"] * 2

    f = mx.compile(step, inputs=state, outputs=state)
    first, second = f(mx.array(1.0)), f(mx.array(5.0))
    return first, second, state


def compiled_once():
    """A function is run once for each kind of arguments."""
    runs = []

    def f(x, k=2):
        runs.append(k)
        return x * k

    c = mx.compile(f)
    out = [c(mx.ones(2)), c(mx.zeros(2)), c(mx.ones(3)), c(mx.ones(2), k=3), c(mx.ones(2, mx.int32))]
    return out, runs


def compiled_random():
    mx.random.seed(3)

    def f():
        return mx.random.uniform(shape=(2,))

    c = mx.compile(f, inputs=mx.random.state, outputs=mx.random.state)
    return c(), c(), mx.random.uniform(shape=(2,))


def compiled_disabled():
    runs = []
    c = mx.compile(lambda x: (runs.append(1), x + 1)[1])
    mx.disable_compile()
    try:
        c(mx.ones(1)), c(mx.ones(1))
    finally:
        mx.enable_compile()
    return len(runs)


def seeds():
    mx.random.seed(7)
    a = mx.random.uniform(shape=(3,))
    b = mx.random.normal(shape=(3,))
    mx.random.seed(7)
    return a, b, mx.random.uniform(shape=(3,))


def nested_transforms():
    f = lambda x: mx.sin(x) * x  # noqa: E731
    x = mx.array([0.5, 1.0, 2.0])
    hessian = mx.vmap(mx.grad(mx.grad(f)))(x)
    jac = mx.vmap(lambda t: mx.jvp(lambda x: x * x, [x], [t])[1][0])(mx.eye(3))
    return hessian, jac


def grad_item():
    """Values can be looked at inside a differentiated function."""

    def f(x):
        if x.sum().item() > 0:
            return (x * x).sum()
        return x.sum()

    return mx.grad(f)(mx.array([1.0, 2.0])), mx.grad(f)(mx.array([-1.0, -2.0]))


def files(tmp):
    a = {"w": mx.array([[1.0, 2.0]]), "h": mx.array([1.5], mx.float16), "b": mx.array([2.5], mx.bfloat16), "i": mx.array([1, 2])}
    mx.save_safetensors(tmp + "/t.safetensors", a, {"k": "v"})
    st, md = mx.load(tmp + "/t.safetensors", return_metadata=True)
    mx.savez(tmp + "/t.npz", a["w"], named=a["i"])
    mx.savez_compressed(tmp + "/tc.npz", a["w"])
    mx.save(tmp + "/t", a["w"])
    with open(tmp + "/o.npy", "wb") as f:
        mx.save(f, a["w"])
    with open(tmp + "/o.npy", "rb") as f:
        o = mx.load(f)
    order = sorted(st)
    return [st[k] for k in order], md, mx.load(tmp + "/t.npz"), mx.load(tmp + "/tc.npz"), mx.load(tmp + "/t.npy"), o


def overwritten(tmp):
    """A file can be replaced by arrays that were loaded from it."""
    p = tmp + "/same.safetensors"
    mx.save_safetensors(p, {"a": mx.arange(1000)})
    w = mx.load(p)
    mx.eval(w)
    mx.save_safetensors(p, {"a": w["a"] + 1, "b": w["a"]})
    w = mx.load(p)
    return w["a"][:3], w["b"][-2:]


def gguf(tmp):
    p = tmp + "/t.gguf"
    mx.save_gguf(p, {"a": mx.array([[1.0, 2.0]]), "b": mx.array([3], mx.float16)}, {"s": "text", "l": ["x", "y"], "n": mx.array(3)})
    a, m = mx.load(p, return_metadata=True)
    return a["a"], a["b"], [m[k] for k in sorted(m)]


def numpy_view():
    """numpy sees the memory of an array."""
    a = mx.array([1.0, 2.0, 3.0])
    mx.eval(a)
    return np.array(a, copy=False).tolist(), np.asarray(a.reshape(3, 1)).shape, np.from_dlpack(a).tolist()


def random_all():
    k = mx.random.key(11)
    r = mx.random
    return [
        r.uniform(shape=(5,), key=k), r.uniform(-1, 3, (2, 2), mx.float16, k), r.normal((5,), key=k),
        r.normal((3,), mx.bfloat16, 1.0, 2.0, k), r.randint(-5, 9, (6,), key=k), r.bernoulli(0.3, (8,), k),
        r.truncated_normal(-1.0, 1.0, (5,), key=k), r.gumbel((4,), key=k), r.laplace((4,), key=k),
        r.permutation(7, key=k), r.permutation(mx.arange(6).reshape(3, 2), key=k), r.permutation(mx.arange(6).reshape(2, 3), axis=1, key=k),
        r.categorical(mx.array([[0.1, 2.0, 0.3]]), num_samples=5, key=k), r.categorical(mx.zeros((4, 3)), key=k),
        r.split(k, 3), r.key(1 << 40), r.normal((2,), mx.complex64, key=k),
    ]


def parameters(make):
    """Parameters as the initial seed makes them."""
    mx.random.seed(1)
    return [[k, v] for k, v in tree_flatten(make().parameters())]


def layer(make, *inputs):
    """A layer's parameters, its result, its text, and the gradient by its parameters."""
    mx.random.seed(1)
    module = make()
    out = module(*inputs)
    first = out[0] if isinstance(out, tuple) else out

    def loss(*inputs):
        out = module(*inputs)
        out = (out[0] if isinstance(out, tuple) else out).astype(mx.float32)
        # Weights, so that gradients do not cancel.
        return (out * mx.arange(1.0, out.size + 1).reshape(out.shape)).sum()

    value, grads = None, {}
    if tree_flatten(module.trainable_parameters()):
        value, grads = nn.value_and_grad(module, loss)(*inputs)
    text = repr(module) if not isinstance(module, nn.RNN) else ""
    return [[k, v] for k, v in tree_flatten(module.parameters())], out, first.shape, dict(tree_flatten(grads)), text


def batch_norm():
    """Kept means, in and out of training."""
    m = nn.BatchNorm(3)
    x = mx.arange(12.0).reshape(4, 3)
    m(x)
    m(x * 2)
    kept = m.running_mean, m.running_var
    m.eval()
    m.freeze()
    m.unfreeze()
    return kept, m(x), sorted(m.trainable_parameters()), m.running_mean


def dropout(module, shape):
    mx.random.seed(2)
    return module(mx.ones(shape))


def initialised(init, shape=(4, 6)):
    mx.random.seed(5)
    return init(mx.zeros(shape))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 8)
        self.blocks = [nn.Linear(8, 8), nn.LayerNorm(8)]
        self.named = {"last": nn.Linear(8, 2)}
        self.scale = mx.array(2.0)
        self._hidden = mx.array(3.0)
        self.number = 3

    def __call__(self, x):
        x = nn.relu(self.first(x))
        for b in self.blocks:
            x = b(x)
        return self.named["last"](x) * self.scale


def module_tree():
    mx.random.seed(1)
    m = Net()
    return (
        [k for k, _ in tree_flatten(m.parameters())],
        [k for k, _ in m.named_modules()],
        [type(x).__name__ for x in m.modules()],
        sorted(m.children()),
        [type(x).__name__ for _, x in tree_flatten(m.leaf_modules(), is_leaf=nn.Module.is_module)],
        repr(m),
        m(mx.ones((1, 4))),
        m.state is m,
        [k for k, _ in tree_flatten(m.filter_and_map(lambda m, k, v: not k.startswith("_"), is_leaf_fn=lambda m, k, v: not isinstance(v, (dict, list))))],
    )


def tried(f):
    try:
        return f()
    except Exception as e:
        return type(e).__name__


def module_errors():
    m = nn.Linear(2, 3)
    return [
        tried(lambda: m.foo),
        tried(lambda: type(m.update({"weight": mx.zeros((3, 2))})).__name__),
        tried(lambda: m.update({"foo": mx.zeros(1)})),
        tried(lambda: type(m.update({"foo": mx.zeros(1)}, strict=False)).__name__),
        tried(lambda: m.update(3)),
        tried(lambda: m.update({"weight": 3})),
        tried(lambda: m.load_weights([("weight", mx.zeros((3, 2)))])),
        tried(lambda: type(m.load_weights([("weight", mx.zeros((3, 2)))], strict=False)).__name__),
        tried(lambda: m.load_weights([("weight", mx.zeros((3, 2))), ("bias", mx.zeros(3)), ("x", mx.zeros(1))])),
        tried(lambda: m.load_weights([("weight", mx.zeros((3, 3))), ("bias", mx.zeros(3))])),
        tried(lambda: m.load_weights([("weight", 3), ("bias", mx.zeros(3))])),
        tried(lambda: m.freeze(keys="zzz", strict=True)),
        tried(lambda: m.update_modules({"x": nn.ReLU()})),
        tried(lambda: m.update_modules(3)),
        tried(lambda: m.save_weights("x.foo")),
        tried(lambda: nn.Sequential(nn.Linear(2, 2)).update({"layers": [{"weight": mx.ones((2, 2))}]}).layers[0].weight),
        tried(lambda: nn.Sequential(nn.Linear(2, 2)).update({"layers": [{}, {"weight": mx.ones((2, 2))}]})),
    ]


def module_weights(tmp):
    mx.random.seed(1)
    a, b = Net(), Net()
    out = []
    for name in ("/w.safetensors", "/w.npz"):
        a.save_weights(tmp + name)
        b.load_weights(tmp + name)
        out.append(mx.array_equal(a.first.weight, b.first.weight))
    return out, sorted(mx.load(tmp + "/w.npz"))


def module_dtype():
    m = Net()
    m.set_dtype(mx.float16)
    a = m.first.weight.dtype, m.scale.dtype
    m.apply(lambda x: x.astype(mx.float32))
    m.set_dtype(mx.bfloat16, lambda d: d == mx.int32)
    return repr(a), repr(m.scale.dtype), repr(m._hidden.dtype)


def module_attributes():
    m = nn.Module()
    m.a = mx.array(1)
    m.b = 3
    first = "a" in m, "b" in m, sorted(m)
    m.a = 5
    m.b = mx.array(2)
    second = "a" in m, "b" in m, m.a
    del m.b
    return first, second, tried(lambda: m.b), m.training, m.eval().training, m.train().training


def frozen():
    m = Net()
    m.freeze()
    a = tree_flatten(m.trainable_parameters())
    m.blocks[0].unfreeze(keys="bias")
    b = [k for k, _ in tree_flatten(m.trainable_parameters())]
    m.unfreeze()
    m.freeze(recurse=False)
    c = [k for k, _ in tree_flatten(m.trainable_parameters())]
    return a, b, c


def quantized_model():
    mx.random.seed(1)
    m = nn.Sequential(nn.Embedding(10, 64), nn.Linear(64, 64), nn.Linear(64, 32))
    nn.quantize(m, class_predicate=lambda p, x: {"group_size": 32, "bits": 8} if p.endswith("1") else hasattr(x, "to_quantized"))
    return repr(m), m(mx.array([1, 2])), tried(lambda: nn.quantize(nn.Sequential(nn.ReLU()), class_predicate=lambda p, x: True))


def steps(optimizer, n=4):
    """Parameters after some steps, and the state."""
    mx.random.seed(1)
    params = {"w": mx.random.normal((4, 3)), "b": mx.random.normal((3,)), "k": [mx.random.normal((2, 3, 4))]}
    for i in range(n):
        grads = {"w": params["w"] * (i + 1) + 0.5, "b": params["b"] - 1, "k": [params["k"][0] * 0.5 - i]}
        params = optimizer.apply_gradients(grads, params)
    return params["w"], params["b"], params["k"], optimizer.learning_rate if "learning_rate" in optimizer.state else None


def optimizer_state():
    m = nn.Linear(2, 3)
    o = optim.Adam(0.1)
    o.init(m.trainable_parameters())
    keys = [k for k, _ in tree_flatten(o.state)]
    o.update(m, {"weight": mx.ones((3, 2)), "bias": mx.ones(3)})
    state = o.state
    p = optim.Adam(0.5)
    p.state = state
    p.learning_rate = 0.25
    return keys, o.step, p.learning_rate, sorted(p.state)


def trained(compiled=False):
    """The losses of a small network."""
    mx.random.seed(3)
    x = mx.random.normal((32, 4))
    y = mx.stack([x.sum(axis=1), x[:, 0] * x[:, 1]], axis=1)
    model = Net()
    optimizer = optim.AdamW(optim.join_schedules([optim.linear_schedule(0, 0.02, 5), optim.cosine_decay(0.02, 40)], [5]))
    loss = lambda model, x, y: nn.losses.mse_loss(model(x), y)  # noqa: E731
    state = [model.state, optimizer.state, mx.random.state]

    def step(x, y):
        value, grads = nn.value_and_grad(model, loss)(model, x, y)
        grads, norm = optim.clip_grad_norm(grads, 1.0)
        optimizer.update(model, grads)
        return value, norm

    if compiled:
        step = mx.compile(step, inputs=state, outputs=state)
    out = []
    for _ in range(12):
        value, norm = step(x, y)
        mx.eval(state)
        out.append(value)
    return out, norm, model.scale


def layer_checkpoint():
    mx.random.seed(1)
    m = nn.Linear(3, 3)
    again = nn.utils.checkpoint(m)
    x = mx.ones((2, 3))
    g = nn.value_and_grad(m, lambda x: again(x).square().sum())(x)
    return g[0], g[1]["weight"], m(x)


def sharded():
    mx.random.seed(1)
    m = nn.Linear(64, 32)
    x = mx.ones((2, 64))
    a = nn.layers.distributed.shard_linear(m, "all-to-sharded")
    b = nn.layers.distributed.shard_linear(m, "sharded-to-all")
    q = nn.layers.distributed.shard_linear(m.to_quantized(), "all-to-sharded")
    r = nn.layers.distributed.shard_linear(m.to_quantized(), "sharded-to-all")
    out = [f(x) for f in (a, b, q, r)], [repr(f) for f in (a, b, q, r)]
    nn.layers.distributed.shard_inplace(m, "all-to-sharded")
    return out, m.weight.shape, tried(lambda: nn.layers.distributed.shard_linear(m, "foo"))


def definite():
    a = mx.arange(9.0).reshape(3, 3) / 4
    return a @ a.T + mx.eye(3)


def rebuilt(factors):
    """What a decomposition stands for: the matrix, and that its bases are orthonormal."""
    u, s, vt = factors
    k = s.shape[-1]
    return (u[..., :k] * s[..., None, :]) @ vt[..., :k, :], u.swapaxes(-1, -2) @ u, vt @ vt.swapaxes(-1, -2), s


def spectrum(pair):
    w, v = pair
    return (v * w[..., None, :]) @ v.swapaxes(-1, -2), v.swapaxes(-1, -2) @ v


def _apart(text):
    """Addresses in a text numbered in order."""
    seen = {}
    return re.sub(r"\d{6,}", lambda m: f"N{seen.setdefault(m.group(0), len(seen))}", text)


def dotted(make, *others, **named):
    """A graph as DOT."""
    out = io.StringIO()
    mx.export_to_dot(out, *make(), *others, **named)
    return _apart(out.getvalue())


def dot_file(tmp):
    path = os.path.join(tmp, "g.dot")
    a = mx.array(1.0)
    c = a + 2
    mx.export_to_dot(path, c * 3, c, a=a, c=c)
    return _apart(open(path).read())


def exported(tmp, fun, *args, calls=None, shapeless=False, metadata=None, **kwargs):
    """What a function gives after it went through a file, or how that fails."""
    path = os.path.join(tmp, "f.mlxfn")
    mx.export_function(path, fun, *args, shapeless=shapeless, metadata=metadata, **kwargs)
    g, text = mx.import_function(path, return_metadata=True)
    out = [type(g(*args, **kwargs)).__name__, g(*args, **kwargs), text]
    for a, k in calls or ():
        out.append(tried(lambda: g(*a, **k)))
    return out


def exporter(tmp):
    path = os.path.join(tmp, "e.mlxfn")
    log = []
    with mx.exporter(path, lambda *a: mx.exp(a[0]) if len(a) == 1 else a[0] + a[1], metadata="text") as e:
        log += [type(e).__name__, isinstance(e, mx.FunctionExporter), e(mx.array([1.0])), e(mx.array([1.0]), mx.array([2.0]))]
        log.append(tried(lambda: e(mx.array([3.0]))))
    log.append(tried(lambda: e(mx.array(1.0))))
    f = mx.import_function(path)
    x, y = mx.array([5.0]), mx.array([6.0])
    log += [f(x), f(x, y), tried(lambda: f(x, y, x))]
    e = mx.exporter(path, mx.exp)
    e.__enter__()
    e.__call__(mx.array([1.0]))
    e.__exit__(None, None, None)
    e.close()
    log += [mx.import_function(path)(mx.array([2.0])), tried(lambda: mx.FunctionExporter())]
    return log


def export_log(fun, *args, **kwargs):
    """What a callback hears: everything but what depends on how functions are cut into operations."""
    log = []
    mx.export_function(log.append, fun, *args, **kwargs)
    return [{k: v for k, v in d.items() if k != "arguments"} for d in log]


def bad_files(tmp):
    """Errors for files that are none."""
    path = os.path.join(tmp, "bad")
    out = [tried(lambda: mx.import_function(os.path.join(tmp, "none")))]
    for content in (b"", b"abc"):
        open(path, "wb").write(content)
        out.append(tried(lambda: mx.import_function(path)))
    good = os.path.join(tmp, "good")
    mx.export_function(good, lambda a: mx.exp(a) + 1, mx.ones(3))
    whole = open(good, "rb").read()
    open(path, "wb").write(whole[:-5])
    out.append(tried(lambda: mx.import_function(path)))
    return out


def eigen(a, values_only=False):
    """Eigenvalues in an order of their own, and that the vectors are eigenvectors of length one."""
    if values_only:
        w = np.array(mx.linalg.eigvals(a, stream=mx.cpu))
        return [np.sort(w.real, axis=-1).round(3).tolist(), np.sort(w.imag, axis=-1).round(3).tolist()]
    w, v = mx.linalg.eig(a, stream=mx.cpu)
    b = np.array(a).astype(np.complex64)
    W, V = np.array(w), np.array(v)
    off = np.abs(b @ V - V * W[..., None, :]).max(initial=0) < 1e-3
    length = np.abs(np.linalg.norm(V, axis=-2) - 1).max(initial=0) < 1e-4
    return [str(w.dtype), w.shape, str(v.dtype), v.shape, bool(off), bool(length), np.sort(W.real, axis=-1).round(3).tolist()]


def quantized_product(x, w, mode, gathered=False, **kw):
    """The product of quantized values; by its parts where the package does not compute it on the processor."""
    q, s = mx.quantize(w, mode=mode)

    def rounded(a):
        m = a if a.ndim > 1 else a[None]
        return mx.dequantize(*mx.quantize(m, mode=mode), mode=mode, dtype=mx.float32).reshape(a.shape)

    out = []
    for args in ((w,), (q, s)):
        try:
            y = mx.gather_qqmm(x, *args, mode=mode, **kw) if gathered else mx.qqmm(x, *args, mode=mode)
            mx.eval(y)
        except RuntimeError as e:
            if "NYI" not in str(e):
                raise
            a, b = rounded(x), mx.swapaxes(rounded(w), -1, -2)
            y = mx.gather_mm(a, b, **kw) if gathered else a @ b
        out.append(y.astype(mx.float32))
    return out


def qq_layer(mode="nvfp4"):
    mx.random.seed(1)
    m = nn.QQLinear(64, 32, mode=mode)
    m.eval()
    x = mx.random.normal((1, 64))
    n = nn.QQLinear.from_linear(nn.Linear(64, 32, bias=False), mode=mode)
    n.eval()
    return m(x), repr(m), n(x), tried(lambda: nn.QQLinear.from_linear(nn.Linear(64, 32)))


def streams():
    with mx.stream(mx.cpu) as s:
        a = mx.ones(2) + 1
    c = mx.stream(mx.new_stream(mx.cpu))
    c.__enter__()
    c.__exit__(None, None, None)
    return s, a, isinstance(c, mx.StreamContext), isinstance(mx.default_stream(mx.cpu), mx.Stream)


def iterated(x):
    i = x.__iter__()
    return type(i).__name__, isinstance(i, mx.ArrayIterator), i.__next__(), [a for a in i.__iter__()]


def stated(x):
    make, args = x.__reduce_ex__(2)[:2]
    y = make(*args)
    y.__setstate__(x.__getstate__())
    return y, type(x.__getstate__()).__name__


def printed(x):
    mx.set_printoptions(precision=2)
    text = repr(x), mx.get_printoptions().precision, isinstance(mx.get_printoptions(), mx.PrintOptions)
    mx.set_printoptions(precision=6)
    return text


def attributes():
    m = nn.Linear(2, 3)
    m.extra = mx.ones(2)
    m.__setattr__("other", 3)
    keys = sorted(m.keys())
    m.__delattr__("extra")
    names = []
    m.apply_to_modules(lambda k, v: names.append((k, type(v).__name__)))
    return (
        keys, sorted(m.keys()), m.__getattr__("weight"), m.other, tried(lambda: m.none), tried(lambda: m.__delattr__("none")), names,
        [nn.Module.valid_parameter_filter(m, k, v) for k, v in sorted(m.items())],
        [nn.Module.valid_child_filter(m, k, v) for k, v in sorted(m.items())],
        [nn.Module.trainable_parameter_filter(m, k, v) for k, v in sorted(m.items())],
    )


def fully_sharded():
    mx.random.seed(1)
    m = nn.Linear(4, 3)
    s = nn.fully_shard(m)
    x = mx.ones((2, 4))
    t = nn.layers.distributed.fully_shard(nn.Linear(4, 3))
    return (
        s(x), type(s).__name__, isinstance(s, nn.FullyShardedModule), isinstance(t, nn.layers.distributed.FullyShardedModule),
        mx.grad(lambda a: nn.layers.distributed.sum_gradients(mx.distributed.init())(a).sum())(x),
    )


def base_optimizer():
    o = optim.Optimizer()
    return tried(lambda: o.apply_single(mx.ones(2), mx.ones(2), {})), tried(lambda: o.init_single(mx.ones(2), {})), o.state


def called():
    f = mx.custom_function(lambda a: a * 2)
    return f.__call__(mx.ones(2)), mx.grad(lambda a: f(a).sum())(mx.ones(2))


def unreadable(x):
    return x.__dlpack__().__class__.__name__, np.from_dlpack(x)
