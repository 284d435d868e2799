"""Devices, streams, memory, other back ends, processes."""

LINES = r"""
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
"""
