#!/usr/bin/env bash
# test.sh [--only STEP,...] [--skip STEP,...] [--list]: checks everything, on a fresh Debian 12 machine too.
#
# Installs what is missing (apt as root or through sudo; pip into .cache/venv), runs every step even if an earlier
# one failed, prints the time of each, and closes with 'N passed, N failed', counted in steps; the exit status is 1
# if one failed. After `build` two steps run at a time, and what each says comes when it ends. It can be run any number
# of times. Nothing is written outside the checkout but Debian packages.
#
#   shell     syntax of every shell and Python script; shellcheck
#   fmt       cargo fmt --check
#   clippy    cargo clippy -D warnings on all targets
#   shaders   the committed SPIR-V is what the GLSL makes, and is valid (scripts/shaders.sh --check)
#   models    fetches the real models (SmolLM2, Gemma 3 270M) and makes the tiny random ones
#   build     everything that the steps below run
#   tests     every Rust test: unit, integration, examples
#   doc       documentation tests; rustdoc without warnings
#   python    scripts/wheel.sh --dev --check: the wheel, installed into a fresh environment, against the official one, case
#             by case; scripts/mlx_lm.sh --reduced: mlx-lm on both, and training
#   oracle    tests/oracle/*.py: our results against the official mlx wheel, numpy, gguf and safetensors
#   gpu       every second case of the list and the kernels' tests on the Vulkan back end, over Debian's software driver
#             (lavapipe), also with capabilities taken away and with all arrays copied to and from the device
#   vulkan    scripts/test-vulkan.sh --reduced: newer and weaker software drivers, subgroups of 4, 8 and 16, a missing barrier
#   arm       scripts/test-aarch64.sh --reduced: cross-built, under emulation
#   book      builds docs/book where mdbook is installed
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

STEPS=(shell fmt clippy shaders models build gpu tests vulkan python doc oracle book arm)
# Of these, what runs beside each other: most of it keeps one processor busy.
BESIDE=(gpu tests vulkan python doc oracle book)
# One exact version each, so that a reference changes only in a commit.
ORACLE_PACKAGES=(mlx==0.32.4 mlx-cpu==0.32.4 numpy==2.4.6 gguf==0.19.0 safetensors==0.8.0 ml_dtypes==0.5.4)

step_shell() {
  need_apt shellcheck python3
  local f
  for f in .ci/run scripts/*.sh; do bash -n "$f"; done
  shellcheck .ci/run scripts/*.sh
  find scripts benches tests python -name '*.py' -print0 | xargs -0 -r python3 -c '
import ast, sys
for name in sys.argv[1:]:
    ast.parse(open(name, encoding="utf-8").read(), name)
print(len(sys.argv) - 1, "Python files parse")'
}

step_fmt() { need_rust_tools; cargo fmt --all --check; }

step_clippy() {
  need_rust_tools
  cargo clippy --workspace --all-targets -- -D warnings
  # Of these the kernels' unit tests are none.
  cargo clippy -p mlx-cpu --lib --profile test -- -D warnings
}

step_shaders() {
  scripts/shaders.sh --check
  cargo fmt --manifest-path crates/mlx-vulkan/tools/shaders/Cargo.toml --check
}

step_models() { scripts/models.sh "$CACHE/models"; need_tiny_models; }

step_build() { build_workspace; }

step_tests() {
  need_tiny_models
  export_models
  build_workspace
  if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --tests --no-fail-fast
  else
    cargo test --workspace --tests --no-fail-fast
  fi
  # In a profile of their own: see Cargo.toml.
  cargo test --profile unit -p mlx-cpu --lib --no-fail-fast
}

step_doc() {
  cargo test --workspace --doc
  RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
}

step_python() {
  build_workspace
  scripts/wheel.sh --dev --check
  scripts/mlx_lm.sh --reduced --python "$CACHE/wheel/bin/python"
}

step_oracle() {
  need_venv "$CACHE/venv" "${ORACLE_PACKAGES[@]}"
  export_models
  build_workspace
  # With the programs that are built already: cargo, asked for one of them, would choose other features.
  local f bad=0 args exported=$CACHE/oracle
  rm -rf "$exported"
  "$(built mlx-check program)" export "$exported"
  for f in tests/oracle/*.py; do
    args=()
    case $f in
      */mlx_ops.py) args=("$exported") ;;
      */formats.py) args=(--bin "$(built dump_formats program)") ;;
      */quant_formats.py) args=(--tool "$(built quant_rows program)") ;;
    esac
    note "$f"
    "$CACHE/venv/bin/python" "$f" "${args[@]}" || { bad=1; note "$f FAILED"; }
  done
  return $bad
}

