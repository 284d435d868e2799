#!/usr/bin/env bash
# test-vulkan.sh [--reduced] [--jobs N] [DRIVER...|all]: the Vulkan back end on software drivers, under validation.
#
# On each driver: the kernels' tests; the same under the newer validation layer with its checks of the calls and of
# missing barriers, then with its checks of the shaders' accesses (which takes half an hour: on SwiftShader and the first
# lavapipe, and of cooperative matrices on lavapipe-new); a part of the case list (mlx-check). On the first lavapipe also
# with capabilities taken away. Then the newer validator reads the shaders with cooperative matrices; and it is shown that
# the layer notices when a barrier is taken away.
# It takes hours of processor time. --jobs: so many runs at a time (as many as there are processors; one with --reduced).
# --reduced, which CI runs, takes a few minutes: the self-test of every family of kernels on each driver, and missing
# barriers with the tests of a few kernels on lavapipe-new. Drivers (default: all):
#
#   lavapipe-128 lavapipe-256 lavapipe-512   Debian's lavapipe with subgroups of 4, 8 and 16
#   lavapipe-new                             a newer one, which has cooperative matrices
#   swiftshader                              a device with little more than the least that Vulkan asks for
#
# scripts/vulkan-drivers.sh fetches them. Closes with 'N passed, N failed', counted in runs.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

ALL=(lavapipe-128 lavapipe-256 lavapipe-512 lavapipe-new swiftshader)
# Families of the case list that are run: something of every kind of kernel.
CASES=(add cast sum argmax matmul conv fft softmax pad)
reduced='' jobs='' drivers=()
while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) usage; exit 0 ;;
    --reduced) reduced=1 ;;
    --jobs) jobs=${2:-}; [[ $jobs =~ ^[1-9][0-9]*$ ]] || die "--jobs needs a number"; shift ;;
    all) drivers+=("${ALL[@]}") ;;
    *) [[ " ${ALL[*]} " == *" $1 "* ]] || die "no driver is called $1; there are ${ALL[*]}"
       drivers+=("$1") ;;
  esac
  shift
done
[ -n "$jobs" ] || if [ -n "$reduced" ]; then jobs=1; else jobs=$(nproc); fi
[ ${#drivers[@]} -gt 0 ] || drivers=("${ALL[@]}")

need_rust
say "drivers"
scripts/vulkan-drivers.sh validation
for d in "${drivers[@]}"; do
  case $d in lavapipe-new) ;; lavapipe-*) scripts/vulkan-drivers.sh lavapipe ;; *) scripts/vulkan-drivers.sh "$d" ;; esac
done

say "building"
build_workspace
# What is tested is as it was at the beginning, whatever is built meanwhile.
scratch=$(mktemp -d)
trap 'jobs -p | xargs -r kill 2>/dev/null; rm -rf "$scratch"' EXIT
TESTS=$scratch/tests CHECK=$scratch/mlx-check
cp "$(built mlx_vulkan test)" "$TESTS"
cp "$(built mlx-check program)" "$CHECK"
mkdir "$scratch/home" "$scratch/runs"
# Nothing is left in the user's folder.
export MLX_ARM_HOME=$scratch/home MLX_VULKAN_REQUIRED=1
unset MLX_ARM_GPU VK_INSTANCE_LAYERS VK_LAYER_ENABLES MLX_VULKAN_DISABLE

# The newer layer finds missing barriers between dispatches only if both are said.
LAYER=(VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation)
SYNC=("${LAYER[@]}" VK_LAYER_VALIDATE_SYNC=1 VK_LAYER_SYNCVAL_SHADER_ACCESSES_HEURISTIC=1)
# Accesses are followed through bound descriptors, not through pushed ones.
ACCESS=("${LAYER[@]}" VK_LAYER_GPUAV_ENABLE=1 MLX_VULKAN_DISABLE=push_descriptor)
# Its search for races in shared memory knows barriers of a workgroup only, and takes one of a subgroup, which stands
# between a cooperative matrix that is stored and its elements that are read, for none
# (https://github.com/KhronosGroup/Vulkan-ValidationLayers/issues/12813).
SUBGROUP_BARRIERS=VK_LAYER_GPUAV_SHARED_MEMORY_DATA_RACE=0

