#!/usr/bin/env bash
# mlx_lm.sh [--reduced | --write]: mlx-lm, unmodified, on the Python package of this checkout and on the official one.
#
# Makes SmolLM2 as a folder for mlx-lm, quantizes it with mlx-lm, compares greedy answers, and the logits of tiny models
# of all of mlx-lm's model files; then trains the same small models on both (tests/python/training.py). --reduced takes
# 3 prompts and 20 model files (about two minutes); --write runs everything and makes docs/mlx_lm.md.
# RELEASE=1 builds the library optimised.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

REDUCED='' WRITE=''
case ${1:-} in
  '') ;;
  -h|--help) usage; exit 0 ;;
  --reduced) REDUCED=1 ;;
  --write) WRITE=1 ;;
  *) die "unknown option $1 (see --help)" ;;
esac

PACKAGES=(mlx-lm==0.32.2 transformers==5.24.0 numpy==2.4.6 gguf==0.19.0 scikit-learn==1.9.1)
need_venv "$CACHE/lm-official" mlx==0.32.4 mlx-cpu==0.32.4 "${PACKAGES[@]}"
need_venv "$CACHE/lm-ours" "${PACKAGES[@]}"
cargo build --workspace --lib ${RELEASE:+--release}
if [ -n "${RELEASE:-}" ]; then built=release; else built=debug; fi
mkdir -p "$CACHE/site/mlx"
cp "${CARGO_TARGET_DIR:-target}/$built/libmlx_python.so" "$CACHE/site/mlx/core.abi3.so"
printf '%s\n%s\n' "$CACHE/site" "$ROOT/python" >"$(echo "$CACHE"/lm-ours/lib/python3.*/site-packages)/mlx-arm.pth"
ours=$CACHE/lm-ours/bin official=$CACHE/lm-official/bin

gguf=$CACHE/models/SmolLM2-135M-Instruct.Q4_1.gguf work=$CACHE/mlx_lm
[ -e "$gguf" ] || scripts/models.sh "$CACHE/models" --no-gemma
mkdir -p "$work"
whole=$work/smollm2-float16 quantized=$work/smollm2-4bit
[ -e "$whole/model.safetensors" ] || "$ours/python" scripts/gguf_to_mlx.py "$gguf" "$whole" --dtype float16
# In float32: with scales of 16 bits the official package takes fifty times as long.
if [ ! -e "$quantized/model.safetensors" ]; then
  rm -rf "$quantized"
  "$ours/mlx_lm.convert" --hf-path "$whole" --mlx-path "$quantized" --quantize --q-bits 4 --dtype float32
fi

args=(--ours "$ours/python" --official "$official/python" --work "$work" --model "$quantized" --model "$whole")
if [ -n "$REDUCED" ]; then
  args+=(--prompts 3 --tokens 16 --only "llama,qwen2,qwen3,qwen3_moe,qwen3_next,gemma2,gemma3_text,gemma3n,phi3,mixtral,deepseek_v3,gpt_oss,mamba2,rwkv7,falcon_h1,lfm2,cohere2,olmo2,granitemoehybrid,recurrent_gemma")
fi
if [ -n "$WRITE" ]; then args+=(--write docs/mlx_lm.md); fi
python=$ours/python
"$python" tests/python/mlx_lm/run.py "${args[@]}"
"$python" tests/python/training.py --ours "$ours/python" --official "$official/python"
