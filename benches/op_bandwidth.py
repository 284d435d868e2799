#!/usr/bin/env python3
"""Shares of the memory's bandwidth that rows of a program of operations reach with this checkout's Python package.

    python3 benches/op_bandwidth.py --script ROWS.py [--only NAME,NAME] [--rounds N] [--threads N] [--floor SHARE] [--as-is]

ROWS.py is run as it is, one operation at a time. It takes `--only NAME` and prints lines
`op<TAB>shape<TAB>median_ms<TAB>min_ms<TAB>rate<TAB>unit…`; rows whose unit is GB/s (of the bytes that must be read and written)
count. Directly before and after each, so many threads copy an array of 64 MiB past the caches and read one, both in the
bench `elementwise` of mlx-cpu, which is the bandwidth: rows whose name begins with one of `--reads` are compared with reading,
all others with copying, whose reads and writes both count. Printed: the row's rate, the plain one beside it and their ratio,
medians over the rounds. `--floor` lists the rows below a share.

The environment is made as benches/ops_vs_official.py makes it; `--as-is` takes it as it is.
"""

import argparse
import os
import statistics
import subprocess
from pathlib import Path

from ops_vs_official import PREPARE, shell

ROOT = Path(__file__).resolve().parent.parent


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    # Those of benches/op_rows.py say no rate.
    p.add_argument("--script", type=Path, required=True)
    p.add_argument("--only", default="", help="operations whose name holds one of these texts")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--threads", type=int, default=os.cpu_count())
    p.add_argument("--reads", default="sum_,max_,argmax_,logsumexp_,matvec_,sdpa_decode,qmm_", help="beginnings of the names of rows that only read")
    p.add_argument("--floor", type=float, default=0.7)
    p.add_argument("--as-is", action="store_true", help="take the environment as it is, build nothing")
    a = p.parse_args()
    cache = Path(os.environ.get("MLX_SCRIPT_CACHE", ROOT / ".cache")) if a.as_is else Path(shell(PREPARE))
    python = cache / "ours/bin/python"
    bench = ["cargo", "bench", "-q", "-p", "mlx-cpu", "--bench", "elementwise", "--", str(a.threads), "plain"]
    beside = subprocess.Popen(bench, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    print(beside.stdout.readline().strip(), flush=True)

    def plain():
        print(file=beside.stdin, flush=True)
        copy, read = map(float, beside.stdout.readline().split())
        return {"copy": copy, "read": read}

    def rows(only):
        """{(operation, shape): GB/s} of one run."""
        done = subprocess.run([python, a.script] + (["--only", only] if only else []), stdout=subprocess.PIPE, text=True, check=True)
        parts = (line.split("\t") for line in done.stdout.splitlines())
        return {(part[0], part[1]): float(part[4]) for part in parts if len(part) > 5 and part[5] == "GB/s"}

    found = rows(a.only)
    if not found:
        p.error(f"{a.script} prints no row in GB/s")
    seen = {key: [] for key in found}
    for _ in range(a.rounds):
        for name in dict.fromkeys(op for op, _ in found):
            before = plain()
            got = rows(name)
            after = plain()
            kind = "read" if name.startswith(tuple(a.reads.split(","))) else "copy"
            rate = (before[kind] + after[kind]) / 2
            for key in got.keys() & found.keys():
                if key[0] == name:
                    seen[key].append((got[key] / rate, got[key], rate))
    beside.stdin.close()
    beside.wait()

    print(f"{'operation':28} {'shape':24} {'GB/s':>8} {'plain':>8} {'share':>6}")
    below = []
    for (op, shape), runs in seen.items():
        share, here, rate = (statistics.median(r[i] for r in runs) for i in range(3))
        print(f"{op:28} {shape:24} {here:8.2f} {rate:8.2f} {share:6.2f}")
        if share < a.floor:
            below.append((share, op, shape))
    print(f"below {a.floor}: {len(below)}")
    for share, op, shape in sorted(below):
        print(f"  {op} {shape}: {share:.2f}")


if __name__ == "__main__":
    main()
