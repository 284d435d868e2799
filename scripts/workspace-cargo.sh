#!/usr/bin/env bash
# workspace-cargo.sh ARGUMENT...: cargo for maturin (as CARGO) that builds the libraries of the whole workspace instead of
# the package alone. That one would get other features of what it shares with the rest, and be built once more with all
# below it; so the wheel holds the very library that the tests have run with. Everything else goes to cargo as it is.
set -euo pipefail
[ "${1:-}" = rustc ] || exec cargo "$@"
# What maturin tells PyO3 about the interpreter would build its crates anew. For abi3 on Linux it changes nothing.
unset PYO3_BUILD_EXTENSION_MODULE PYO3_CONFIG_FILE PYO3_ENVIRONMENT_SIGNATURE PYO3_PYTHON PYTHON_SYS_EXECUTABLE
cd "$(dirname "$0")/.."
exec cargo build --workspace --lib --message-format json-render-diagnostics
