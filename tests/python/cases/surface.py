"""Names that no other case uses."""

LINES = r"""
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
