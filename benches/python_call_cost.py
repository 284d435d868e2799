#!/usr/bin/env python3
"""What a call on tiny arrays costs from Python, here and in the official package, in turns on the same machine.

    python3 benches/python_call_cost.py --ours PYTHON --official PYTHON

`scripts/parity.sh` makes both environments (.cache/ours/bin/python and .cache/official/bin/python); build with RELEASE=1.
Prints the median time of each call in nanoseconds and the ratio of the medians: above 1 is slower here.
"""

import argparse
import json
import statistics
import subprocess

WORKER = """
import json, sys, time
import mlx.core as mx
a, b = mx.array([1.0, 2.0]), mx.array([3.0, 4.0])
m = mx.ones((4, 4)); mx.eval(a, b, m)
calls = {
    "a + b": lambda: a + b, "a * 2.0": lambda: a * 2.0, "mx.exp(a)": lambda: mx.exp(a), "m.sum(axis=1)": lambda: m.sum(axis=1),
    "m.reshape(16)": lambda: m.reshape(16), "m[1]": lambda: m[1], "m @ m": lambda: m @ m, "mx.softmax(m)": lambda: mx.softmax(m, axis=-1),
    "eval(a + b)": lambda: mx.eval(a + b), "a.shape": lambda: a.shape, "mx.array(1.0)": lambda: mx.array(1.0),
}
out = {}
for name, f in calls.items():
    n = 2000
    for _ in range(n // 4): f()
    t = time.perf_counter_ns()
    for _ in range(n): f()
    out[name] = (time.perf_counter_ns() - t) / n
print(json.dumps(out))
"""


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ours", required=True)
    p.add_argument("--official", required=True)
    p.add_argument("--rounds", type=int, default=9)
    a = p.parse_args()
    times = {"ours": [], "official": []}
    for _ in range(a.rounds):
        for who in times:
            done = subprocess.run([getattr(a, who), "-c", WORKER], capture_output=True, text=True, check=True)
            times[who].append(json.loads(done.stdout))
    print(f"{'call':16} {'here':>8} {'official':>9} {'ratio':>6}")
    for name in times["ours"][0]:
        here, there = (statistics.median(t[name] for t in times[w]) for w in ("ours", "official"))
        print(f"{name:16} {here:8.0f} {there:9.0f} {here / there:6.2f}")


if __name__ == "__main__":
    main()
