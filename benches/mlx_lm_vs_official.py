#!/usr/bin/env python3
"""Speed of mlx-lm on this package and on the official one, in one run: prompt and generation, tokens a second.

    mlx_lm_vs_official.py --ours PYTHON --official PYTHON MODEL [--prompt N] [--tokens N] [--runs N]

MODEL is a folder for mlx-lm (scripts/mlx_lm.sh makes .cache/mlx_lm/smollm2-4bit). The two take turns, a process a run
that is warmed up first; printed are the medians and their ratios.
"""

import argparse
import json
import statistics
import subprocess
import sys


def work(folder, prompt, tokens):
    import mlx.core as mx
    from mlx_lm import load
    from mlx_lm.generate import stream_generate

    model, tokenizer = load(folder)
    tokenizer._eos_token_ids = set()
    ids = [int(i) for i in (mx.arange(prompt) * 7919) % 40000 + 100]
    for _ in stream_generate(model, tokenizer, ids[:4], max_tokens=2):
        pass
    for last in stream_generate(model, tokenizer, ids, max_tokens=tokens):
        pass
    print(json.dumps({"prompt": last.prompt_tps, "generation": last.generation_tps}))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("model")
    p.add_argument("--ours")
    p.add_argument("--official")
    p.add_argument("--prompt", type=int, default=64)
    p.add_argument("--tokens", type=int, default=32)
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.work:
        return work(a.model, a.prompt, a.tokens)
    if not a.ours or not a.official:
        p.error("--ours and --official are needed")
    found = {a.ours: [], a.official: []}
    for _ in range(a.runs):
        for python, rows in found.items():
            r = subprocess.run([python, __file__, "--work", a.model, "--prompt", str(a.prompt), "--tokens", str(a.tokens)], capture_output=True, text=True)
            if r.returncode:
                sys.exit(r.stderr)
            rows.append(json.loads(r.stdout.splitlines()[-1]))
    for what in ("prompt", "generation"):
        ours, official = (statistics.median(r[what] for r in found[p]) for p in (a.ours, a.official))
        print(f"{what}: {ours:.1f} here, {official:.1f} official, tokens a second: {ours / official:.1f} times")


if __name__ == "__main__":
    main()
