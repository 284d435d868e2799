"""Cases that are more than one expression: each function returns what is compared."""

import copy
import pickle
import threading

import numpy as np

import mlx.core as mx


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
