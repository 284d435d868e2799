#!/usr/bin/env bash
# Builds the Python wheel in an environment made for it and puts it into dist/, with an empty wheel named mlx that brings
# it where a package requires `mlx`. `scripts/wheel.sh --check` also installs both, with mlx-lm, into another fresh
# environment and tries them. With MLX_ARM_GLSL=0 it is built in two minutes less, and a megabyte or more smaller,
# without the compiler for mx.fast.vulkan_kernel.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}

"$python" -m venv "$work/build"
"$work/build/bin/pip" --quiet --disable-pip-version-check install 'maturin>=1.9,<2'
mkdir -p dist
features=()
[ "${MLX_ARM_GLSL:-1}" != 0 ] || features=(--no-default-features --features vulkan)
(cd python && "$work/build/bin/maturin" build --release --quiet "${features[@]}" --interpreter "$work/build/bin/python" --out ../dist)
wheel=$(find dist -name 'mlx_arm-*.whl' -printf '%T@ %p\n' | sort -n | tail -1 | cut -d' ' -f2)
echo "$wheel"
companion=$("$python" scripts/companion_wheel.py "$wheel" dist)
echo "$companion"

if [ "${1:-}" = --check ]; then
    "$python" -m venv "$work/try"
    "$work/try/bin/pip" --quiet --disable-pip-version-check install "$wheel" "$companion" mlx-lm==0.32.2
    "$work/try/bin/python" - <<'PY'
import mlx.core as mx

a = mx.arange(6).reshape(2, 3)
assert (a @ (a.T * 1.0)).tolist() == [[5.0, 14.0], [14.0, 50.0]]
assert mx.grad(lambda x: (x * x).sum())(mx.array([1.0, 2.0])).tolist() == [2.0, 4.0]
import warnings

warnings.simplefilter("error")
import mlx_arm
import mlx.nn, mlx.optimizers, mlx.utils
import mlx_lm.generate, mlx_lm.server, mlx_lm.lora

assert mlx_arm.conflicts() == []
print("the wheel works:", mx.__version__)
PY
fi