OBJECTIONS='VUID-|UNASSIGNED-|SYNC-HAZARD|SharedMemoryDataRace|Validation Error'
count=0
# run NAME DRIVER [VARIABLE=VALUE...] -- COMMAND...: one run, beside others; the layer's objections are failures.
run() {
  count=$((count + 1))
  while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
  one "$@" &
}
one() {
  local name=$1 driver=$2 vars=() out began=$SECONDS verdict=ok
  shift 2
  while [ "$1" != -- ]; do vars+=("$1"); shift; done
  shift
  # Mesa keeps compiled shaders by what they are, not by the width of its vectors. The reduced form takes what is kept:
  # the newer lavapipe compiles for minutes.
  [ -n "$reduced" ] || vars+=("MESA_SHADER_CACHE_DIR=$scratch/mesa/$driver")
  case $driver in lavapipe-[0-9]*) vars+=("LP_NATIVE_VECTOR_WIDTH=${driver#lavapipe-}"); driver=lavapipe ;; esac
  out=$(log "vulkan-$name")
  if ! env "${vars[@]}" scripts/vulkan-drivers.sh --run "$driver" "$@" >"$out" 2>&1; then verdict=FAILED
  elif grep -Eq "$OBJECTIONS" "$out"; then verdict='FAILED: the validation layer objects'
  fi
  report "$name" "$verdict" $((SECONDS - began)) "$out"
  touch "$scratch/over-$name"
}
# report NAME VERDICT SECONDS LOG: a line of the table, in the order of the runs' beginnings.
report() {
  if [ "$2" != ok ]; then tail -n 25 "$4"; fi
  printf '%-28s %5d s  %s\n' "$1" "$3" "$2" >"$scratch/runs/$(printf %03d $count)"
  note "$1: $2 ($3 s; ${4#"$ROOT"/})"
}

# The tests of every function with every dtype are thousands of shaders: once without the layer is enough.
slow=(--skip map_tests)
# Large products and attention of every kind, which the layer's code in every access makes very slow.
large=(--skip aligned_operands --skip weights_in_every_block_format)
large+=(--skip masks_shapes_and_types --skip keys_and_values_in_8_bits)
# What weaker devices lack: types and subgroups; shared and coherent memory; room. Where there is no room for an array
# the processor computes, so that is for the case list.
TYPES=fp16,int8,int16,int64,storage8,storage16,int_dot,subgroups,matrices,push_descriptor
MEMORY=unified,coherent,memory_budget,host_import
SMALL=shared_memory=16384,workgroup_invocations=128,batch=1
ROOM=storage_range=4096,allocation_size=65536
# What takes a driver's compiler minutes. Products by cooperative matrices are among the tests under `missing barriers`.
declare -A TEDIOUS=([lavapipe-new]='family=attention,matrices' [swiftshader]='family=affine')
first=1
say "runs, $jobs at a time"
# Mesa's compiler takes most of the time, and keeps what it made: the tests of every driver come first, what goes through
# the same shaders again after them. What takes SwiftShader's compiler minutes and gigabytes is left out there, with the
# layer's code in every access all products.
skip_of() {
  [ "$1" = swiftshader ] || return 0
  printf -- '--skip %s ' affine encoded_matrices weights_in_every_block_format the_device_takes_every_shader
}
# The first driver of those left whose tests are over; of the reduced form, which has none, the first.
next_driver() {
  local d
  while true; do
    for d in "${left[@]}"; do
      if [ -n "$reduced" ] || [ -e "$scratch/over-$d-tests" ]; then printf '%s\n' "$d"; return; fi
    done
    sleep 1
  done
}
if [ -z "$reduced" ]; then
  for d in "${drivers[@]}"; do
    read -ra skip <<<"$(skip_of "$d")"
    run "$d-tests" "$d" -- "$TESTS" "${skip[@]}"
  done
