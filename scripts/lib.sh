# shellcheck shell=bash
# Helpers shared by the scripts of this folder. Source it; it runs nothing by itself.
# Everything downloaded or built lands in $CACHE, written beside its final name and renamed when complete,
# so an interrupted run leaves nothing that a later run could mistake for a finished one.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${MLX_SCRIPT_CACHE:-$ROOT/.cache}
RUST_MIN=1.95

say() { printf '\n== %s\n' "$*"; }
note() { printf '   %s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# Prints the comment block at the top of the calling script: that block is its help text.
usage() { awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; }

# as_root CMD...: as it is for root, through sudo otherwise.
as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else die "needs root for: $* (no sudo here; run it as root once, then run this script again)"
  fi
}

# alone NAME COMMAND...: runs it when no other script of this checkout runs one of that name.
alone() {
  local name=$1
  shift
  mkdir -p "$CACHE"
  (flock 9 && "$@" 9>&-) 9>"$CACHE/.$name.lock"
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# need_apt PACKAGE...: installs the Debian packages that are missing, and only those.
need_apt() {
  local missing=() p
  command -v dpkg-query >/dev/null || die "this script installs Debian packages; on another system install these yourself: $*"
  for p in "$@"; do is_installed "$p" || missing+=("$p"); done
  [ ${#missing[@]} = 0 ] && return 0
  alone apt install_apt "${missing[@]}"
}
install_apt() {
  local missing=() p
  for p in "$@"; do is_installed "$p" || missing+=("$p"); done
  [ ${#missing[@]} = 0 ] && return 0
  say "installing Debian packages: ${missing[*]}"
  for p in "${missing[@]}"; do
    case $p in *:arm64)
      dpkg --print-foreign-architectures | grep -qx arm64 || as_root dpkg --add-architecture arm64 ;;
    esac
  done
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$(log apt)" 2>&1 ||
    { tail -n 20 "$(log apt)" >&2; die "apt-get could not install: ${missing[*]}"; }
}

# The path of a log file in the cache.
log() { mkdir -p "$CACHE/log" && printf '%s/log/%s.log' "$CACHE" "$1"; }

# version_at_least HAVE WANT: compares dotted versions.
version_at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n1)" = "$2" ]; }

rust_ok() {
  local v
  v=$(rustc --version 2>/dev/null | awk '{print $2}') && [ -n "$v" ] && version_at_least "$v" "$RUST_MIN" &&
    v=$(cargo --version 2>/dev/null | awk '{print $2}') && [ -n "$v" ] && version_at_least "$v" "$RUST_MIN"
}

# need_rust: a cargo and rustc of at least RUST_MIN. A rustup toolchain is used where there is one; a Debian
# machine without gets Debian's packages (rustc-web follows the upstream releases); any other is told what to do.
need_rust() {
  need_apt gcc g++ libc6-dev git
  rust_ok && return 0
  if command -v rustup >/dev/null; then
    say "rustup: the toolchain here is older than $RUST_MIN, updating"
    rustup update stable && rustup default stable
    rust_ok && return 0
    die "rustup could not provide Rust $RUST_MIN or newer"
  fi
  note "no Rust $RUST_MIN or newer found ($(rustc --version 2>/dev/null || echo 'no rustc at all')): taking Debian's (rustc-web, cargo-web)."
  note "To use rustup instead: https://rustup.rs, then run this script again."
  need_apt rustc-web cargo-web
  hash -r
  rust_ok || die "Debian's Rust is $(rustc --version 2>&1), older than $RUST_MIN: install a newer one with https://rustup.rs"
}

# need_venv DIR REQUIREMENT...: a Python virtual environment holding exactly pinned packages.
# A stamp with the list makes a second call cheap and a changed list rebuild it.
need_venv() {
  local dir=$1 want; shift
  want=$(printf '%s\n' "$@")
  [ -x "$dir/bin/python" ] && [ "$(cat "$dir/.requirements" 2>/dev/null)" = "$want" ] && return 0
  need_apt python3-venv
  alone "venv-$(basename "$dir")" make_venv "$dir" "$@"
}
make_venv() {
  local dir=$1 want; shift
  want=$(printf '%s\n' "$@")
  [ -x "$dir/bin/python" ] && [ "$(cat "$dir/.requirements" 2>/dev/null)" = "$want" ] && return 0
  say "python environment ${dir#"$ROOT"/}: $*"
  # Not built beside and renamed: a venv carries its own path. The stamp, written last, marks it complete.
  rm -rf "$dir"
  mkdir -p "$(dirname "$dir")"
  python3 -m venv "$dir"
  "$dir/bin/pip" install -q --disable-pip-version-check "$@" || die "pip could not install: $*"
  printf '%s\n' "$want" >"$dir/.requirements"
}

sha256_is() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# pip_wheel DIR NAME==VERSION [OPTION...]: downloads a wheel without running anything of it; prints its path.
pip_wheel() {
  local dir=$1 wanted=$2 tmp f
  shift 2
  mkdir -p "$dir"
  tmp=$(mktemp -d "$dir/.part.XXXXXX")
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$tmp" "$@" "$wanted" >&2 ||
    { rm -rf "$tmp"; die "pip could not download $wanted (is a Python package index reachable?)"; }
  f=$(basename "$tmp"/*.whl)
  mv -f "$tmp/$f" "$dir/$f"
  rm -rf "$tmp"
  printf '%s\n' "$dir/$f"
}

# need_rust_tools: rustfmt and clippy of the Rust that need_rust found.
need_rust_tools() {
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return 0
  if command -v rustup >/dev/null; then rustup component add rustfmt clippy; else need_apt rustfmt-web rust-web-clippy; fi
}

# need_tiny_models: the random models of make_tiny_model.py, made anew when that program has changed.
need_tiny_models() {
  need_apt python3
  alone tiny make_tiny_models
}
make_tiny_models() {
  local dir=$CACHE/tiny key
  key=$(sha256sum "$ROOT/scripts/make_tiny_model.py" | cut -d' ' -f1)
  [ "$(cat "$dir/.made-by" 2>/dev/null)" = "$key" ] && return 0
  say "making the tiny test models"
  rm -rf "$dir"
  python3 "$ROOT/scripts/make_tiny_model.py" "$dir"
  printf '%s\n' "$key" >"$dir/.made-by"
}

# Names the folders of test models to the tests, as far as they are there.
export_models() {
  if [ -e "$CACHE/models/SmolLM2-135M-Instruct.Q4_1.gguf" ]; then export MLX_ARM_TEST_MODELS=${MLX_ARM_TEST_MODELS:-$CACHE/models}; fi
  if [ -e "$CACHE/tiny/.made-by" ]; then export MLX_ARM_TINY_MODELS=${MLX_ARM_TINY_MODELS:-$CACHE/tiny}; fi
}

# What every check builds, in one choice of packages and targets: another one has other features, and building nearly
# everything once more. --tests leaves out the Python package, which cannot be linked into a test program.
WORKSPACE=(--workspace --lib --bins --tests --examples)

# build_workspace: builds all of it; built NAME KIND then prints the path of one by its target's name, where KIND is
# program or test.
build_workspace() { alone build build_all; }
build_all() {
  local list
  list=$(log built)
  cargo build "${WORKSPACE[@]}" --message-format json-render-diagnostics >"$list.part"
  mv -f "$list.part" "$list"
}
built() {
  python3 - "$(log built)" "$1" "$2" <<'EOF'
import json, sys
found = [m["executable"] for m in map(json.loads, open(sys.argv[1], encoding="utf-8")) if m.get("executable")
         and m["target"]["name"] == sys.argv[2] and m["profile"]["test"] == (sys.argv[3] == "test")]
sys.exit("no program is called " + sys.argv[2]) if len(found) != 1 else print(found[0])
EOF
}

# place_package VENV: builds the Python package's library (optimised with RELEASE=1) and lets the environment import it
# together with the Python files of this checkout.
place_package() { alone package place_in "$1"; }
place_in() {
  local built=debug
  if [ -n "${RELEASE:-}" ]; then built=release; fi
  cargo build --workspace --lib ${RELEASE:+--release}
  mkdir -p "$CACHE/site/mlx"
  # Renamed, not written over: a process may have it loaded.
  cp "${CARGO_TARGET_DIR:-$ROOT/target}/$built/libmlx_python.so" "$CACHE/site/mlx/core.part"
  mv -f "$CACHE/site/mlx/core.part" "$CACHE/site/mlx/core.abi3.so"
  # The compiled module and the Python files are two halves of one namespace package.
  printf '%s\n%s\n' "$CACHE/site" "$ROOT/python" >"$(echo "$1"/lib/python3.*/site-packages)/mlx-arm.pth"
}

# What the Python package is compared with and what the comparisons need, for the scripts that source this.
# shellcheck disable=SC2034
OFFICIAL_PACKAGES=(mlx==0.32.4 mlx-cpu==0.32.4) PYTHON_PACKAGES=(numpy==2.4.6) \
  LM_PACKAGES=(mlx-lm==0.32.2 transformers==5.24.0 numpy==2.4.6 gguf==0.19.0 scikit-learn==1.9.1)

# need_arm: what cross-builds for AArch64 Linux and runs it here. Another compiler than the rest is built with, since
# Debian's has an arm64 standard library.
need_arm() {
  need_rust
  need_apt rustc-web libstd-rust-web-dev:arm64 gcc-aarch64-linux-gnu g++-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user python3
}

# with_arm COMMAND...: with that compiler, and a target folder of its own. RUSTDOC as well, or the documentation tests mix
# two compilers.
# shellcheck disable=SC2034
ARM_TARGET=aarch64-unknown-linux-gnu
with_arm() {
  env RUSTC=/usr/bin/rustc RUSTDOC=/usr/bin/rustdoc CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$ROOT/target}/arm" \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc CXX_aarch64_unknown_linux_gnu=aarch64-linux-gnu-g++ \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$ROOT/scripts/run-arm64.sh" "$@"
}

# need_arm_python: Debian's Python for AArch64, unpacked into $CACHE/arm-python with what it needs; the program `python`
# there runs it under emulation. Nothing of it is installed: Debian lets only one architecture have a Python.
need_arm_python() {
  local dir=$CACHE/arm-python part file
  [ -x "$dir/python" ] && return 0
  say "unpacking an AArch64 Python"
  part=$(mktemp -d)
  mkdir "$part/debs" "$part/root"
  (cd "$part/debs" && apt-get download -qq python3.11-minimal:arm64 libpython3.11-minimal:arm64 libpython3.11-stdlib:arm64 \
    libexpat1:arm64 libffi8:arm64 libssl3:arm64 zlib1g:arm64 libbz2-1.0:arm64 liblzma5:arm64 libuuid1:arm64 libc6:arm64 \
    libgcc-s1:arm64 libstdc++6:arm64) >"$(log arm-python)" 2>&1 ||
    { tail -n 20 "$(log arm-python)" >&2; rm -rf "$part"; die "apt-get could not download an AArch64 Python"; }
  for file in "$part"/debs/*.deb; do dpkg -x "$file" "$part/root"; done
  cat >"$part/python" <<'EOF'
#!/bin/sh
root=$(dirname "$0")/root
PYTHONHOME=$root/usr exec qemu-aarch64 -cpu "${ARM_CPU:-max}" -L "$root" "$root/usr/bin/python3.11" "$@"
EOF
  chmod +x "$part/python"
  rm -rf "$part/debs" "$dir"
  mv "$part" "$dir"
}

# arm_wheel NAME==VERSION: downloads the wheel for that Python; prints its path.
arm_wheel() { pip_wheel "$CACHE/arm-wheels" "$1" --platform manylinux_2_28_aarch64 --platform manylinux2014_aarch64 --python-version 3.11; }
