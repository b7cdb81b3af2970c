#!/usr/bin/env bash
# Runs the conformance suite against a server built here. Its Python packages are kept outside the repository.
set -euo pipefail
cd "$(dirname "$0")/.."
venv="${XDG_CACHE_HOME:-$HOME/.cache}/chatkit-tools/conformance"
target="$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')"

cargo build --package chatkit-local
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/conformance/requirements.txt
PYTHONPATH=tests exec "$venv/bin/python" -m conformance --server "$target/debug/chatkit-local" "$@"
