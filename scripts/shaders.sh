#!/usr/bin/env bash
# Compiles the shaders of crates/mlx-vulkan: scripts/shaders.sh [--check]
#
# Writes shaders/bundle/*.spv and src/shaders/table.rs, which are committed, from shaders/kernels.toml and the GLSL
# beside it. With --check nothing is written: it fails if what is committed is not what the sources make, or if a
# shader is not valid. Building the project itself needs none of this.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
case "${1:-}" in "" | --check) ;; *) usage; exit 2 ;; esac
need_rust
need_apt spirv-tools
cd "$ROOT"
tool=crates/mlx-vulkan/tools/shaders
# In the project's own folder: built alike, the compiler is there already where the project is built with it.
CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target} cargo run -q --locked --manifest-path "$tool/Cargo.toml" -- crates/mlx-vulkan "$@"
# What this Debian's validator does not know yet (cooperative matrices) is left to scripts/test-vulkan.sh.
bad=0
for f in crates/mlx-vulkan/shaders/bundle/*.spv; do
  case $f in *_coop*) continue ;; esac
  spirv-val --target-env vulkan1.1 "$f" || { note "$f is not valid"; bad=1; }
done
[ $bad = 0 ] || die "SPIR-V that is not valid"
