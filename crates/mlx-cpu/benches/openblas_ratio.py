"""Our f32 product against numpy's (OpenBLAS), alternating in one run: ratio of medians, above 1 is faster than numpy.

    cargo bench -p mlx-cpu --bench matmul --no-run     # prints the path of the program
    python3 openblas_ratio.py PATH [THREADS]

Run it once for each thread count: OpenBLAS reads OPENBLAS_NUM_THREADS when it is loaded.
"""

import os
import statistics
import subprocess
import sys
import time

program, threads = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "2"
os.environ["OPENBLAS_NUM_THREADS"] = threads
import numpy as np  # noqa: E402

CASES = [("mm", n, n, n) for n in (256, 512, 1024, 2048)] + [("mmt", n, n, n) for n in (256, 1024, 2048)]
CASES += [("mmt", 128, 4096, 4096), ("mm", 1, 4096, 4096), ("mmt", 1, 4096, 4096)]

ours = subprocess.Popen([program, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
for kind, m, k, n in CASES:
    a = np.random.rand(m, k).astype(np.float32)
    b = np.random.rand(k, n).astype(np.float32) if kind == "mm" else np.random.rand(n, k).astype(np.float32).T
    out = np.empty((m, n), np.float32)
    mine, theirs = [], []
    for _ in range(5):
        ours.stdin.write(f"{kind} f32 {threads} {m} {k} {n}\n")
        ours.stdin.flush()
        mine.append(float(ours.stdout.readline()))
        times, start = [], time.perf_counter()
        while len(times) < 4 or (time.perf_counter() - start < 0.3 and len(times) < 200):
            t = time.perf_counter()
            np.matmul(a, b, out=out)
            times.append(time.perf_counter() - t)
        theirs.append(statistics.median(times[1:]))
    x, y = statistics.median(mine), statistics.median(theirs)
    rate = 2e-9 * m * n * k
    print(f"{kind:4} {m}x{k}x{n}: ours {rate / x:7.1f}  numpy {rate / y:7.1f} GFLOP/s  ratio {y / x:.2f}", flush=True)
ours.stdin.close()
