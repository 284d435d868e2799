#!/usr/bin/env bash
# wheel.sh [--check] [--dev] [--target aarch64]: builds the Python wheel in an environment made for it and puts it into
# dist/, with an empty wheel named mlx that brings it where a package requires `mlx`.
#
#   --check    also looks that every Python file and stub is in it, installs both wheels, with mlx-lm, into a fresh
#              environment (.cache/wheel), tries them and compares them with the official package, case by case
#   --dev      takes what the tests have built (target/debug) instead of building an optimised library. The wheel lands in
#              .cache/dist: it is large and slow
#   --target aarch64
#              cross-builds for AArch64 Linux with Debian's compilers; --check then tries it with an AArch64 Python under
#              emulation (qemu-user), on every ARM_CASES-th case (20 if not said)
#
# With MLX_ARM_GLSL=0 it is built in two minutes less, and a megabyte or more smaller, without the compiler for
# mx.fast.vulkan_kernel.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

check='' dev='' target='' out=$ROOT/dist for_arm=()
while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) usage; exit 0 ;;
    --check) check=1 ;;
    --dev) dev=1 out=$CACHE/dist ;;
    --target)
      [ "${2:-}" = aarch64 ] || die "--target: only aarch64 is known (without it, this machine's own is built)"
      target=$ARM_TARGET; shift ;;
    *) die "unknown option $1 (see --help)" ;;
  esac
  shift
done
[ -z "$dev" ] || [ -z "$target" ] || die "--dev takes what this machine's tests have built: not with --target"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-python3}

"$python" -m venv "$work/build"
"$work/build/bin/pip" --quiet --disable-pip-version-check install 'maturin>=1.9,<2'
args=(--interpreter "$work/build/bin/python" --out "$work/dist")
if [ "${MLX_ARM_GLSL:-1}" = 0 ]; then
  [ -z "$dev" ] || die "MLX_ARM_GLSL=0 needs a build of its own: not with --dev"
  args+=(--no-default-features --features vulkan)
fi
if [ -n "$dev" ]; then
  args+=(--profile dev)
  export CARGO=$ROOT/scripts/workspace-cargo.sh
else
  args+=(--release)
fi
if [ -n "$target" ]; then
  need_arm
  args+=(--target "$target")
  for_arm=(with_arm)
fi
(cd python && "${for_arm[@]}" "$work/build/bin/maturin" build "${args[@]}" >"$(log maturin)" 2>&1) ||
  { tail -n 40 "$(log maturin)" >&2; die "maturin could not build the wheel: see $(log maturin)"; }
mkdir -p "$out"
built=$(basename "$work"/dist/mlx_arm-*.whl)
mv -f "$work/dist/$built" "$out/$built"
wheel=$out/$built
echo "$wheel"
companion=$("$python" scripts/companion_wheel.py "$wheel" "$out")
echo "$companion"
[ -n "$check" ] || exit 0

"$python" - "$wheel" <<'EOF'
import pathlib, sys, zipfile

names = set(zipfile.ZipFile(sys.argv[1]).namelist())
here = {str(p.relative_to("python")) for folder in ("python/mlx", "python/mlx_arm") for p in pathlib.Path(folder).rglob("*")
        if p.is_file() and "__pycache__" not in p.parts}
wanted = here | {"mlx/core.abi3.so"}
found = {n for n in names if ".dist-info/" not in n}
if found != wanted:
    sys.exit(f"the wheel lacks {sorted(wanted - found)} and has beyond {sorted(found - wanted)}")
print(f"the wheel has all {len(found)} files")
EOF

# An environment where the wheel is installed; for AArch64 unpacked, for the interpreter that need_arm_python makes.
try=$CACHE/wheel
rm -rf "$try"
if [ -n "$target" ]; then
  need_arm_python
  mkdir -p "$try"
  "$python" -m zipfile -e "$wheel" "$try"
  "$python" -m zipfile -e "$(arm_wheel numpy==2.4.6)" "$try"
  # The folder is for this interpreter only: the official package is asked by another.
  tried=$try/python
  printf '#!/bin/sh\nPYTHONPATH=%s exec %s "$@"\n' "$try" "$CACHE/arm-python/python" >"$tried"
  chmod +x "$tried"
else
  "$python" -m venv "$try"
  "$try/bin/pip" --quiet --disable-pip-version-check install "$wheel" "$companion" "${LM_PACKAGES[@]}"
  tried=$try/bin/python
fi
"$tried" - "${target:+arm}" <<'EOF'
import sys
import warnings

import mlx.core as mx

a = mx.arange(6).reshape(2, 3)
assert (a @ (a.T * 1.0)).tolist() == [[5.0, 14.0], [14.0, 50.0]]
assert mx.grad(lambda x: (x * x).sum())(mx.array([1.0, 2.0])).tolist() == [2.0, 4.0]

warnings.simplefilter("error")
import mlx.nn, mlx.optimizers, mlx.utils

if not sys.argv[1]:
    import mlx_arm
    import mlx_lm.generate, mlx_lm.server, mlx_lm.lora

    assert mlx_arm.conflicts() == []
print("the wheel works:", mx.__version__, "on", __import__("platform").machine())
EOF
if [ -n "$target" ]; then
  # The emulator answers what a real machine would, slowly.
  scripts/parity.sh --python "$tried" --every "${ARM_CASES:-20}"
else
  scripts/parity.sh --python "$tried"
fi
