"""mx.fast.vulkan_kernel on a Vulkan device. With the compiler built in everything runs; without, a call says so."""

import sys

import numpy as np

import mlx.core as mx

THREAD = "uint i = thread_position_in_grid.x;\n"


def refused(kind, text, call):
    try:
        call()
    except kind as e:
        assert text in str(e), f"{text!r} is not in {e}"
        return
    raise AssertionError(f"not refused: {text}")


def like(a, **more):
    call = dict(output_shapes=[a.shape], output_dtypes=[a.dtype], grid=(a.size, 1, 1), threadgroup=(64, 1, 1))
    return {**call, "stream": mx.gpu, **more}


def values():
    """MLX's own example of an elementwise kernel, with its arguments."""
    a = mx.random.normal((4, 16))
    k = mx.fast.vulkan_kernel("myexp", ["inp"], ["out"], THREAD + "T x = inp[i]; out[i] = T(exp(x));")
    for dtype in [mx.float32, mx.float16]:
        x = a.astype(dtype)
        (y,) = k(inputs=[x], template=[("T", dtype)], **like(x))
        assert y.dtype == dtype and y.shape == (4, 16)
        np.testing.assert_allclose(y.astype(mx.float32), np.exp(np.array(x.astype(mx.float32))), rtol=2e-3)


def strides():
    a = mx.arange(24.0).reshape(4, 6)[1:, ::2]
    source = THREAD + (
        "uint rest = i; int at = 0;\n"
        "for (int d = a_ndim - 1; d >= 0; --d) {\n"
        "  at += int(rest % uint(a_shape[d])) * a_strides[d];\n"
        "  rest /= uint(a_shape[d]);\n}\n"
        "out[i] = scale * a[at];"
    )
    for dense in [True, False]:
        k = mx.fast.vulkan_kernel("walk", ["a", "scale"], ["out"], source, ensure_row_contiguous=dense)
        (y,) = k(inputs=[a, 2.0], **like(a))
        assert y.tolist() == (2 * a).tolist()


def outputs():
    k = mx.fast.vulkan_kernel(
        "histogram", ["a"], ["counts", "sum"], THREAD + "atomicAdd(counts[a[i] % 4], 1); atomicAdd(sum[0], a[i]);",
        atomic_outputs=True,
    )
    a = mx.arange(1000)
    call = dict(output_shapes=[(4,), (1,)], output_dtypes=[mx.int32, mx.int32], grid=(1000, 1, 1), threadgroup=(128, 1, 1))
    counts, total = k(inputs=[a], init_value=0, stream=mx.gpu, **call)
    mx.async_eval(counts, total)
    assert counts.tolist() == [250] * 4 and total.item() == 499500


def transforms():
    k = mx.fast.vulkan_kernel("square", ["x"], ["y"], THREAD + "y[i] = x[i] * x[i];")

    def plain(x):
        return k(inputs=[x], **like(x))[0]

    x = mx.array([1.0, 2.0, 3.0])
    with mx.stream(mx.gpu):
        assert mx.compile(lambda x: plain(x + 1) * 2)(x).tolist() == [8.0, 18.0, 32.0]
        refused(ValueError, "square: Not implemented for vjp", lambda: mx.grad(lambda x: plain(x).sum())(x))
        refused(ValueError, "square: Not implemented for vmap", lambda: mx.vmap(plain)(x[:, None]))
        square = mx.custom_function(plain)
        square.vjp(lambda x, ct, y: 2 * x * ct)
        assert mx.grad(lambda x: square(x).sum())(x).tolist() == [2.0, 4.0, 6.0]


def errors():
    x = mx.array([1.0, 2.0])
    k = mx.fast.vulkan_kernel("bad", ["x"], ["y"], "uint i = 0u;\ny[i] = z[i];")
    refused(ValueError, "source:2: 'z' : undeclared identifier", lambda: k(inputs=[x], **like(x)))
    refused(ValueError, "bad: runs on the GPU only", lambda: k(inputs=[x], **like(x, stream=mx.cpu)))
    refused(ValueError, "2 inputs for 1 names", lambda: k(inputs=[x, x], **like(x)))
    refused(TypeError, "template value T must be", lambda: k(inputs=[x], template=[("T", 1.5)], **like(x)))
    refused(TypeError, "float64, which", lambda: k(inputs=[x], **like(x, output_dtypes=[mx.float64])))


def main():
    if not mx.is_available(mx.gpu):
        sys.exit("no Vulkan device: set MLX_ARM_GPU=llvmpipe for Debian's software driver")
    k = mx.fast.vulkan_kernel("probe", [], ["out"], "out[0] = 1.0;")
    try:
        k(inputs=[], **like(mx.zeros((1,))))
    except Exception as e:
        if "no GLSL compiler" not in str(e):
            raise
        assert "[vulkan_kernel] probe: " in str(e) and "MLX_ARM_GLSL=0" in str(e), e
        print("this build has no GLSL compiler, and says so")
        return
    for case in [values, strides, outputs, transforms, errors]:
        case()
        print(case.__name__, "ok")


main()
