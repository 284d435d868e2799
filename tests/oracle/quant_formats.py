#!/usr/bin/env python3
"""Checks mlx-ir's quantized formats against the `gguf` Python package.

Needs numpy and gguf. Builds the example `quant_rows` with cargo (or takes --tool PATH).
  decode: random blocks of every format must give the same f32 bits.
  encode: Q4_0, Q4_1, Q5_0, Q8_0, F16, BF16 must give the same bytes; the K formats must decode
          (by the package) to something close, at the error expected of their width.
Ends with 'N passed, N failed'; exit status 1 if any failed.
"""
import argparse
import pathlib
import subprocess
import sys

import numpy as np
from gguf import GGMLQuantizationType as T, quants

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMATS = ["F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q8_0", "Q4_K", "Q5_K", "Q6_K"]
SAME_BYTES = {"F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q8_0"}
# Relative root-mean-square error on normal noise.
WIDTH_ERROR = {"Q4_K": 0.085, "Q5_K": 0.045, "Q6_K": 0.02}
BLOCK = {"F32": (1, 4), "F16": (1, 2), "BF16": (1, 2), "Q4_0": (32, 18), "Q4_1": (32, 20), "Q5_0": (32, 22),
         "Q8_0": (32, 34), "Q4_K": (256, 144), "Q5_K": (256, 176), "Q6_K": (256, 210)}
# Where the f16 scales of a block lie: random bits there would mostly be NaN or huge.
SCALES = {"Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q8_0": [0], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}


def build():
    cmd = ["cargo", "build", "-q", "-p", "mlx-ir", "--example", "quant_rows", "--message-format=json"]
    out = subprocess.run(cmd, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    import json
    for line in out.splitlines():
        exe = json.loads(line).get("executable")
        if exe and "quant_rows" in exe:
            return exe
    sys.exit("cargo did not name the example")


def random_blocks(rng, name, blocks):
    size = BLOCK[name][1]
    raw = rng.integers(0, 256, (blocks, size), dtype=np.uint8)
    if name == "F32":
        return rng.standard_normal(blocks).astype(np.float32).view(np.uint8)
    if name in ("F16", "BF16"):
        # Every bit pattern that is a number.
        bits = np.arange(65536, dtype=np.uint16)
        exp = bits & (0x7C00 if name == "F16" else 0x7F80)
        return bits[exp != (0x7C00 if name == "F16" else 0x7F80)].view(np.uint8)
    for at in SCALES[name]:
        raw[:, at:at + 2] = rng.standard_normal(blocks).astype(np.float16).view(np.uint8).reshape(-1, 2)
    return raw.reshape(-1)


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("--tool", help="the built quant_rows example")
    tool = ap.parse_args().tool or build()
    run = lambda mode, name, data: subprocess.run([tool, mode, name], input=data, stdout=subprocess.PIPE, check=True).stdout
    rng = np.random.default_rng(5)
    passed = failed = 0

    def check(what, ok, detail=""):
        nonlocal passed, failed
        passed, failed = passed + bool(ok), failed + (not ok)
        if not ok:
            print(f"FAILED {what} {detail}")

    for name in FORMATS:
        raw = random_blocks(rng, name, 400)
        mine = np.frombuffer(run("decode", name, raw.tobytes()), np.uint32)
        theirs = quants.dequantize(raw.reshape(1, -1), T[name]).astype(np.float32).reshape(-1)
        # +0 and -0 count as the same number.
        same = (mine == theirs.view(np.uint32)) | ((mine.view(np.float32) == 0) & (theirs == 0))
        check(f"decode {name}", same.all(), f"{(~same).sum()} of {same.size} differ")
        rows = [rng.standard_normal(2048), rng.uniform(0, 3, 2048), -rng.uniform(0, 3, 2048),
                rng.standard_normal(2048) * 10 ** rng.uniform(-3, 3, 2048), np.zeros(2048),
                np.repeat(rng.standard_normal(8), 256), np.round(rng.standard_normal(2048) * 4) / 2]
        for i, row in enumerate(rows):
            row = row.astype(np.float32)
            got = np.frombuffer(run("encode", name, row.tobytes()), np.uint8)
            if name in SAME_BYTES:
                want = quants.quantize(row.reshape(1, -1), T[name]).view(np.uint8).reshape(-1)
                check(f"encode {name} row {i}", (got == want).all(), f"{(got != want).sum()} bytes differ")
            else:
                back = quants.dequantize(got.reshape(1, -1), T[name]).reshape(-1)
                norm = np.sqrt(np.mean(row.astype(np.float64) ** 2))
                err = np.sqrt(np.mean((back.astype(np.float64) - row) ** 2)) / norm if norm else np.abs(back).max()
                limit = WIDTH_ERROR[name] if norm else 0.0
                check(f"encode {name} row {i}", err <= limit, f"error {err:.4f} over {limit}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
