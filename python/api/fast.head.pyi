from collections.abc import Sequence
from typing import Any

from mlx.core import ArrayLike, Device, DeviceType, Dtype, Stream, ThreadLocalStream, array, float32, int32, scalar

class VulkanKernel:
    def __call__(
        self,
        *,
        inputs: Sequence[scalar | array],
        output_shapes: Sequence[Sequence[int]],
        output_dtypes: Sequence[Dtype],
        grid: tuple[int, int, int],
        threadgroup: tuple[int, int, int],
        template: Sequence[tuple[str, bool | int | Dtype]] | None = None,
        init_value: float | None = None,
        verbose: bool = False,
        stream: Stream | ThreadLocalStream | Device | DeviceType | None = None,
    ) -> list[array]: ...

def vulkan_kernel(
    name: str,
    input_names: Sequence[str],
    output_names: Sequence[str],
    source: str,
    header: str = "",
    ensure_row_contiguous: bool = True,
    atomic_outputs: bool = False,
) -> VulkanKernel: ...
def metal_kernel(
    name: str,
    input_names: Sequence[str],
    output_names: Sequence[str],
    source: str,
    header: str = "",
    ensure_row_contiguous: bool = True,
    atomic_outputs: bool = False,
    compile_options: object | None = None,
) -> Any: ...
def cuda_kernel(
    name: str,
    input_names: Sequence[str],
    output_names: Sequence[str],
    source: str,
    header: str = "",
    ensure_row_contiguous: bool = True,
    shared_memory: int = 0,
) -> Any: ...
def precompiled_cuda_kernel(
    *,
    name: str,
    compiled_source: bytes,
    inputs: Sequence[scalar | array | ArrayLike],
    output_shapes: Sequence[tuple[int, ...]],
    output_dtypes: Sequence[Dtype],
    scalars: Sequence[object],
    grid: tuple[int, int, int],
    threadgroup: tuple[int, int, int],
    shared_memory: int = 0,
    init_value: float | None = None,
    ensure_row_contiguous: bool = False,
    stream: Stream | ThreadLocalStream | Device | DeviceType | None = None,
) -> list[array]: ...