step_gpu() {
  need_apt libvulkan1 mesa-vulkan-drivers vulkan-validationlayers
  export MLX_ARM_GPU=llvmpipe MLX_VULKAN_REQUIRED=1
  # Under the validation layer, which reports on standard output and changes nothing. Its checks of the shaders' accesses
  # and of missing barriers are left to scripts/test-vulkan.sh: they take minutes to rewrite thousands of shaders.
  build_workspace
  local kernels check program name
  kernels=$(built mlx_vulkan test)
  check=$(built mlx-check program)
  program=$(built mlx-arm program)
  VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation "$kernels" --test-threads 1 | tee "$(log validation)"
  VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation MLX_VULKAN_SELFTEST=0 "$(built vulkan_kernel test)" | tee -a "$(log validation)"
  if grep -q 'VUID-\|UNASSIGNED-' "$(log validation)"; then die "the validation layer objects: see $(log validation)"; fi
  # As a card with a window to all its memory, and as one without.
  MLX_VULKAN_DISABLE=unified,push_descriptor,int64,timeline "$kernels"
  MLX_VULKAN_DISABLE=unified,rebar "$kernels" memory
  need_tiny_models
  export_models
  for name in lowering replay mapped gpu selftest vulkan_kernel; do "$(built $name test)"; done
  need_venv "$CACHE/ours" "${PYTHON_PACKAGES[@]}"
  place_package "$CACHE/ours"
  "$CACHE/ours/bin/python" tests/python/vulkan_kernel.py
  need_venv "$CACHE/official" "${OFFICIAL_PACKAGES[@]}" "${PYTHON_PACKAGES[@]}"
  python3 tests/python/compare.py --ours "$CACHE/ours/bin/python" --official "$CACHE/official/bin/python" --device gpu --every 10
  # All of it is for a device: mlx-check test --device gpu.
  "$check" test --device gpu --part 1/2
  MLX_VULKAN_DISABLE=unified,push_descriptor "$check" test add --device gpu
  # A model, whole: the same greedy answer as the processor's.
  step_models
  export_models
  local model=$MLX_ARM_TEST_MODELS/SmolLM2-135M-Instruct.Q4_1.gguf device answers=()
  for device in cpu gpu; do
    answers+=("$("$program" generate --model "$model" --device $device --temp 0 --max-tokens 6 \
      --prompt 'Explain in two sentences why the sky is blue.')")
    note "$device: ${answers[-1]}"
  done
  [ "${answers[0]}" = "${answers[1]}" ] || die "the gpu's answer differs from the processor's"
}

step_vulkan() {
  # Of another Debian release and out of another package: a mirror may lack them.
  if ! scripts/vulkan-drivers.sh validation swiftshader; then
    note "NOT RUN: the software drivers could not be fetched; scripts/test-vulkan.sh wants them"
    return 0
  fi
  scripts/test-vulkan.sh --reduced
}

step_arm() { scripts/test-aarch64.sh --reduced; }

step_book() {
  if ! command -v mdbook >/dev/null; then note "mdbook is not installed (cargo install mdbook): only the links of the summary are checked"; fi
  local page
  grep -o '([^)]*\.md)' docs/book/src/SUMMARY.md | tr -d '()' | while read -r page; do
    [ -e "docs/book/src/$page" ] || die "docs/book/src/SUMMARY.md names $page, which is not there"
  done
  if command -v mdbook >/dev/null; then mdbook build docs/book; fi
}

only='' skip=''
while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) usage; exit 0 ;;
    --list) printf '%s\n' "${STEPS[@]}"; exit 0 ;;
    --only) only=${2:?--only needs step names}; shift ;;
    --skip) skip=${2:?--skip needs step names}; shift ;;
    --step) "step_$2"; exit 0 ;;   # one step in a shell of its own, where set -e holds
    *) die "unknown option $1 (see --help)" ;;
  esac
  shift
done
chosen=()
for s in ${only//,/ } ${skip//,/ }; do
  [[ " ${STEPS[*]} " == *" $s "* ]] || die "no step is called $s; the steps: ${STEPS[*]}"
done
for s in "${STEPS[@]}"; do
  if [ -n "$only" ] && [[ ",$only," != *",$s,"* ]]; then continue; fi
  if [[ ",$skip," == *",$s,"* ]]; then continue; fi
  chosen+=("$s")
done
[ ${#chosen[@]} -gt 0 ] || die "no step is left to run"

need_rust
table=$(mktemp)
# What runs beside is a group of processes each, which end with this script.
end() {
  local group
  for group in $(jobs -p); do kill -- "-$group" 2>/dev/null || true; done
  rm -f "$table"
}
trap end EXIT
# one STEP: runs it, and notes how long it took and how it ended.
one() {
  local began=$SECONDS verdict=ok
  bash "$0" --step "$1" </dev/null || verdict=FAILED
  printf '%-8s %5d s  %s\n' "$1" $((SECONDS - began)) "$verdict" >>"$table"
}
# beside STEP: the same for one of several at a time.
beside() {
  local out
  out=$(log "step-$1")
  one "$1" >"$out" 2>&1
  alone print show "$1" "$out"
}
show() { say "$1"; cat "$2"; }
for s in "${chosen[@]}"; do
  if [[ " ${BESIDE[*]} " == *" $s "* ]] && [ "$(nproc)" -gt 1 ]; then
    while [ "$(jobs -pr | wc -l)" -ge 2 ]; do wait -n || true; done
    note "begun: $s"
    set -m
    beside "$s" &
    set +m
  else
    wait
    say "$s"
    one "$s"
  fi
done
wait
say "steps"
cat "$table"
failed=$(grep -c FAILED "$table" || true)
printf '%d passed, %d failed\n' $((${#chosen[@]} - failed)) "$failed"
[ "$failed" = 0 ]
