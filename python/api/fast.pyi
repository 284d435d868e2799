# Functions of mlx.core.fast; see core.pyi.

def rms_norm(x: array, weight: array = ..., eps: float_required = ..., *, stream: stream = None) -> array:
    "x / rms(x) over the last axis, times weight."
def layer_norm(x: array, weight: array = ..., bias: array = ..., eps: float_required = ..., *, stream: stream = None) -> array:
    "Zero mean and unit variance over the last axis, times weight, plus bias."
def rope(a: array, dims: int, *, traditional: bool, base: float = ..., scale: float, offset: array, freqs: array = None, stream: stream = None) -> array:
    "Rotary position embedding of the first dims features."
    rust("ops::rope(a, convert::count(\"rope\", dims)?, traditional, base, scale, offset, freqs)")
def scaled_dot_product_attention(q: array, k: array, v: array, *, scale: float, mask: mask = None, sinks: array = None, force_fused: bool = False, stream: stream = None) -> array:
    "softmax(scale q k' + mask) v."
    rust("convert::attention(q, k, v, scale, mask, sinks, force_fused)")
def cross_entropy(logits: array, targets: array, *, stream: stream = None) -> array:
    "logsumexp(logits) - logits[target] over the last axis, float32."
def gated_delta_update(q: array, k: array, v: array, gamma: array, beta: array, initial_state: array = None, mask: array = None, stream: stream = None) -> arrays:
    "Outputs and final state of the gated delta rule of linear attention."
    rust("ops::gated_delta_update(q, k, v, gamma, beta, initial_state, mask)")
