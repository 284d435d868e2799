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

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# need_apt PACKAGE...: installs the Debian packages that are missing, and only those.
need_apt() {
  local missing=() p
  command -v dpkg-query >/dev/null || die "this script installs Debian packages; on another system install these yourself: $*"
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
  say "python environment ${dir#"$ROOT"/}: $*"
  # Not built beside and renamed: a venv carries its own path. The stamp, written last, marks it complete.
  rm -rf "$dir"
  mkdir -p "$(dirname "$dir")"
  python3 -m venv "$dir"
  "$dir/bin/pip" install -q --disable-pip-version-check "$@" || die "pip could not install: $*"
  printf '%s\n' "$want" >"$dir/.requirements"
}

sha256_is() { [ -f "$1" ] && [ "$(sha256sum "$1" | cut -d' ' -f1)" = "$2" ]; }

# pip_wheel DIR NAME==VERSION: downloads a wheel without running anything of it; prints its path.
pip_wheel() {
  local tmp f
  mkdir -p "$1"
  tmp=$(mktemp -d "$1/.part.XXXXXX")
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$tmp" "$2" >&2 ||
    { rm -rf "$tmp"; die "pip could not download $2 (is a Python package index reachable?)"; }
  f=$(basename "$tmp"/*.whl)
  mv -f "$tmp/$f" "$1/$f"
  rm -rf "$tmp"
  printf '%s\n' "$1/$f"
}

# need_rust_tools: rustfmt and clippy of the Rust that need_rust found.
need_rust_tools() {
  cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1 && return 0
  if command -v rustup >/dev/null; then rustup component add rustfmt clippy; else need_apt rustfmt-web rust-web-clippy; fi
}

# need_tiny_models: the random models of make_tiny_model.py, made anew when that program has changed.
need_tiny_models() {
  local dir=$CACHE/tiny key
  need_apt python3
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
