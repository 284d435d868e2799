"""Reductions, scans, sorting: dtypes, axes, layouts, derivatives and batching."""

from .families import LAYOUTS, REDUCE, SCAN, SOME

def cases():
    out = []
    for f in REDUCE:
        out += [f"mx.{f}(data(mx.{d}, 3, 4))" for d in SOME]
        axis = 1 if f.startswith("arg") else (0, 2)
        out += [f"mx.{f}(t, axis={axis}, keepdims=True)", f"mx.{f}(t, axis=-1)", f"mx.{f}(t, axis=3)"]
        out += [f"mx.{f}(mx.zeros((0, 3)), axis=1)", f"mx.{f}(mx.zeros((0, 3)), axis=0)", f"mx.{f}(mx.array(3.0))"]
        if f in ("median", "minmax", "count_nonzero"):
            continue
        out += [f"mx.{f}({l.format(d=d)}, axis=0)" for l in LAYOUTS for d in ("float32", "float16", "int8")]
        out += [f"mx.vmap(mx.{f})(t)", f"mx.vmap(lambda a: mx.{f}(a, axis=0), in_axes=2)(t)", f"mx.{f}(x, axis='a')", f"mx.{f}(x, axis=(0, 0))"]
    for f in SCAN:
        out += [f"mx.{f}(data(mx.{d}, 3, 4), axis=1)" for d in SOME]
        out += [f"mx.{f}(x)", f"mx.{f}(x, axis=0, reverse=True)", f"mx.{f}(x, axis=0, inclusive=False)", f"mx.{f}(x, axis=2)", f"x.{f}(axis=1)"]
    for f in "sort argsort".split():
        out += [f"mx.{f}(data(mx.{d}, 3, 7), axis=1)" for d in SOME] + [f"mx.{f}(x, axis=None)", f"mx.{f}(x, axis=0)"]
    whole = "all any argmax argmin flatten logsumexp max mean min prod squeeze std sum var".split()
    out += [f"data(f32, 3, 4, low=0.5).{f}()" for f in whole]
    out += [f"t.{f}(axis=1)" for f in whole if f not in ("flatten", "squeeze")]
    return out + derivatives()


def derivatives():
    first = "sum prod min max mean var std logsumexp cumsum cumprod sort softmax".split()
    out = [f"mx.grad(lambda a: mx.{f}(a, axis=1).sum())(data(f32, 3, 4, seed=5))" for f in first]
    out += [f"mx.vmap(lambda a: mx.{f}(a))(x)" for f in "sum sort argmax cumsum softmax exp flip".split()]
    for f in "sum prod max min mean var std logsumexp softmax cumsum cumprod cummax logcumsumexp sort".split():
        for a in (0, 1, -1):
            out.append(f"mx.grad(lambda a: (mx.{f}(a, axis={a}) * 2).square().sum())(data(f32, 3, 4, seed=6))")
        out.append(f"mx.jvp(lambda a: mx.{f}(a, axis=1), [data(f32, 3, 4, seed=6)], [data(f32, 3, 4, seed=7)])")
    return out
