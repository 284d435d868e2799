# Made by scripts/bindings.py from python/api/fast.pyi. Do not edit.

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

def rms_norm(x: scalar | array | ArrayLike, weight: scalar | array | ArrayLike | None, eps: float, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """x / rms(x) over the last axis, times weight."""

def layer_norm(x: scalar | array | ArrayLike, weight: scalar | array | ArrayLike | None, bias: scalar | array | ArrayLike | None, eps: float, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Zero mean and unit variance over the last axis, times weight, plus bias."""

def rope(a: scalar | array | ArrayLike, dims: int, *, traditional: bool, base: float | None, scale: float, offset: scalar | array | ArrayLike, freqs: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """Rotary position embedding of the first dims features."""

def scaled_dot_product_attention(q: scalar | array | ArrayLike, k: scalar | array | ArrayLike, v: scalar | array | ArrayLike, *, scale: float, mask: str | array | None = None, sinks: scalar | array | ArrayLike | None = None, force_fused: bool = False, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """softmax(scale q k' + mask) v."""

def cross_entropy(logits: scalar | array | ArrayLike, targets: scalar | array | ArrayLike, *, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> array:
    """logsumexp(logits) - logits[target] over the last axis, float32."""

def gated_delta_update(q: scalar | array | ArrayLike, k: scalar | array | ArrayLike, v: scalar | array | ArrayLike, gamma: scalar | array | ArrayLike, beta: scalar | array | ArrayLike, initial_state: scalar | array | ArrayLike | None = None, mask: scalar | array | ArrayLike | None = None, stream: Stream | ThreadLocalStream | Device | DeviceType | None = None) -> list[array]:
    """Outputs and final state of the gated delta rule of linear attention."""

