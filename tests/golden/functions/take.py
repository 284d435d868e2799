#!/usr/bin/env python3
"""Makes the files of functions beside this program with the official package (mlx 0.32.4), for crates/mlx/tests."""
import pathlib

import mlx.core as mx

HERE = pathlib.Path(__file__).parent

# Name: function, shapes and dtypes of its inputs, whether sizes may vary. The values of an input are 0, 1/7, 2/7, …, of
# integers 0, 1, 0, 1, …; the file's metadata has those of the outputs.
FUNCTIONS = {
    "elementwise": (
        lambda x, y: [mx.exp(x) * y + 1, mx.where(x > y, x, 2.5), mx.softmax(x, -1), mx.sum(x, 0), *mx.divmod(y + 1, x + 1)],
        [((3, 4), "float32"), ((4,), "float32")], False),
    "shapes": (
        lambda x: [x.T, x[1:, ::2], x[::-1], mx.concatenate([x.reshape(4, 3), mx.ones((1, 3))]), mx.pad(x, 1),
                       *mx.split(x, [1, 3], 1), mx.cumsum(x, 1), mx.argmax(x, 0), mx.sort(-x, 0), x[None, :, None]],
        [((3, 4), "float32")], False),
    "indices": (
        lambda x, j: [x[j], mx.take_along_axis(x, j[None], 1), x.at[j].add(1.0), mx.put_along_axis(x, j[None, :1], x[:1, :1], 0)],
        [((3, 4), "float32"), ((2,), "int32")], False),
    "products": (
        lambda x: [x @ x.T, mx.addmm(x[0, :3], x, x.T), mx.real(mx.fft.rfft(x)), mx.linalg.eigvalsh(x @ x.T, stream=mx.cpu),
                       mx.quantized_matmul(x @ mx.ones((4, 32)), *mx.quantize(mx.ones((4, 32)), 32, 4), True, 32, 4)],
        [((3, 4), "float32")], False),
    "sizes": (
        lambda x, y: [mx.exp(x) * y + 1, mx.mean(x, axis=0), mx.softmax(x, -1)],
        [((3, 4), "float32"), ((4,), "float32")], True),
}


def main():
    mx.set_default_device(mx.cpu)

    def given(shape, dtype):
        n = 1
        for d in shape:
            n *= d
        x = mx.arange(n) % 2 if dtype == "int32" else mx.arange(n, dtype=mx.float32) / 7
        return x.astype(getattr(mx, dtype)).reshape(shape)

    for name, (f, inputs, shapeless) in FUNCTIONS.items():
        args = [given(*i) for i in inputs]
        text = ";".join(" ".join(map(str, a.astype(mx.float32).flatten().tolist())) for a in f(*args))
        mx.export_function(str(HERE / f"{name}.mlxfn"), f, *args, shapeless=shapeless, metadata=text)


if __name__ == "__main__":
    main()
