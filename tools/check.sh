#!/bin/sh
# One truth for checks: runs all of them, shows the output of those that fail, and ends with the verdict.
set -u
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
out=$(mktemp)
trap 'rm -f "$out"' EXIT
failed=""

check() {
  name=$1
  shift
  if "$@" >"$out" 2>&1; then
    echo "ok    $name"
  else
    echo "FAIL  $name: $*"
    sed 's/^/      /' "$out"
    failed="$failed $name"
  fi
}

clang_formatted() {
  files=$(find native examples -name '*.[ch]pp')
  [ -z "$files" ] || clang-format --dry-run -Werror $files
}

native_stubs() { # stubtest is content with a module that has no stub at all
  for module in _native _greeks; do
    stub=src/quantumcore/core/$module.pyi
    [ -f "$stub" ] || { echo "$stub is missing: write it with python -m nanobind.stubgen, then make it readable"; return 1; }
  done
  python -m mypy.stubtest --concise --allowlist tools/native_stub_allowlist.txt quantumcore.core._native quantumcore.core._greeks
}

native_warnings() {
  cmake -S . -B build/check -G Ninja -DCMAKE_BUILD_TYPE=Release -DQC_WERROR=ON -DPython_EXECUTABLE="$PWD/.venv/bin/python" &&
    cmake --build build/check
}

check format ruff format --check .
check lint ruff check .
check types mypy
check stubs native_stubs
check layers lint-imports
check clang-format clang_formatted
check native-warnings native_warnings

[ -z "$failed" ] || { echo "check: failed:$failed"; exit 1; }
echo "check: all is well"
