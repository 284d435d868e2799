"""Products, convolutions, quantization."""

LINES = r"""
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
"""
