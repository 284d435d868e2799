"""Random numbers."""

LINES = r"""
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
mx.random.multivariate_normal(mx.array([1.0, 2.0]), mx.array([[2.0, 0.5], [0.5, 1.0]]), key=mx.random.key(3), stream=mx.cpu)
mx.random.multivariate_normal(mx.array([1.0, 2.0]), mx.array([[2.0, 0.5], [0.5, 1.0]]), [5, 2], key=mx.random.key(3), stream=mx.cpu)
mx.random.multivariate_normal(mx.zeros((2, 3)), mx.eye(3) * 2, key=mx.random.key(3), stream=mx.cpu)
mx.random.multivariate_normal(mx.zeros((2, 3)), mx.eye(3) * 2, [3], key=mx.random.key(3), stream=mx.cpu)
mx.random.multivariate_normal(mx.array(1.0), mx.eye(2), stream=mx.cpu)
mx.random.multivariate_normal(mx.zeros(2), mx.zeros(2), stream=mx.cpu)
mx.random.multivariate_normal(mx.zeros(2), mx.eye(3), stream=mx.cpu)
mx.random.multivariate_normal(mx.zeros(2), mx.eye(2), dtype=f16, stream=mx.cpu)
"""
