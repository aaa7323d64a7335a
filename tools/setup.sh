#!/bin/sh
# Prepares .venv: `dependencies` installs requirements.lock, `package` compiles and installs QuantumCore (editable).
# Speaks on stderr, so that the first line of `make run` on stdout is the venue's. Stamps are written last.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python

say() { echo "$*" >&2; }
fail() { say "quantumcore: $*"; exit 1; }

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
    if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  found=$(python3 --version 2>/dev/null || echo "no python3")
  fail "needs Python 3.11 or newer, found $found: install it (Debian, Ubuntu: apt install python3.11 python3.11-venv python3.11-dev) or name one with PYTHON=/path/to/python."
}

check_compiler() {
  compiler=${CXX:-c++}
  command -v "$compiler" >/dev/null 2>&1 || compiler=g++
  command -v "$compiler" >/dev/null 2>&1 ||
    fail "needs a C++ compiler to build its core, found none: install g++ 12 or newer (Debian, Ubuntu: apt install g++) or name one with CXX=."
  probe=$(mktemp -d)
  printf '#include <bit>\n#include <concepts>\n#include <span>\nint main() { return std::has_single_bit(3u); }\n' >"$probe/a.cpp"
  "$compiler" -std=c++20 -c "$probe/a.cpp" -o "$probe/a.o" >/dev/null 2>&1 && status=0 || status=1
  rm -rf "$probe"
  [ $status = 0 ] ||
    fail "needs a compiler that knows C++20, and $compiler ($($compiler -dumpversion 2>/dev/null || echo unknown)) does not: install g++ 12 or newer or name one with CXX=."
}

check_headers() {
  "$1" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
    fail "needs the header files of $($1 --version): install them (Debian, Ubuntu: apt install python3-dev) or name another Python with PYTHON=."
}

dependencies() {
  base=$(find_python)
  check_compiler
  check_headers "$base"
  if ! [ -x $python ] || ! new_enough $python; then
    say "Creating .venv with $("$base" --version) ..."
    rm -rf .venv
    "$base" -m venv .venv >/dev/null 2>&1 ||
      fail "needs Python's venv module, and $base cannot make an environment: install it (Debian, Ubuntu: apt install python3-venv)."
  fi
  say "Installing $(grep -c '==' requirements.lock) locked packages ..."
  $python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock >&2 ||
    fail "could not install requirements.lock: see pip's message above; nothing else was changed, try again."
  touch .venv/.locked
}

package() {
  check_compiler
  say "Compiling the core (half a minute at first, seconds later) ..."
  log=$(mktemp)
  # No build isolation: the build tools are in the lock too, so nothing unlocked is fetched.
  if ! PATH="$PWD/.venv/bin:$PATH" $python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
    --no-index -e . >"$log" 2>&1; then
    cat "$log" >&2
    rm -f "$log"
    fail "could not compile the package: the compiler's first error stands above."
  fi
  rm -f "$log"
  touch .venv/.installed
}

"$1"
