#!/usr/bin/env bash
# test-aarch64.sh [--reduced]: the Rust tests, the case list and the program on AArch64, under emulation (qemu-user).
#
# Installs what is missing (Debian's arm64 standard library, cross compiler and qemu-user), cross-builds, then runs at
# these levels: cortex-a53 (NEON), cortex-a76 (and fp16, dotprod), max (everything qemu knows). A wrong detection ends
# in SIGILL and fails. Then SmolLM2 answers on the emulated machine and its greedy tokens are compared with this
# machine's. Closes with 'N passed, N failed' (Rust tests, case-list runs and comparisons together).
#
#   --reduced   for CI: the quantized products' tests and a third of the case list at the NEON and the dotprod level,
#               another at each; no other tests, no model, no derivatives
#   ARM_CPUS="a b"   the levels to run instead
#
# Emulation tells right from wrong; it says nothing about speed or real memory ordering.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

reduced=0
while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) usage; exit 0 ;;
    --reduced) reduced=1 ;;
    *) die "unknown option $1 (see --help)" ;;
  esac
  shift
done

need_arm
need_tiny_models
export MLX_ARM_TINY_MODELS=$CACHE/tiny
unset MLX_ARM_TEST_MODELS   # the real models' tests are for native runs; the comparison below covers one here

HOST_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}
# Optimised, since emulation is slow enough, with the debug build's checks.
arm_cargo() {
  with_arm CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true \
    cargo "$1" --release --target $ARM_TARGET "${@:2}"
}

passed=0 failed=0
# sum_of WORD LOG: the numbers before that word on the closing lines ('test result: ok. 3 passed; 0 failed; …').
sum_of() {
  awk -v word="$1" '/^(test result|level)/ { for (i = 2; i <= NF; i++) if (index($i, word) == 1) n += $(i - 1) } END { print n + 0 }' "$2"
}
# count NAME LOG STATUS: adds the closing lines of libtest and mlx-check; a run that failed without naming a failed test counts as one.
count() {
  local p f
  p=$(sum_of passed "$2")
  f=$(sum_of failed "$2")
  if [ "$3" != 0 ] && [ "$f" = 0 ]; then f=1; fi
  if [ "$3" = 0 ] && [ "$p" = 0 ]; then p=1; fi
  passed=$((passed + p)) failed=$((failed + f))
  note "$1: $p passed, $f failed"
}
# start NAME CMD...: runs it in the background with its output in a log; finish waits for all and counts them in order.
started=() pids=()
start() {
  local name=$1; shift
  started+=("$name")
  "$@" >"$(log "arm-${name//[^A-Za-z0-9]/-}")" 2>&1 </dev/null &
  pids+=($!)
}
finish() {
  local i file status
  for i in "${!started[@]}"; do
    status=0
    wait "${pids[$i]}" || status=$?
    file=$(log "arm-${started[$i]//[^A-Za-z0-9]/-}")
    if [ $status != 0 ]; then
      grep -nE 'FAILED|failed|panicked|error|SIGILL|signal' "$file" | head -n 40 || true
      tail -n 40 "$file"
    fi
    count "${started[$i]}" "$file" $status
  done
  started=() pids=()
}

packages=(--workspace --lib --bins --tests)
cpus=(cortex-a53 cortex-a76 max)
if [ $reduced = 1 ]; then
  # Kernels differ by platform; the rest is the same safe Rust that the native run has tested. Without their unit tests
  # the kernels are built once, not twice.
  packages=(-p mlx-cpu -p mlx-check --test levels --test qmatmul)
  cpus=(cortex-a53 cortex-a76)
fi
if [ -n "${ARM_CPUS:-}" ]; then read -ra cpus <<<"$ARM_CPUS"; fi

say "cross-building"
# One build for everything: another choice of packages would mean other features, and building it all again.
built=$(log arm-built)
arm_cargo test "${packages[@]}" --no-run --message-format=json-render-diagnostics >"$built"
# 'FOLDER PROGRAM' of each test program. mlx-check's own tests start it once more, and its list is run below;
# mlx-hub's start Python.
tests=$(python3 - "$built" <<'EOF'
import json, os, sys
for line in open(sys.argv[1], encoding="utf-8"):
    m = json.loads(line)
    if m.get("executable") and m["profile"]["test"]:
        folder = os.path.dirname(m["manifest_path"])
        if os.path.basename(folder) not in ("mlx-check", "mlx-hub"):
            print(folder, m["executable"])
EOF
)
# Left to native runs: what starts other programs (the emulator answers for those it cannot start), and what is timed.
skipped=(--skip a_pull_that_cannot_work_ends_in_one_line_each --skip doctor_reports_and_finds_faults
  --skip hostile_templates_end_soon)
run_tests() {
  local folder program status=0
  while read -r folder program; do
    printf '%s\n' "$program"
    (cd "$folder" && "$ROOT/scripts/run-arm64.sh" "$program" "${skipped[@]}" </dev/null) || status=1
  done <<<"$tests"
  return $status
}
say "Rust tests"
for cpu in "${cpus[@]}"; do
  export ARM_CPU=$cpu MLX_ARM_TEST_RUNNER=$ROOT/scripts/run-arm64.sh
  start "tests on $cpu" run_tests
done
finish

if [ -d crates/mlx-check ]; then
  say "case list"
  program=$HOST_TARGET_DIR/arm/$ARM_TARGET/release/mlx-check
  for i in "${!cpus[@]}"; do
    part=()
    # Each level its share: the whole list takes the emulator long, and the levels' own tests have run above.
    if [ $reduced = 1 ]; then part=(--part "$((i % 3 + 1))/3"); fi
    export ARM_CPU=${cpus[$i]} ARM_TIMEOUT=2400
    start "case list on $ARM_CPU" scripts/run-arm64.sh "$program" test "${part[@]}"
  done
  finish
  if [ $reduced = 0 ]; then
    for cpu in "${cpus[@]}"; do
      export ARM_CPU=$cpu
      start "derivatives on $cpu" scripts/run-arm64.sh "$program" grad
    done
    finish
  fi
fi

# answer PROGRAM...: the greedy token ids of a fixed question, one where the first choice is always clear. (Levels add in
# different orders, and quantizing the activations makes much of the last digits: close choices differ between levels.)
answer() {
  "$@" generate --model "$CACHE/models/SmolLM2-135M-Instruct.Q4_1.gguf" --prompt 'Explain in two sentences why the sky is blue.' \
    --temp 0 --max-tokens 16 --json </dev/null |
    python3 -c 'import json, sys
o = json.loads(sys.stdin.read().strip().splitlines()[-1])
print(o["tokens"], repr(o["text"]))'
}
compare_answers() {
  local here there
  here=$(answer "$HOST_TARGET_DIR/release/mlx-arm")
  there=$(answer scripts/run-arm64.sh "$HOST_TARGET_DIR/arm/$ARM_TARGET/release/mlx-arm")
  printf 'here      %s\nemulated  %s\n' "$here" "$there"
  [ -n "$here" ] && [ "$here" = "$there" ]
}
if [ $reduced = 0 ] && [ -d crates/mlx-cli ]; then
  say "SmolLM2 on this machine and on the emulated one"
  scripts/models.sh "$CACHE/models" --no-gemma
  cargo build --release -p mlx-cli
  for cpu in "${cpus[@]}"; do
    export ARM_CPU=$cpu ARM_TIMEOUT=1800
    start "SmolLM2 answers on $cpu as here" compare_answers
    finish
    cat "$(log "arm-SmolLM2-answers-on-$cpu-as-here")"
  done
fi

printf '%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]
