#!/usr/bin/env python3
"""Accuracy beside llama.cpp: how far each strays from the same weights in f32, over real text.

    benches/accuracy.py [--models DIR] [--peers DIR] [--text FILE] [--positions 2048] [--window 512] [--threads 2]

For SmolLM2 Q4_1 and Gemma 3 270M Q4_K_M (scripts/models.sh), each program runs the quantized file as its users run
it and the F32 requantization as the reference (llama.cpp's with an f32 key-value cache); the mean Kullback-Leibler
divergence and the share of positions with another likeliest token follow. Both see the same windows, and only the
second half of a window counts. The two references must agree with each other: their perplexities are compared.

llama.cpp is called through its own library and the Python binding of the same release, both from scripts/peers.sh.
Default text: the language reference that comes with Python (pydoc's topics). Needs numpy (.cache/peers/venv has it);
exit status 1 if MLX-ARM is further off than llama.cpp on any row.
"""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("MLX_SCRIPT_CACHE", ROOT / ".cache"))
PAIRS = [
    ("SmolLM2-135M-Instruct.Q4_1.gguf", "SmolLM2-135M.F32.gguf"),
    ("gemma-3-270m-q4_k_m.gguf", "gemma-3-270m.F32.gguf"),
]


def default_text():
    from pydoc_data.topics import topics

    return "\n".join(topics[k] for k in ("assignment", "calls", "class", "import", "compound", "exprlists"))


class Peer:
    """One model in llama.cpp."""

    def __init__(self, api, path, window, threads, exact):
        self.api, self.window = api, window
        params = api.llama_model_default_params()
        self.model = api.llama_model_load_from_file(str(path).encode(), params)
        if not self.model:
            sys.exit(f"llama.cpp could not load {path}")
        self.vocab = api.llama_model_get_vocab(self.model)
        self.n_vocab = api.llama_vocab_n_tokens(self.vocab)
        params = api.llama_context_default_params()
        params.n_ctx = params.n_batch = params.n_ubatch = window
        params.n_threads = params.n_threads_batch = threads
        if exact:  # no half-precision detour in the reference
            params.type_k = params.type_v = 0
            params.flash_attn_type = 0
        self.context = api.llama_init_from_model(self.model, params)
        if not self.context:
            sys.exit(f"llama.cpp made no context for {path}")

    def tokens(self, text):
        raw = text.encode()
        out = (self.api.llama_token * (len(raw) + 16))()
        n = self.api.llama_tokenize(self.vocab, raw, len(raw), out, len(out), False, False)
        if n < 0:
            sys.exit("llama.cpp could not tokenize the text")
        return list(out[:n])

    def bos(self):
        return [self.api.llama_vocab_bos(self.vocab)] if self.api.llama_vocab_get_add_bos(self.vocab) else []

    def log_probs(self, np, tokens, first):
        """The log-probabilities after each token from `first` on."""
        api, n = self.api, len(tokens)
        api.llama_memory_clear(api.llama_get_memory(self.context), True)
        batch = api.llama_batch_init(n, 0, 1)
        batch.n_tokens = n
        for i, token in enumerate(tokens):
            batch.token[i], batch.pos[i], batch.n_seq_id[i] = token, i, 1
            batch.seq_id[i][0] = 0
            batch.logits[i] = i >= first
        if api.llama_decode(self.context, batch) != 0:
            sys.exit("llama_decode failed")
        api.llama_batch_free(batch)
        rows = np.ctypeslib.as_array(api.llama_get_logits(self.context), shape=(n - first, self.n_vocab))
        x = rows.astype(np.float64)
        x -= x.max(axis=1, keepdims=True)
        x -= np.log(np.exp(x).sum(axis=1, keepdims=True))
        return x

    def close(self):
        self.api.llama_free(self.context)
        self.api.llama_model_free(self.model)


