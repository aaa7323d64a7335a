#!/bin/sh
# Writes requirements.lock: every package we run, test, check and build with, exact and hashed, without addresses.
# Run it on the oldest supported Python (3.11). Give "--upgrade" or "--upgrade-package NAME" to move versions.
set -eu
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
"${PYTHON:-python3}" -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check pip-tools
"$tools/bin/pip-compile" --quiet --all-extras --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.lock "$@" pyproject.toml
grep -c '==' requirements.lock
