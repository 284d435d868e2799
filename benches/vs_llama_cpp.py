#!/usr/bin/env python3
"""Speed beside llama.cpp: the same files, the same machine, one run, alternating.

    benches/vs_llama_cpp.py [--models DIR] [--peers DIR] [--threads 1,2] [-p 512] [-n 128] [-r 3] [--rounds 2]
                            [--only TEXT] [--priority] [--json FILE] [--floor RATIO]

Every model of DIR (scripts/models.sh) is measured by `mlx-arm bench` and by `llama-bench` (scripts/peers.sh) in
turn, --rounds times; the ratio is that of the medians over the rounds, above 1 where MLX-ARM is faster. --priority
raises the scheduling weight of the measured program (Linux autogroup, needs root), so that other jobs of the
machine disturb less. --floor ends with exit status 1 if a ratio lies below it. Standard library only.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CACHE = Path(os.environ.get("MLX_SCRIPT_CACHE", ROOT / ".cache"))
MODELS = [
    "SmolLM2-135M-Instruct.Q4_1.gguf",
    "SmolLM2-135M.Q4_0.gguf",
    "SmolLM2-135M.Q8_0.gguf",
    "SmolLM2-135M.F16.gguf",
    "gemma-3-270m-q4_k_m.gguf",
]


def run(command, priority):
    def raise_priority():
        os.setsid()
        with open("/proc/self/autogroup", "w") as f:
            f.write("-20")

    done = subprocess.run(
        [str(c) for c in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        preexec_fn=raise_priority if priority else None,
    )
    if done.returncode != 0:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def ours(args, model, threads):
    command = [args.mlx_arm, "bench", "--model", model, "-p", args.p, "-n", args.n, "-t", threads, "-r", args.r, "--json"]
    return {row["test"]: row for row in json.loads(run(command, args.priority))}


def theirs(args, model, threads):
    bench = args.peers / "llama.cpp/build/bin/llama-bench"
    command = [bench, "-m", model, "-p", args.p, "-n", args.n, "-t", threads, "-r", args.r, "-o", "jsonl"]
    rows = {}
    for line in run(command, args.priority).splitlines():
        row = json.loads(line)
        test = f"pp{row['n_prompt']}" if row["n_prompt"] else f"tg{row['n_gen']}"
        rows[test] = statistics.median(row["samples_ts"])
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    parser.add_argument("--mlx-arm", type=Path, default=target / "release/mlx-arm")
    parser.add_argument("--models", type=Path, default=CACHE / "models")
    parser.add_argument("--peers", type=Path, default=CACHE / "peers")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("-p", type=int, default=512)
    parser.add_argument("-n", type=int, default=128)
    parser.add_argument("-r", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default="", help="models whose name holds this text")
    parser.add_argument("--priority", action="store_true")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--floor", type=float)
    args = parser.parse_args()

    chosen = [m for m in MODELS if args.only in m and (args.models / m).exists()]
    if not chosen:
        sys.exit(f"no model in {args.models}: scripts/models.sh fetches them")
    results = []
    print(f"{'model':34} {'thr':>3} {'test':>6} {'mlx-arm':>9} {'llama.cpp':>9} {'ratio':>6} {'peak/file':>9}")
    for name in chosen:
        model = args.models / name
        for threads in (int(t) for t in args.threads.split(",")):
            a, b, peak = {}, {}, 0
            for _ in range(args.rounds):
                for test, row in ours(args, model, threads).items():
                    a.setdefault(test, []).append(row["tps_median"])
                    peak = max(peak, row["peak_rss_bytes"] or 0)
                for test, rate in theirs(args, model, threads).items():
                    b.setdefault(test, []).append(rate)
            for test in a:
                mine, peer = statistics.median(a[test]), statistics.median(b[test])
                size = model.stat().st_size
                row = {
                    "model": name, "threads": threads, "test": test, "mlx_arm_tps": mine, "llama_cpp_tps": peer,
                    "ratio": mine / peer, "mlx_arm_rounds": a[test], "llama_cpp_rounds": b[test],
                    "peak_rss_bytes": peak, "model_bytes": size,
                }  # fmt: skip
                results.append(row)
                print(
                    f"{name:34} {threads:3} {test:>6} {mine:9.2f} {peer:9.2f} {mine / peer:6.2f} {peak / size:9.2f}",
                    flush=True,
                )
    if args.json:
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    low = min(results, key=lambda r: r["ratio"])
    print(f"lowest ratio {low['ratio']:.2f}: {low['model']}, {low['threads']} threads, {low['test']}")
    if args.floor and low["ratio"] < args.floor:
        sys.exit(1)


if __name__ == "__main__":
    main()
