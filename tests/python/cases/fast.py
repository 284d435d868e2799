"""mx.fast."""

LINES = r"""
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
mx.fast.gated_delta_update(data(f32, 1, 3, 1, 4), data(f32, 1, 3, 1, 4, seed=1), data(f32, 1, 3, 2, 3, seed=2), data(f32, 1, 3, 2, low=0.1, high=0.9), data(f32, 1, 3, 2, low=0.1, high=0.9, seed=4))
mx.fast.gated_delta_update(data(f32, 2, 3, 1, 4), data(f32, 2, 3, 1, 4, seed=1), data(f32, 2, 3, 2, 3, seed=2), data(f32, 2, 3, 2, low=0.1, high=0.9), data(f32, 2, 3, 2, low=0.1, high=0.9, seed=4), data(f32, 2, 2, 3, 4, seed=5), mx.array([[True, False, True], [True, True, False]]))
mx.fast.gated_delta_update(data(f16, 1, 3, 1, 4), data(f16, 1, 3, 1, 4, seed=1), data(f16, 1, 3, 2, 3, seed=2), data(f32, 1, 3, 2, 4, low=0.1, high=0.9), data(f32, 1, 3, 2, low=0.1, high=0.9, seed=4))
mx.grad(lambda a: mx.fast.gated_delta_update(data(f32, 1, 3, 1, 4), a, data(f32, 1, 3, 2, 3, seed=2), data(f32, 1, 3, 2, low=0.1, high=0.9), data(f32, 1, 3, 2, low=0.1, high=0.9, seed=4))[0].sum())(data(f32, 1, 3, 1, 4, seed=1))
mx.fast.gated_delta_update(x, x, x, x, x)
mx.fast.gated_delta_update(data(f32, 1, 3, 2, 4), data(f32, 1, 3, 2, 4), data(f32, 1, 3, 3, 3), data(f32, 1, 3, 3), data(f32, 1, 3, 3))
"""
