#!/usr/bin/env python3
"""The same training on this package and on the official one: the losses must agree step by step.

    training.py --ours PYTHON --official PYTHON [--device gpu]

An MLP on scikit-learn's handwritten digits (SGD with momentum, then AdamW, a compiled step) and a small transformer on
text (Adam). Weights come from the same seed. --device gpu trains ours on the Vulkan device. The exit status is 1 where the
losses part or do not fall.
"""

import argparse
import json
import subprocess
import sys

# Of the loss: rounding differs by the order of sums, and steps make it grow.
TOLERANCE = 2e-3


def digits(optimizer, compiled):
    import mlx.core as mx
    import mlx.nn as nn
    import numpy as np
    from functools import partial
    from sklearn.datasets import load_digits

    mx.random.seed(3)
    d = load_digits()
    x, y = mx.array((d.data / 16).astype(np.float32)), mx.array(d.target.astype(np.int32))
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.1), nn.Linear(64, 10))
    loss = nn.value_and_grad(model, lambda a, b: nn.losses.cross_entropy(model(a), b, reduction="mean"))

    def step(a, b):
        value, gradient = loss(a, b)
        optimizer.update(model, gradient)
        return value

    if compiled:
        state = [model.state, optimizer.state, mx.random.state]
        step = partial(mx.compile, inputs=state, outputs=state)(step)
    order, out = np.random.default_rng(0), []
    for _ in range(60):
        pick = mx.array(order.integers(0, len(y), 64))
        out.append(step(x[pick], y[pick]).item())
        mx.eval(model.parameters(), optimizer.state)
    model.eval()
    return out, (mx.argmax(model(x), axis=1) == y).astype(mx.float32).mean().item()


def transformer():
    import mlx.core as mx
    import mlx.nn as nn
    import mlx.optimizers as optim
    import numpy as np

    mx.random.seed(4)
    text = ("the sea is wide and the sky is wide, and between them goes a small boat with a white sail. " * 30).encode()
    data = np.frombuffer(text, np.uint8).astype(np.int32)

    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(128, 48)
            self.place = nn.SinusoidalPositionalEncoding(48)
            self.body = nn.TransformerEncoder(2, 48, 4, mlp_dims=96, dropout=0.0, norm_first=True)
            self.head = nn.Linear(48, 128)

        def __call__(self, t):
            n = t.shape[1]
            mask = nn.MultiHeadAttention.create_additive_causal_mask(n)
            return self.head(self.body(self.embed(t) + self.place(mx.arange(n)), mask))

    # A usual eps of 1e-8 makes steps of full size of gradients that are rounding noise: after ten steps the losses part.
    model, optimizer = Model(), optim.Adam(optim.cosine_decay(3e-3, 60), eps=1e-3)
    mx.eval(model.parameters())
    loss = nn.value_and_grad(model, lambda a, b: nn.losses.cross_entropy(model(a), b, reduction="mean"))
    order, out = np.random.default_rng(1), []
    for _ in range(40):
        at = order.integers(0, len(data) - 33, 8)
        batch = np.stack([data[i : i + 33] for i in at])
        value, gradient = loss(mx.array(batch[:, :-1]), mx.array(batch[:, 1:]))
        optimizer.update(model, gradient)
        mx.eval(model.parameters(), optimizer.state)
        out.append(value.item())
    return out, 1.0


def work(device):
    import mlx.core as mx
    import mlx.optimizers as optim

    if device == "gpu":
        mx.set_default_device(mx.gpu)
    print(json.dumps({
        "digits, SGD": digits(optim.SGD(0.1, momentum=0.9), False),
        "digits, AdamW, compiled": digits(optim.AdamW(3e-3), True),
        "transformer, Adam": transformer(),
    }))


def main():
    if sys.argv[1:2] == ["--work"]:
        return work(*sys.argv[2:])
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--ours", required=True)
    p.add_argument("--official", required=True)
    p.add_argument("--device", choices=["cpu", "gpu"], default="cpu", help="where ours is trained")
    a = p.parse_args()
    sides, bad = [], 0
    for python, device in ((a.ours, a.device), (a.official, "cpu")):
        r = subprocess.run([python, __file__, "--work", device], capture_output=True, text=True, timeout=1800)
        if r.returncode:
            sys.exit(r.stderr)
        sides.append(json.loads(r.stdout.splitlines()[-1]))
    for name, (theirs, accuracy) in sides[1].items():
        ours, here = sides[0][name]
        worst = max(abs(x - y) / max(abs(y), 0.1) for x, y in zip(ours, theirs, strict=True))
        good = worst <= TOLERANCE and abs(here - accuracy) <= 0.01 and sum(ours[-5:]) < 0.6 * sum(ours[:5])
        bad += not good
        print(f"{'same' if good else 'DIFFERS'} {name}: loss {ours[0]:.4f} -> {ours[-1]:.4f}, at most {worst:.1e} from the official, right {here:.3f}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