fi
left=("${drivers[@]}")
while [ ${#left[@]} -gt 0 ]; do
  d=$(next_driver)
  for i in "${!left[@]}"; do [ "${left[i]}" != "$d" ] || unset "left[i]"; done
  if [ -n "$reduced" ]; then
    run "$d-selftest" "$d" MLX_VULKAN_SELFTEST=2 "MLX_VULKAN_DISABLE=${TEDIOUS[$d]:-}" -- "$CHECK" test argmax --device gpu
    continue
  fi
  read -ra skip <<<"$(skip_of "$d")"
  skip_access=("${large[@]}") only_access=() races=() part=() off='' access=1
  case $d in
    lavapipe-[0-9]*) access=$first first=0 ;;
    lavapipe-new) only_access=(cooperative_matrices_give_the_product) races=("$SUBGROUP_BARRIERS") ;;
  esac
  if [ "$d" = swiftshader ]; then
    skip_access+=(--skip matmul_tests --skip gathered_tests --skip conv_tests)
    skip_access+=(--skip floats_in_ranges_of_columns --skip projections_by_few_workgroups)
    part=(--part 1/8) off=${TEDIOUS[$d]}
  fi
  run "$d-sync" "$d" "${SYNC[@]}" -- "$TESTS" --test-threads 1 "${slow[@]}" "${skip[@]}"
  if [ "$access" = 1 ]; then
    run "$d-access" "$d" "${ACCESS[@]}" "${races[@]}" -- "$TESTS" --test-threads 1 "${only_access[@]}" "${slow[@]}" \
      "${skip_access[@]}" "${skip[@]}"
  fi
  for c in "${CASES[@]}"; do
    run "$d-cases-$c" "$d" "MLX_VULKAN_DISABLE=$off" -- "$CHECK" test "$c" --device gpu "${part[@]}"
  done
done
if [ -n "$reduced" ]; then
  run sync lavapipe-new "${SYNC[@]}" -- "$TESTS" --test-threads 1 reductions_in_one_and_two_steps scan::tests \
    cooperative_matrices_give_the_product
else
  # On the first lavapipe, if there is one.
  for d in "${drivers[@]}" ''; do case $d in lavapipe-*) break ;; esac; done
fi
if [ -z "$reduced" ] && [ -n "$d" ]; then
  for list in "$TYPES" "$MEMORY" "$SMALL"; do
    run "without-${list%%[,=]*}" "$d" "MLX_VULKAN_DISABLE=$list" -- "$TESTS" "${slow[@]}"
  done
  for list in "$MEMORY" "$ROOM"; do
    run "cases-without-${list%%[,=]*}" "$d" "MLX_VULKAN_DISABLE=$list" -- "$CHECK" test matmul --device gpu
  done
fi

# Those with cooperative matrices, which Debian's validator does not know and some of which no software driver takes.
spirv() {
  local f verdict=ok out began=$SECONDS
  out=$(log vulkan-spirv)
  for f in crates/mlx-vulkan/shaders/bundle/*_coop*.spv; do
    scripts/vulkan-drivers.sh --run lavapipe-new "$CACHE/vulkan/forky/usr/bin/spirv-val" --target-env vulkan1.3 "$f" ||
      { verdict=FAILED; note "$f is not valid"; }
  done >"$out" 2>&1
  report spirv "$verdict" $((SECONDS - began)) "$out"
}
barrier_taken_away() {
  local verdict=ok out status=0 began=$SECONDS
  out=$(log vulkan-barrier)
  env "${SYNC[@]}" MLX_VULKAN_TEST_DROP_BARRIER=1 scripts/vulkan-drivers.sh --run lavapipe-new \
    "$TESTS" reductions_in_one_and_two_steps >"$out" 2>&1 || status=$?
  grep -q 'SYNC-HAZARD' "$out" || verdict="FAILED: the validation layer said nothing (exit status $status)"
  report barrier "$verdict" $((SECONDS - began)) "$out"
}
wait
count=$((count + 1)); spirv
count=$((count + 1)); barrier_taken_away

say "results"
cat "$scratch"/runs/*
passed=$(cat "$scratch"/runs/* | grep -c ' s  ok$' || true)
printf '%d passed, %d failed\n' "$passed" $((count - passed))
[ "$passed" = "$count" ]
