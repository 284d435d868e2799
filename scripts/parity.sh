#!/usr/bin/env bash
# parity.sh [OPTION...]: compares the Python package of this checkout with the official wheel, case by case, and its stubs
# with what they describe; and files of functions, written by either and read by the other.
#
#   --write           also makes docs/parity.md anew
#   --python PYTHON   takes the package as it is installed for that interpreter (which has numpy), instead of building it
#   --every N         takes each N-th case only
#   --device gpu      computes ours on the Vulkan device (MLX_ARM_GPU names it) and trains there: the environments of
#                     scripts/mlx_lm.sh are needed
#   --pyright         also looks for type errors in mlx-lm with both packages' stubs: the same environments
#
# RELEASE=1 builds the library optimised. Needs python3 (3.11 or newer) with venv; everything lands in .cache.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

args=() python='' device='' pyright=''
while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) usage; exit 0 ;;
    --write) args+=(--parity docs/parity.md) ;;
    --python) python=${2:?--python needs an interpreter}; shift ;;
    --every) args+=(--every "${2:?--every needs a number}"); shift ;;
    --device) device=${2:?--device needs gpu} args+=(--device "$2"); shift ;;
    --pyright) pyright=1 ;;
    *) die "unknown option $1 (see --help)" ;;
  esac
  shift
done

if [ -n "$device$pyright" ]; then need_venv "$CACHE/lm-official" "${OFFICIAL_PACKAGES[@]}" "${LM_PACKAGES[@]}"; fi
need_venv "$CACHE/official" "${OFFICIAL_PACKAGES[@]}" "${PYTHON_PACKAGES[@]}"
if [ -z "$python" ]; then
  if [ -n "$device$pyright" ]; then
    ours=$CACHE/lm-ours
    need_venv "$ours" "${LM_PACKAGES[@]}"
  else
    ours=$CACHE/ours
    need_venv "$ours" "${PYTHON_PACKAGES[@]}"
  fi
  place_package "$ours"
  python=$ours/bin/python
fi

python3 scripts/bindings.py --check
"$python" tests/python/stubs.py
python3 tests/python/compare.py --ours "$python" --official "$CACHE/official/bin/python" "${args[@]}"
python3 tests/python/function_files.py --ours "$python" --official "$CACHE/official/bin/python"
if [ -n "$device" ]; then
  "$python" tests/python/training.py --ours "$python" --official "$CACHE/lm-official/bin/python" --device "$device"
fi
if [ -n "$pyright" ]; then
  need_venv "$CACHE/pyright" basedpyright==1.40.2
  python3 tests/python/typed.py --pyright "$CACHE/pyright/bin/basedpyright" --ours "$python" \
    --official "$CACHE/lm-official/bin/python"
fi
