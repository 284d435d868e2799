"""The list of cases: Python expressions, compared between two environments. Names are those of worker.namespace().

A module for each family: LINES has a case a line (lines that begin with # are headings), cases() makes more of them.
"""

from . import (
    arrays, devices, dtypes, elementwise, fast, fft, files, indexing, layers, linalg, optimizers, products, rand, reductions,
    shapes, surface, transforms, trees,
)

FAMILIES = (
    elementwise, reductions, arrays, indexing, shapes, products, linalg, fft, dtypes, devices, transforms, rand, files, fast,
    trees, layers, optimizers, surface,
)


def expressions(device=None):
    """All of them; those that are not about the processor's own devices and streams, for another device."""
    out = []
    for family in FAMILIES:
        if device and family is devices:
            continue
        out += getattr(family, "cases", list)()
        out += [line for line in getattr(family, "LINES", "").splitlines() if line and not line.startswith("#")]
    # Last: it leaves the official package without its streams.
    return out + ["mx.clear_streams()"]
