#!/usr/bin/env bash
# peers.sh [DIR]: builds the peer that MLX-ARM is measured against.
#
# llama.cpp, from the source inside the PyPI package llama-cpp-python (pinned version, checksum verified),
# compiled for this very machine. Result: DIR/llama.cpp/build/bin/{llama-bench,llama-quantize,...}, the Python binding
# in DIR/python, and DIR/venv to run benches/accuracy.py with; DIR defaults to .cache/peers. About 10 minutes of two
# cores; a second run does nothing.
#
#   JOBS=N   compile jobs (default 2)
set -euo pipefail
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h|--help) usage; exit 0 ;; esac

LCPP_VERSION=0.3.36
LCPP_SHA256=832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e
TARGETS=(llama-bench llama-quantize llama-perplexity llama-tokenize llama-completion)

mkdir -p "${1:-$CACHE/peers}"
DIR=$(cd "${1:-$CACHE/peers}" && pwd)
BIN=$DIR/llama.cpp/build/bin
READY=$DIR/.llama.cpp-$LCPP_VERSION.done
if [ -e "$READY" ]; then note "llama.cpp is built: $BIN"; exit 0; fi

need_apt gcc g++ libc6-dev python3 python3-venv python3-pip
# numpy and the three others are what benches/accuracy.py and the binding import.
need_venv "$DIR/venv" cmake==3.31.10 ninja==1.13.0 numpy==2.4.6 typing_extensions==4.15.0 diskcache==5.6.3 jinja2==3.1.6

archive=$DIR/llama_cpp_python-$LCPP_VERSION.tar.gz
if ! sha256_is "$archive" "$LCPP_SHA256"; then
  say "downloading llama-cpp-python $LCPP_VERSION (source)"
  tmp=$(mktemp -d "$DIR/.part.XXXXXX")
  python3 -m pip download -q --disable-pip-version-check --no-deps --no-binary llama-cpp-python \
    -d "$tmp" "llama-cpp-python==$LCPP_VERSION"
  sha256_is "$tmp/$(basename "$archive")" "$LCPP_SHA256" || die "checksum of $(basename "$archive") is not the pinned one"
  mv -f "$tmp/$(basename "$archive")" "$archive"
  rm -rf "$tmp"
fi

if [ ! -e "$DIR/llama.cpp/CMakeLists.txt" ]; then
  tmp=$(mktemp -d "$DIR/.part.XXXXXX")
  tar -xzf "$archive" -C "$tmp"
  mkdir -p "$DIR/python"
  rm -rf "$DIR/python/llama_cpp"
  mv "$tmp/llama_cpp_python-$LCPP_VERSION/llama_cpp" "$DIR/python/llama_cpp"   # the binding; benches/accuracy.py
  mv "$tmp/llama_cpp_python-$LCPP_VERSION/vendor/llama.cpp" "$DIR/llama.cpp"
  rm -rf "$tmp"
fi

say "building llama.cpp (${TARGETS[*]})"
export PATH="$DIR/venv/bin:$PATH"
cmake -S "$DIR/llama.cpp" -B "$DIR/llama.cpp/build" -G Ninja -DCMAKE_BUILD_TYPE=Release \
  -DGGML_NATIVE=ON -DGGML_BLAS=OFF -DLLAMA_CURL=OFF -DLLAMA_OPENSSL=OFF -DLLAMA_BUILD_UI=OFF \
  -DLLAMA_USE_PREBUILT_UI=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF >"$(log peers-cmake)" 2>&1 ||
  { tail -n 30 "$(log peers-cmake)" >&2; die "cmake failed"; }
ninja -C "$DIR/llama.cpp/build" -j "${JOBS:-2}" "${TARGETS[@]}"
for t in "${TARGETS[@]}"; do [ -x "$BIN/$t" ] || die "$t was not built"; done
touch "$READY"
note "llama.cpp is built: $BIN"
