#!/usr/bin/env python3
"""mlx-lm, unmodified, on this package and on the official one: tiny models of all its files, and greedy tokens.

    run.py --ours PYTHON --official PYTHON --work FOLDER [--model FOLDER]... [--prompts N] [--tokens N] [--only NAME,...]
           [--write FILE]

The exit status is 1 if a model's logits differ, if it runs on one side only, or if greedy tokens part where the two
largest logits are not nearly tied. --write makes the report.
"""

import argparse
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
# Largest distance of logits, of the largest logit, in float32; and the distance of two logits that counts as a tie,
# by the dtype of the model: of the order of its rounding at a logit of 25.
TOLERANCE = 1e-4
TIE = {"float32": 2e-3, "float16": 0.06, "bfloat16": 0.5}
# Model files that need what neither side has.
WITHOUT = {
    "bitnet": "its kernel is written for Metal only",
    "muse_spark": "its kernels are written for Metal only",
    "olmo": "needs the package ai2-olmo",
    "phi3small": "runs here; the official package ends with a memory fault in most runs, and makes NaN in others",
    "prism_hadamard_qwen35": "reads one particular packed checkpoint only",
}
# Those of them that run here; compared if the other side survives with numbers.
THERE = {"phi3small"}


def lines(python, script, *args, timeout):
    p = subprocess.run([python, str(HERE / script), *map(str, args)], capture_output=True, text=True, timeout=timeout, cwd=HERE)
    found = [json.loads(s) for s in p.stdout.splitlines() if s.startswith("{")]
    if not found:
        sys.exit(f"{script} wrote nothing: {p.stderr[-2000:]}")
    return found


def all_of(python, how, folder, names):
    """Outcomes of all names. A crash counts for the model that caused it; the rest runs anew."""
    out = {}
    while len(out) < len(names):
        rest = [n for n in names if n not in out]
        # One that harms the process runs in its own.
        alone = next((i for i, n in enumerate(rest) if n in THERE), len(rest))
        rest = rest[: max(alone, 1)]
        args = [python, str(HERE / "models.py"), how, str(folder), *rest]
        p = subprocess.run(args, capture_output=True, text=True, timeout=900, cwd=HERE)
        found = [json.loads(s) for s in p.stdout.splitlines() if s.startswith("{")]
        out |= {r["model"]: r for r in found}
        if len(found) < len(rest):
            out[rest[len(found)]] = {"error": f"the process ended with status {p.returncode}"}
    return out


def models(a, say):
    import numpy as np

    folder = pathlib.Path(a.work).resolve() / "tiny"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.np*"):
        old.unlink()
    names = a.only.split(",") if a.only else lines(a.ours, "names.py", timeout=120)[0]["names"]
    ours, theirs = all_of(a.ours, "make", folder, names), all_of(a.official, "load", folder, names)
    rows, bad = [], 0
    for n in names:
        x, y = ours[n], theirs[n]
        if "error" in x or "error" in y:
            here, there = x.get("error", "runs"), y.get("error", "runs")
            meant = n in WITHOUT and "error" in (y if n in THERE else x)
            bad += not meant
            rows.append((n, "cannot run" if meant else "FAILS", WITHOUT[n] if meant else f"here: {here}; there: {there}"))
            continue
        if n in WITHOUT and n not in THERE:
            bad += 1
            rows.append((n, "FAILS", "runs now: remove it from WITHOUT"))
            continue
        p, q = np.load(folder / f"{n}.make.npz"), np.load(folder / f"{n}.load.npz")
        worst = max(float(np.abs(p[k] - q[k]).max() / max(1e-6, np.abs(q[k]).max())) for k in q.files)
        finite = all(np.isfinite(q[k]).all() and q[k].std() > 0 for k in q.files)
        if n in THERE and not finite:
            rows.append((n, "cannot run", WITHOUT[n]))
            continue
        same = finite and worst <= TOLERANCE
        bad += not same
        rows.append((n, "same" if same else "DIFFERS", f"{worst:.1e}" + ("" if finite else ", and logits that are not finite or all equal")))
    for n, verdict, what in rows:
        if verdict in ("DIFFERS", "FAILS"):
            say(f"{verdict} {n}: {what}")
    counts = {v: sum(r[1] == v for r in rows) for v in ("same", "DIFFERS", "FAILS", "cannot run")}
    say("model files: " + ", ".join(f"{k} {v}" for v, k in counts.items()))
    return rows, bad


def greedy(a, folder, say):
    label = pathlib.Path(folder).name
    out, bad = [], 0
    ours, theirs = (lines(p, "tokens.py", pathlib.Path(folder).resolve(), a.tokens, a.prompts, timeout=3600) for p in (a.ours, a.official))
    for x, y in zip(ours, theirs, strict=True):
        at = next((i for i, (s, t) in enumerate(zip(x["tokens"], y["tokens"])) if s != t), None)
        gap = None if at is None else max(x["gaps"][at], y["gaps"][at])
        bad += at is not None and gap > TIE[x["dtype"]]
        out.append((label, y["prompt"], len(y["tokens"]), at, gap))
        if at is not None:
            say(f"{label}: {y['prompt']!r} parts at token {at}, where the two largest logits are {gap} apart")
    say(f"{label}: {sum(r[3] is None for r in out)} of {len(out)} answers have the same {a.tokens} tokens")
    return out, bad


def report(a, rows, answers):
    text = ["# mlx-lm on this package", "", "Made by `scripts/mlx_lm.sh --write`; do not edit. mlx-lm 0.32.2, unmodified, on this package and on `mlx` 0.32.4 (processor).", ""]
    text += ["## Greedy answers", "", "| model | prompts | same tokens | parted at a near tie of logits |", "| --- | --- | --- | --- |"]
    for label in dict.fromkeys(r[0] for r in answers):
        mine = [r for r in answers if r[0] == label]
        parted = [f"token {r[3]}, {r[4]} apart" for r in mine if r[3] is not None]
        text.append(f"| {label} | {len(mine)} × {a.tokens} | {len(mine) - len(parted)} | {'; '.join(parted) or 'none'} |")
    text += ["", "## Model files", "", "Tiny random weights, eight tokens at once and through the cache; the largest distance of logits, of the largest logit."]
    for verdict in ("same", "cannot run", "DIFFERS", "FAILS"):
        of = [r for r in rows if r[1] == verdict]
        if of:
            text += ["", f"**{verdict}** ({len(of)}): " + ", ".join(f"`{n}` ({what})" for n, _, what in of)]
    a.write.write_text("\n".join(text) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ours", required=True)
    p.add_argument("--official", required=True)
    p.add_argument("--work", required=True)
    p.add_argument("--model", action="append", default=[])
    p.add_argument("--prompts", type=int, default=20)
    p.add_argument("--tokens", type=int, default=64)
    p.add_argument("--only", default="")
    p.add_argument("--write", type=pathlib.Path)
    a = p.parse_args()
    rows, bad = models(a, print)
    answers = []
    for folder in a.model:
        found, wrong = greedy(a, folder, print)
        answers += found
        bad += wrong
    if a.write:
        report(a, rows, answers)
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
