#!/usr/bin/env bash
# mlx_lm.sh [--reduced | --write] [--python PYTHON]: mlx-lm, unmodified, on the Python package of this checkout and on the official one.
#
# Makes SmolLM2 as a folder for mlx-lm, quantizes it with mlx-lm, compares greedy answers, and the logits of tiny models
# of all of mlx-lm's model files; then trains the same small models on both (tests/python/training.py). --reduced takes
# 3 prompts and 20 model files (about two minutes); --write runs everything and makes docs/mlx_lm.md.
# RELEASE=1 builds the library optimised. --python takes the package as it is installed for that interpreter (which has
# mlx-lm), instead of building it.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$ROOT"

REDUCED='' WRITE='' python=''
while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) usage; exit 0 ;;
    --reduced) REDUCED=1 ;;
    --write) WRITE=1 ;;
    --python) python=${2:?--python needs an interpreter}; shift ;;
    *) die "unknown option $1 (see --help)" ;;
  esac
  shift
done

need_venv "$CACHE/lm-official" "${OFFICIAL_PACKAGES[@]}" "${LM_PACKAGES[@]}"
if [ -z "$python" ]; then
  need_venv "$CACHE/lm-ours" "${LM_PACKAGES[@]}"
  place_package "$CACHE/lm-ours"
  python=$CACHE/lm-ours/bin/python
fi
official=$CACHE/lm-official/bin/python

gguf=$CACHE/models/SmolLM2-135M-Instruct.Q4_1.gguf work=$CACHE/mlx_lm
[ -e "$gguf" ] || scripts/models.sh "$CACHE/models" --no-gemma
mkdir -p "$work"
whole=$work/smollm2-float16 quantized=$work/smollm2-4bit
[ -e "$whole/model.safetensors" ] || "$python" scripts/gguf_to_mlx.py "$gguf" "$whole" --dtype float16
# In float32: with scales of 16 bits the official package takes fifty times as long.
if [ ! -e "$quantized/model.safetensors" ]; then
  rm -rf "$quantized"
  "$python" -m mlx_lm convert --hf-path "$whole" --mlx-path "$quantized" --quantize --q-bits 4 --dtype float32
fi

args=(--ours "$python" --official "$official" --work "$work" --model "$quantized" --model "$whole")
if [ -n "$REDUCED" ]; then
  args+=(--prompts 3 --tokens 16 --only "llama,qwen2,qwen3,qwen3_moe,qwen3_next,gemma2,gemma3_text,gemma3n,phi3,mixtral,deepseek_v3,gpt_oss,mamba2,rwkv7,falcon_h1,lfm2,cohere2,olmo2,granitemoehybrid,recurrent_gemma")
fi
if [ -n "$WRITE" ]; then args+=(--write docs/mlx_lm.md); fi
"$python" tests/python/mlx_lm/run.py "${args[@]}"
"$python" tests/python/training.py --ours "$python" --official "$official"
