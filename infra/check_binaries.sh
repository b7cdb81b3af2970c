#!/usr/bin/env bash
# The six programs for Lambda must be small and must run with the C library of its runtime. Without arguments this checks what
# `cargo lambda build --release` has built, with folders the `bootstrap` in each of them.
set -euo pipefail
built=""
if [ "$#" -eq 0 ]; then
    cd "$(dirname "$0")/.."
    target="$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')"
    built="$target/lambda"
    set -- "$built"/{start,refresh,chat,analytics,auth,socket}
fi

readonly MAX_BYTES=9000000
# The two programs that run turns.
readonly MAX_TURN_BYTES=10000000
# Amazon Linux 2023 has glibc 2.34.
readonly GLIBC=2.34

fail() {
    echo "$1" >&2
    exit 1
}

size() {
    wc -c < "$1/bootstrap"
}

for folder; do
    function="$(basename "$folder")"
    [ -x "$folder/bootstrap" ] || fail "\`$function\` was not built: there is no $folder/bootstrap"
    newest="$(grep --text --only-matching --extended-regexp 'GLIBC_2\.[0-9]+' "$folder/bootstrap" | cut -d _ -f 2 \
        | sort --version-sort | tail -1)"
    echo "$function: $(size "$folder") bytes, needs glibc $newest"
    case "$function" in
        chat | socket | ChatFunction | SocketFunction) most="$MAX_TURN_BYTES" ;;
        *) most="$MAX_BYTES" ;;
    esac
    [ "$(size "$folder")" -le "$most" ] || fail "\`$function\` is larger than $most bytes"
    [ "$(printf '%s\n' "$newest" "$GLIBC" | sort --version-sort | tail -1)" = "$GLIBC" ] \
        || fail "\`$function\` needs a newer C library than glibc $GLIBC"
done
if [ "$built" ]; then
    for function in start refresh; do
        [ "$(size "$built/$function")" -lt "$(size "$built/chat")" ] || fail "\`$function\` is not smaller than \`chat\`"
    done
fi
