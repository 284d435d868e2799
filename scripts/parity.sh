#!/usr/bin/env bash
# Compares the Python package of this checkout with the official wheel, case by case. With --write it also makes
# docs/parity.md anew. Needs python3 (3.11 or newer) with venv; everything lands in .cache.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

OFFICIAL=(mlx==0.32.4 mlx-cpu==0.32.4 numpy==2.4.6)
need_venv "$CACHE/official" "${OFFICIAL[@]}"
need_venv "$CACHE/ours" numpy==2.4.6
# All libraries: packages chosen one by one have other features, and the kernels would be compiled once more for them.
cargo build --workspace --lib ${RELEASE:+--release}
mkdir -p "$CACHE/site/mlx"
built=${CARGO_TARGET_DIR:-target}/${RELEASE:+release}
[ -n "${RELEASE:-}" ] || built=${CARGO_TARGET_DIR:-target}/debug
cp "$built/libmlx_python.so" "$CACHE/site/mlx/core.abi3.so"
# The compiled module and the Python files are two halves of one namespace package.
printf '%s\n%s\n' "$CACHE/site" "$ROOT/python" >"$(echo "$CACHE"/ours/lib/python3.*/site-packages)/mlx-arm.pth"

args=(--ours "$CACHE/ours/bin/python" --official "$CACHE/official/bin/python")
[ "${1:-}" = --write ] && args+=(--parity docs/parity.md)
python3 scripts/bindings.py --check
python3 tests/python/compare.py "${args[@]}"
