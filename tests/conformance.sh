#!/usr/bin/env bash
# Runs the conformance suite against a server built here. Its packages are kept outside the repository. A model that
# others have written takes part where Node.js 20.15 and npm are installed.
set -euo pipefail
cd "$(dirname "$0")/.."
tools="${XDG_CACHE_HOME:-$HOME/.cache}/chatkit-tools"
venv="$tools/conformance"
readonly AIMOCK=1.43.0
aimock="$tools/aimock-$AIMOCK"
program="$aimock/node_modules/@copilotkit/aimock/dist/cli.js"
target="$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')"

cargo build --package chatkit-local
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/conformance/requirements.txt
if [ ! -f "$program" ] && npm --version > /dev/null 2>&1; then
    mkdir -p "$aimock"
    npm install --prefix "$aimock" --silent --no-audit --no-fund --ignore-scripts "@copilotkit/aimock@$AIMOCK"
fi
[ -f "$program" ] && set -- --aimock "$program" "$@"
PYTHONPATH=tests exec "$venv/bin/python" -m conformance --server "$target/debug/chatkit-local" "$@"
