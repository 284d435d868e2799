#!/usr/bin/env python3
"""Times operations of this checkout's Python package and of the official wheel on the CPU, in turns.

    python3 benches/ops_vs_official.py [--script ROWS.py] [--openblas] [--only NAME,NAME] [--rounds N] [--json FILE]

ROWS.py is run by both packages as it is. It takes `--only NAME` and prints lines `op<TAB>shape<TAB>median_ms…`; without
`--script` that is benches/op_rows.py. Rows are measured one operation at a time, here, there, here, …, so that other work on
the machine meets both sides alike. Printed for each row: the medians over all rounds and the official time divided by ours
(above 1 is faster here); then the geometric mean and the rows below the limit.

Both environments are made as scripts/parity.sh makes them, with optimised libraries. `--openblas` puts Debian's OpenBLAS
under the official package in place of the reference BLAS that its wheel brings; it is taken from the package archive into
.cache, nothing is installed. An operation that the official package needs more than `--slow` seconds for is run in one round.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PREPARE = """
set -euo pipefail
. scripts/lib.sh
need_venv "$CACHE/official" mlx==0.32.4 mlx-cpu==0.32.4 numpy==2.4.6 >&2
need_venv "$CACHE/ours" numpy==2.4.6 >&2
cargo build --release --workspace --lib >&2
mkdir -p "$CACHE/site/mlx"
cp "${CARGO_TARGET_DIR:-target}/release/libmlx_python.so" "$CACHE/site/mlx/core.abi3.so"
printf '%s\\n%s\\n' "$CACHE/site" "$ROOT/python" >"$(echo "$CACHE"/ours/lib/python3.*/site-packages)/mlx-arm.pth"
printf '%s\\n' "$CACHE"
"""
OPENBLAS = """
set -euo pipefail
. scripts/lib.sh
dir=$CACHE/openblas
if [ ! -e "$dir/.complete" ]; then
  rm -rf "$dir"
  mkdir -p "$dir"
  cd "$dir"
  apt-get download -qq libopenblas0-pthread libgfortran5 libquadmath0 >&2
  for deb in *.deb; do dpkg-deb -x "$deb" .; done
  touch .complete
fi
printf '%s\\n' "$(dirname "$(find "$dir/usr" -name libopenblas.so.0 | head -n 1)")"
"""


def shell(text):
    done = subprocess.run(["bash", "-c", text], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("error: the environments could not be made")
    return done.stdout.strip()


def with_openblas(env, folder):
    """OpenBLAS answers for the BLAS and LAPACK functions of the process. Releases that do not know the processor fall back to
    old kernels, so the widest instruction set that the machine has is named, unless the user names one."""
    env = dict(env)
    env["LD_LIBRARY_PATH"] = f"{folder}:{Path(folder).parent}"
    env["LD_PRELOAD"] = f"{folder}/libopenblas.so.0"
    flags = Path("/proc/cpuinfo").read_text().split() if Path("/proc/cpuinfo").exists() else []
    if "avx512f" in flags:
        env.setdefault("OPENBLAS_CORETYPE", "SKYLAKEX")
    elif "avx2" in flags:
        env.setdefault("OPENBLAS_CORETYPE", "HASWELL")
    return env


def rows(python, env, script, only, extra):
    """{(op, shape): milliseconds} of one run; an operation that failed is left out."""
    args = [python, script] + (["--only", only] if only else []) + extra
    done = subprocess.run(args, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"error: {' '.join(map(str, args))}\n{done.stderr}")
    out = {}
    for line in done.stdout.splitlines():
        part = line.split("\t")
        if len(part) < 3 or line.startswith("#"):
            continue
        try:
            out[part[0], part[1]] = float(part[2])
        except ValueError:
            if part[2] == "ERROR":
                print(f"{part[0]} {part[1]}: failed: {part[-2]}", file=sys.stderr)
    return out


def geometric(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else float("nan")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--script", type=Path, default=ROOT / "benches" / "op_rows.py")
    p.add_argument("--only", default="", help="operations whose name holds one of these texts")
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--openblas", action="store_true")
    p.add_argument("--limit", type=float, default=1.5, help="rows below this ratio are listed")
    p.add_argument("--slow", type=float, default=3.0, help="seconds of a row that is not repeated")
    p.add_argument("--as-is", action="store_true", help="take the environments as they are, build nothing")
    p.add_argument("--json", type=Path)
    p.add_argument("extra", nargs="*", help="further arguments of the script, after --")
    a = p.parse_args()
    cache = Path(os.environ.get("MLX_SCRIPT_CACHE", ROOT / ".cache")) if a.as_is else Path(shell(PREPARE))
    ours, official = cache / "ours/bin/python", cache / "official/bin/python"
    env = dict(os.environ)
    sides = {"ours": (ours, env), "official": (official, with_openblas(env, shell(OPENBLAS)) if a.openblas else env)}

    # The first run tells which operations there are, and warms files and memory.
    found = rows(ours, env, a.script, a.only, a.extra)
    names = list(dict.fromkeys(op for op, _ in found))
    times = {key: {"ours": [], "official": []} for key in found}
    slow = set()
    for turn in range(a.rounds):
        for name in names:
            if name in slow:
                continue
            order = list(sides) if turn % 2 == 0 else list(sides)[::-1]
            for who in order:
                got = rows(*sides[who], a.script, name, a.extra)
                for key, ms in got.items():
                    if key[0] == name and key in times:
                        times[key][who].append(ms)
                        if who == "official" and ms > a.slow * 1000:
                            slow.add(name)

    print(f"{'operation':28} {'shape':28} {'here ms':>10} {'official ms':>12} {'ratio':>8}")
    ratios, table = {}, []
    for key, t in times.items():
        if not t["ours"] or not t["official"]:
            print(f"{key[0]:28} {key[1]:28} {'not on both sides':>32}")
            continue
        here, there = statistics.median(t["ours"]), statistics.median(t["official"])
        ratios[key] = there / here
        table.append({"op": key[0], "shape": key[1], "ours_ms": here, "official_ms": there, "all": t})
        print(f"{key[0]:28} {key[1]:28} {here:10.4f} {there:12.4f} {ratios[key]:8.2f}")
    print(f"geometric mean of {len(ratios)} rows: {geometric(list(ratios.values())):.2f}")
    below = sorted((r, key) for key, r in ratios.items() if r < a.limit)
    print(f"below {a.limit}: {len(below)}")
    for r, (op, shape) in below:
        print(f"  {op} {shape}: {r:.2f}")
    if a.json:
        a.json.write_text(json.dumps(table, indent=1))


if __name__ == "__main__":
    main()