def measure_peer(api, np, args, text, quantized, reference):
    q = Peer(api, quantized, args.window, args.threads, exact=False)
    r = Peer(api, reference, args.window, args.threads, exact=True)
    tokens, bos = q.tokens(text), q.bos()
    body, first = args.window - len(bos), args.window // 2
    n = kl = nll = nll_ref = disagree = 0
    for start in range(0, len(tokens) - body + 1, body):
        if n >= args.positions:
            break
        window = bos + tokens[start : start + body]
        lq, lr = q.log_probs(np, window, first), r.log_probs(np, window, first)
        count = min(args.window - 1 - first, args.positions - n)
        lq, lr = lq[:count], lr[:count]
        following = np.array(window[first + 1 : first + 1 + count])
        kl += float((np.exp(lr) * (lr - lq)).sum())
        disagree += int((lq.argmax(1) != lr.argmax(1)).sum())
        nll -= float(lq[np.arange(count), following].sum())
        nll_ref -= float(lr[np.arange(count), following].sum())
        n += count
    q.close()
    r.close()
    if n < args.positions:
        sys.exit(f"the text gives {n} positions, {args.positions} are wanted")
    return {
        "positions": n, "mean_kl": kl / n, "top1_disagreement": disagree / n,
        "perplexity": float(np.exp(nll / n)), "reference_perplexity": float(np.exp(nll_ref / n)),
    }  # fmt: skip


def measure_ours(args, file, quantized, reference):
    command = [
        args.mlx_arm, "eval", "--model", quantized, "--reference", reference, "--file", file,
        "--window", args.window, "--positions", args.positions, "-t", args.threads,
    ]  # fmt: skip
    done = subprocess.run([str(c) for c in command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"mlx-arm eval ended with {done.returncode}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--mlx-arm", type=Path, default=target / "release/mlx-arm")
    parser.add_argument("--models", type=Path, default=CACHE / "models")
    parser.add_argument("--peers", type=Path, default=CACHE / "peers")
    parser.add_argument("--text", type=Path)
    parser.add_argument("--positions", type=int, default=2048)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", default="", help="models whose name holds this text")
    args = parser.parse_args()

    import numpy as np

    os.environ["LLAMA_CPP_LIB_PATH"] = str(args.peers / "llama.cpp/build/bin")
    sys.path.insert(0, str(args.peers / "python"))
    import llama_cpp.llama_cpp as api

    quiet = api.llama_log_callback(lambda level, text, data: None)
    api.llama_log_set(quiet, ctypes.c_void_p(0))
    api.llama_backend_init()

    text = args.text.read_text() if args.text else default_text()
    worse, rows = False, 0
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(text)
        file.flush()
        print(f"{'model':34} {'program':10} {'positions':>9} {'mean KL':>10} {'top-1 off':>9} {'ppl':>8} {'ppl f32':>8}")
        for quantized, reference in PAIRS:
            quantized, reference = args.models / quantized, args.models / reference
            if args.only not in quantized.name or not (quantized.exists() and reference.exists()):
                continue
            rows += 1
            a = measure_ours(args, file.name, quantized, reference)
            b = measure_peer(api, np, args, text, quantized, reference)
            for program, x in (("mlx-arm", a), ("llama.cpp", b)):
                print(
                    f"{quantized.name:34} {program:10} {x['positions']:9} {x['mean_kl']:10.6f} "
                    f"{x['top1_disagreement']:9.4%} {x['perplexity']:8.4f} {x['reference_perplexity']:8.4f}",
                    flush=True,
                )
            apart = abs(a["reference_perplexity"] / b["reference_perplexity"] - 1)
            if apart > 1e-3:
                sys.exit(f"the two references differ by {apart:.2%} in perplexity: they are not the same model")
            worse |= a["mean_kl"] > b["mean_kl"] or a["top1_disagreement"] > b["top1_disagreement"]
    if rows == 0:
        sys.exit(f"no model with its F32 requantization in {args.models}: scripts/models.sh makes them")
    sys.exit(worse)


if __name__ == "__main__":
    main()
