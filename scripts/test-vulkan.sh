#!/usr/bin/env bash
# test-vulkan.sh [--reduced] [DRIVER...|all]: the Vulkan back end on software drivers, under validation.
#
# On each driver: the kernels' tests; the same under the newer validation layer with its checks of the calls and of
# missing barriers, then with its checks of the shaders' accesses (which takes half an hour: on SwiftShader and the first
# lavapipe, and of cooperative matrices on lavapipe-new); a part of the case list (mlx-check). On the first lavapipe also
# with capabilities taken away. Then the newer validator reads the shaders with cooperative matrices; and it is shown that
# the layer notices when a barrier is taken away.
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
reduced='' drivers=()
for a in "$@"; do
  case $a in
    -h|--help) usage; exit 0 ;;
    --reduced) reduced=1 ;;
    all) drivers+=("${ALL[@]}") ;;
    *) [[ " ${ALL[*]} " == *" $a "* ]] || die "no driver is called $a; there are ${ALL[*]}"
       drivers+=("$a") ;;
  esac
done
[ ${#drivers[@]} -gt 0 ] || drivers=("${ALL[@]}")

need_rust
say "drivers"
scripts/vulkan-drivers.sh validation
for d in "${drivers[@]}"; do
  case $d in lavapipe-new) ;; lavapipe-*) scripts/vulkan-drivers.sh lavapipe ;; *) scripts/vulkan-drivers.sh "$d" ;; esac
done

say "building"
build_workspace
TESTS=$(built mlx_vulkan test)
CHECK=$(built mlx-check program)

# Each run begins without the pipelines of another, and leaves nothing in the user's folder.
MLX_ARM_HOME=$(mktemp -d)
trap 'rm -rf "$MLX_ARM_HOME"' EXIT
export MLX_ARM_HOME MLX_VULKAN_REQUIRED=1
unset MLX_ARM_GPU VK_INSTANCE_LAYERS VK_LAYER_ENABLES MLX_VULKAN_DISABLE

# The newer layer finds missing barriers between dispatches only if both are said.
LAYER=(VK_INSTANCE_LAYERS=VK_LAYER_KHRONOS_validation)
SYNC=("${LAYER[@]}" VK_LAYER_VALIDATE_SYNC=1 VK_LAYER_SYNCVAL_SHADER_ACCESSES_HEURISTIC=1)
# Accesses are followed through bound descriptors, not through pushed ones.
ACCESS=("${LAYER[@]}" VK_LAYER_GPUAV_ENABLE=1 MLX_VULKAN_DISABLE=push_descriptor)

