"""Differences that are meant: the case, and why. A case that no longer differs is an error."""

import re

BY_ZERO = "integers divided by zero: undefined there (some kill the process), zero here"

DIFFERS = {
    "n[3]": "a Python int out of range raises IndexError here; there it reads what lies beyond",
    "mx.left_shift(data(mx.int32, 2, 3), data(mx.int32, 2, 3, seed=1))": "shifts by negative or too large numbers: undefined there, zero here",
    "mx.divmod(data(mx.bool_, 2, 3), data(mx.bool_, 2, 3, seed=1))": BY_ZERO,
    "mx.divmod(data(mx.uint8, 2, 3), data(mx.uint8, 2, 3, seed=1))": BY_ZERO,
    "mx.divmod(data(mx.int32, 2, 3), data(mx.int32, 2, 3, seed=1))": BY_ZERO,
    "mx.floor_divide(data(mx.complex64, 2, 3), data(mx.complex64, 2, 3, seed=1))": "complex numbers have no floor: refused here",
    "data(c64) // 1j": "complex numbers have no floor: refused here",
    "mx.logsumexp(data(mx.uint8, 3, 4))": "there the exponentials of uint8 overflow",
    "mx.linalg.inv(mx.ones((2, 2)), stream=mx.cpu)": "a singular matrix: an error here however the values are read; there not through the buffer",
    "mx.softmax(n, axis=0, precise=True)": "float32 here, as without precise; there zeros and ones as int32",
}

# Families of cases: a pattern and the reason.
PATTERNS = []

# What the official package has beside the modules compared here.
NOT_THERE = [
    ("`mlx.extension` (5 classes and their methods)", "builds C++ extensions against the official libmlx and compiles Metal shaders; there is no libmlx here to build against"),
    ("`mlx.launch`, `mlx.distributed_config`, `python -m mlx`", "start processes on several machines; one process is all there is here"),
]

# Where the official package says that it is not implemented, and this one computes it: whatever works there is the same.
BEYOND = [
    (r"mx\.jvp\(lambda a: mx\.cumprod\(.*", "no forward derivative of cumprod there"),
    (r"mx\.vmap\(lambda a: mx\.as_strided\(.*", "no batching of as_strided there"),
]


# With ours on the GPU.
GPU = [
    (r"repr\(mx\.default_device\(\)\)", "the GPU is the default device here"),
]


# With ours on another machine than the official one, as under emulation.
ELSEWHERE = [
    (r"mx\.device_info\(.*\)", "names the machine"),
]


def reason(case, device=None, elsewhere=False):
    """Why a case may differ, or none."""
    if case in DIFFERS:
        return DIFFERS[case]
    for pattern, why in PATTERNS + BEYOND + (GPU if device else []) + (ELSEWHERE if elsewhere else []):
        if re.fullmatch(pattern, case):
            return why
    return None


def beyond(case, theirs):
    """Whether a case is one that the official package refuses as not implemented, and nothing else."""
    refused = "raises" in theirs and re.search("not implemented|NYI", theirs["message"], re.I)
    return bool(refused) and any(re.fullmatch(p, case) for p, _ in BEYOND)
