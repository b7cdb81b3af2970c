#!/usr/bin/env bash
# The five HTTP functions under `cargo lambda watch`, beside an embedded DynamoDB and the demo model (or the model that
# `OPENAI_*` name). Listens on loopback at the port given, else 9000. A function is built when it is first asked.
set -euo pipefail
cd "$(dirname "$0")/.."

scratch="$(mktemp -d)"
mkfifo "$scratch/output"
children=()
stop() {
    trap - EXIT INT TERM
    [ "${#children[@]}" -eq 0 ] || kill "${children[@]}" 2> /dev/null || true
    wait
    rm -r "$scratch"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cargo build --package chatkit-local
cargo run --quiet --package chatkit-local -- --backends-only > "$scratch/output" &
children+=("$!")
# One line, once they are ready: the command that reads the variables.
IFS= read -r command < "$scratch/output" || { echo "the backends did not start" >&2; exit 1; }
eval "$command"

cargo lambda watch -A 127.0.0.1 -P "${1:-9000}" &
children+=("$!")
wait "$!"