OBJECTIONS='VUID-|UNASSIGNED-|SYNC-HAZARD'
passed=0 failed=0 table=''
# run NAME DRIVER [VARIABLE=VALUE...] -- COMMAND...: one run; the layer's objections are failures.
run() {
  local name=$1 driver=$2 vars=() out began=$SECONDS verdict=ok
  shift 2
  while [ "$1" != -- ]; do vars+=("$1"); shift; done
  shift
  # Mesa keeps compiled shaders by what they are, not by the width of its vectors. The reduced form takes what is kept:
  # the newer lavapipe compiles for minutes.
  [ -n "$reduced" ] || vars+=("MESA_SHADER_CACHE_DIR=$MLX_ARM_HOME/$driver")
  case $driver in lavapipe-[0-9]*) vars+=("LP_NATIVE_VECTOR_WIDTH=${driver#lavapipe-}"); driver=lavapipe ;; esac
  out=$(log "vulkan-$name")
  if ! env "${vars[@]}" scripts/vulkan-drivers.sh --run "$driver" "$@" >"$out" 2>&1; then verdict=FAILED
  elif grep -Eq "$OBJECTIONS" "$out"; then verdict='FAILED: the validation layer objects'
  fi
  report "$name" "$verdict" $((SECONDS - began)) "$out"
}
report() {
  if [ "$2" = ok ]; then passed=$((passed + 1)); else failed=$((failed + 1)); tail -n 25 "$4"; fi
  table+=$(printf '%-28s %5d s  %s' "$1" "$3" "$2")$'\n'
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
for d in "${drivers[@]}"; do
  say "$d"
  if [ -n "$reduced" ]; then
    run "$d-selftest" "$d" MLX_VULKAN_SELFTEST=2 "MLX_VULKAN_DISABLE=${TEDIOUS[$d]:-}" -- "$CHECK" test argmax --device gpu
    continue
  fi
  skip=() skip_access=("${large[@]}") only_access=() part=() off='' access=1
  case $d in
    lavapipe-[0-9]*) access=$first first=0 ;;
    lavapipe-new) only_access=(cooperative_matrices_give_the_product) ;;
  esac
  # Its compiler takes minutes and gigabytes for these, with the layer's code in every access for all products.
  if [ "$d" = swiftshader ]; then
    skip=(--skip affine --skip encoded_matrices --skip weights_in_every_block_format --skip the_device_takes_every_shader)
    skip_access+=(--skip matmul_tests --skip gathered_tests --skip conv_tests)
    skip_access+=(--skip floats_in_ranges_of_columns --skip projections_by_few_workgroups)
    part=(--part 1/8) off=${TEDIOUS[$d]}
  fi
  run "$d-tests" "$d" -- "$TESTS" "${skip[@]}"
  run "$d-sync" "$d" "${SYNC[@]}" -- "$TESTS" --test-threads 1 "${slow[@]}" "${skip[@]}"
  if [ "$access" = 1 ]; then
    run "$d-access" "$d" "${ACCESS[@]}" -- "$TESTS" --test-threads 1 "${only_access[@]}" "${slow[@]}" \
      "${skip_access[@]}" "${skip[@]}"
  fi
  for c in "${CASES[@]}"; do
    run "$d-cases-$c" "$d" "MLX_VULKAN_DISABLE=$off" -- "$CHECK" test "$c" --device gpu "${part[@]}"
  done
done
if [ -n "$reduced" ]; then
  say "missing barriers"
  run sync lavapipe-new "${SYNC[@]}" -- "$TESTS" --test-threads 1 reductions_in_one_and_two_steps scan::tests \
    cooperative_matrices_give_the_product
else
  # On the first lavapipe, if there is one.
  for d in "${drivers[@]}" ''; do case $d in lavapipe-*) break ;; esac; done
fi
if [ -z "$reduced" ] && [ -n "$d" ]; then
  say "capabilities taken away on $d"
  for list in "$TYPES" "$MEMORY" "$SMALL"; do
    run "without-${list%%[,=]*}" "$d" "MLX_VULKAN_DISABLE=$list" -- "$TESTS" "${slow[@]}"
  done
  for list in "$MEMORY" "$ROOM"; do
    run "cases-without-${list%%[,=]*}" "$d" "MLX_VULKAN_DISABLE=$list" -- "$CHECK" test matmul --device gpu
  done
fi

# Those with cooperative matrices, which Debian's validator does not know and some of which no software driver takes.
say "SPIR-V"
began=$SECONDS verdict=ok
out=$(log vulkan-spirv)
for f in crates/mlx-vulkan/shaders/bundle/*_coop*.spv; do
  scripts/vulkan-drivers.sh --run lavapipe-new "$CACHE/vulkan/forky/usr/bin/spirv-val" --target-env vulkan1.3 "$f" ||
    { verdict=FAILED; note "$f is not valid"; }
done >"$out" 2>&1
report spirv "$verdict" $((SECONDS - began)) "$out"

say "a barrier taken away"
began=$SECONDS
out=$(log vulkan-barrier)
status=0
env "${SYNC[@]}" MLX_VULKAN_TEST_DROP_BARRIER=1 scripts/vulkan-drivers.sh --run lavapipe-new \
  "$TESTS" reductions_in_one_and_two_steps >"$out" 2>&1 || status=$?
if grep -q 'SYNC-HAZARD' "$out"; then verdict=ok; else verdict="FAILED: the validation layer said nothing (exit status $status)"; fi
report barrier "$verdict" $((SECONDS - began)) "$out"

say "runs"
printf '%s' "$table"
printf '%d passed, %d failed\n' $passed $failed
[ $failed = 0 ]
