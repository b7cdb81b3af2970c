#!/usr/bin/env bash
# The widget, the playground, ChatKit's transport and sign-in in a real browser, against servers that keep nothing. Needs Node.js, npm
# and Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo build --package chatkit-local
scratch="$(mktemp -d)"
: > "$scratch/output"
cargo run --quiet --package chatkit-local -- --port 0 --memory > "$scratch/output" &
server="$!"
trap 'kill "$server" 2> /dev/null || true; rm -r "$scratch"' EXIT
url=""
while [ -z "$url" ]; do
    kill -0 "$server" || exit 1
    url="$(sed -n 's/^listening on //p' "$scratch/output")"
    sleep 0.1
done

(cd widget && npm install --no-fund --no-audit && npm run check)
cd tests/browser
npm install --no-fund --no-audit
npm test
npm run playground -- "$url"
npm run items -- "$url"
npm run composer -- "$url"
npm run demonstration -- "$url"
npm run widget
npm run react
npm run returns
program="$(cd ../.. && cd "${CARGO_TARGET_DIR:-target}" && pwd)/debug/chatkit-local"
npm run sign-in -- "$program"
npm run providers -- "$program"
