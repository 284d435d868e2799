#!/usr/bin/env python3
"""Runs the chain of 100 sums of 8 elements by turns in the official wheel and in the bench `dispatch`, and prints both
medians and their ratio.

    dispatch_vs_mlx.py BENCH_BINARY [TURNS]
"""
import statistics
import subprocess
import sys
import time

import mlx.core as mx

mx.set_default_device(mx.cpu)
x, one = mx.ones((8,)), mx.ones((8,))
mx.eval(x, one)


def wheel():
    times = []
    for _ in range(30):
        t = time.perf_counter()
        y = x + one
        for _ in range(99):
            y = y + one
        mx.eval(y)
        times.append((time.perf_counter() - t) * 1e6)
    return statistics.median(times)


def main():
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    bench = subprocess.Popen([sys.argv[1], "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    ours, theirs = [], []
    for _ in range(turns):
        bench.stdin.write("\n")
        bench.stdin.flush()
        ours.append(float(bench.stdout.readline()))
        theirs.append(wheel())
    bench.stdin.close()
    bench.wait()
    a, b = statistics.median(ours), statistics.median(theirs)
    print(f"ours {a:.1f} us, official wheel {b:.1f} us: {b / a:.2f} times as fast")


if __name__ == "__main__":
    main()
