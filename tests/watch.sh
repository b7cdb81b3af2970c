#!/usr/bin/env bash
# A conversation through `infra/watch.sh`: a visitor's session, then a turn whose events have to come while the model is
# still talking. Needs cargo-lambda and curl.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly PORT="${PORT:-9137}"
readonly BASE="http://127.0.0.1:$PORT"
# A function is built when it is first asked.
readonly MAX_SECONDS=900

fail() {
    echo "$1" >&2
    exit 1
}

log="$(mktemp)"
infra/watch.sh "$PORT" > "$log" 2>&1 &
watch="$!"
stop() {
    local status="$?"
    kill "$watch" 2> /dev/null || true
    wait "$watch" 2> /dev/null || true
    [ "$status" -eq 0 ] || tail -n 50 "$log" >&2
    rm "$log"
}
trap stop EXIT

until curl --silent --output /dev/null --max-time "$MAX_SECONDS" "$BASE/health"; do
    kill -0 "$watch" 2> /dev/null || fail "the watch has ended"
    sleep 0.5
done
health="$(curl --silent --show-error --fail --max-time "$MAX_SECONDS" "$BASE/health")"
[ "$(grep --only-matching '"status":"ok"' <<< "$health")" ] || fail "GET /health: $health"

session="$(curl --silent --show-error --fail --max-time "$MAX_SECONDS" --request POST "$BASE/api/chatkit/session")"
secret="$(sed -n 's/.*"client_secret":"\([^"]*\)".*/\1/p' <<< "$session")"
[ "$secret" ] || fail "POST /api/chatkit/session: no client secret"

# To "long" the demo model gives a long answer, a piece every 15 ms.
operation='{"type":"threads.create","params":{"input":{"content":[{"type":"input_text","text":"A long answer"}],
    "attachments":[],"inference_options":{}}}}'
pieces=0
first=0
last=0
finished=no
while IFS= read -r line; do
    case "$line" in
        *'"type":"assistant_message.content_part.text_delta"'*)
            last="${EPOCHREALTIME//[!0-9]/}"
            [ "$pieces" -gt 0 ] || first="$last"
            pieces=$((pieces + 1))
            ;;
        *'"type":"thread.item.done"'*'"type":"assistant_message"'*) finished=yes ;;
        *'"type":"error"'*) fail "the turn ended in $line" ;;
    esac
done < <(curl --silent --show-error --no-buffer --max-time "$MAX_SECONDS" --header "authorization: Bearer $secret" \
    --header 'content-type: application/json' --data "$operation" "$BASE/chatkit")

[ "$finished" = yes ] || fail "the answer has no end after $pieces pieces"
[ "$pieces" -ge 50 ] || fail "the answer has only $pieces pieces"
# Had it been held back until its end, all pieces would be here at once.
milliseconds=$(((last - first) / 1000))
[ "$milliseconds" -ge $((pieces * 15 / 2)) ] || fail "$pieces pieces came within $milliseconds ms"
echo "$pieces pieces of an answer came over $milliseconds ms, then its end"
