"""Runs tiny models of mlx-lm and writes their logits: one JSON line a model.

    models.py make|load FOLDER NAME...

`make` draws the weights and saves them as FOLDER/NAME.safetensors; `load` reads them. The logits of a prompt of eight
tokens, and of the same tokens through the cache (six at once, then one, then one), stand in FOLDER/NAME.WHO.npz.
"""

import json
import sys
import traceback
import zlib

import numpy as np

import mlx.core as mx
from mlx.utils import tree_flatten

import tiny

TOKENS = [3, 77, 12, 101, 5, 64, 9, 30]


def drawn(name, x):
    """A weight of the same shape: what the layer chose, and noise that depends on the name alone."""
    if not mx.issubdtype(x.dtype, mx.floating):
        return x
    noise = np.random.default_rng(zlib.crc32(name.encode())).standard_normal(x.shape).astype(np.float32)
    return x + mx.array(noise * 0.08).astype(x.dtype)


def main():
    how, folder, names = sys.argv[1], sys.argv[2], sys.argv[3:]
    for name in names:
        try:
            mx.random.seed(1)
            model = tiny.model(name)
            path = f"{folder}/{name}.safetensors"
            if how == "make":
                weights = [(k, drawn(k, v)) for k, v in tree_flatten(model.parameters())]
                mx.save_safetensors(path, dict(weights))
            model.load_weights(path)
            model.eval()
            out = {"whole": model(mx.array([TOKENS]))}
            from mlx_lm.models.cache import make_prompt_cache

            cache = make_prompt_cache(model)
            steps = [model(mx.array([TOKENS[a:b]]), cache=cache) for a, b in ((0, 6), (6, 7), (7, 8))]
            out["cached"] = mx.concatenate(steps, axis=1)
            np.savez(f"{folder}/{name}.{how}.npz", **{k: np.array(v.astype(mx.float32)) for k, v in out.items()})
            print(json.dumps({"model": name}), flush=True)
        except BaseException as e:
            where = traceback.extract_tb(e.__traceback__)[-1]
            print(json.dumps({"model": name, "error": f"{type(e).__name__}: {e}"[:300], "at": f"{where.filename.rsplit('/', 2)[-2:]}:{where.lineno}"}), flush=True)


if __name__ == "__main__":
    main()
