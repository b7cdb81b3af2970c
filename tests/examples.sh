#!/usr/bin/env bash
# The sites in `examples/` in a real browser, each against the local server, and tokens as identity providers make them. Needs
# Node.js, npm, Python and Chromium, and that nothing listens on ports 3000 and 4000. Arguments are names of examples. What is
# installed is kept in the user's cache.
set -euo pipefail
cd "$(dirname "$0")/.."

names=("$@")
[ "$#" -gt 0 ] || names=(nextjs express fastapi)
cache="${XDG_CACHE_HOME:-$HOME/.cache}/chatkit-tools/examples"

cargo build --package chatkit-local
(cd tests/browser && npm install --no-fund --no-audit --no-package-lock)

mkdir -p "$cache"
find "$cache" -mindepth 2 -maxdepth 2 ! -name node_modules ! -name .venv -exec rm -rf {} +
cp -R examples/. "$cache"
cp docs/src/chatkit-session.js "$cache/page/"
cp docs/src/chatkit-session.js "$cache/nextjs/app/"
# The route with which a site says whose a session is, as the book has it.
mkdir -p "$cache/nextjs/app/chat-session"
sed -n '\#^// app/chat-session/route.js#,/^```/{/^```/d;p}' docs/src/sign-in.md > "$cache/nextjs/app/chat-session/route.js"

# installed FOLDER LOCK COMMAND...: runs the command, unless FOLDER was made from this LOCK.
installed() {
    local folder="$1" lock="$2"
    shift 2
    cmp --quiet "$lock" "$folder/.lock" || { rm -rf "$folder"; "$@"; cp "$lock" "$folder/.lock"; }
}
python_packages() {
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check --requirement requirements.txt
}
build() (
    set -a
    . ./local.env
    NEXT_TELEMETRY_DISABLED=1 npm run build
)
for name in "${names[@]}"; do
    cd "$cache/$name"
    case "$name" in
        fastapi) installed .venv requirements.txt python_packages ;;
        *) installed node_modules package-lock.json npm ci --no-fund --no-audit ;;
    esac
    [ "$name" != nextjs ] || build
    cd - > /dev/null
done
server="${CARGO_TARGET_DIR:-$PWD/target}/debug/chatkit-local"
node tests/examples/tokens.mjs "$server"
node tests/examples/main.mjs "$server" "$cache" "${names[@]}"
