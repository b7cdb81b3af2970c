#!/usr/bin/env bash
# What `cargo lambda build --release` has to leave: five programs, small, for the C library of Lambda's runtime.
set -euo pipefail
cd "$(dirname "$0")/.."
target="$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p')"
cd "$target/lambda"

readonly LARGEST=9000000
# Amazon Linux 2023 has glibc 2.34.
readonly GLIBC=2.34

fail() {
    echo "$1" >&2
    exit 1
}
size() {
    wc -c < "$1/bootstrap"
}

[ "$(echo */bootstrap)" = "analytics/bootstrap chat/bootstrap refresh/bootstrap socket/bootstrap start/bootstrap" ] \
    || fail "built are: $(echo */bootstrap)"
for function in start refresh chat analytics socket; do
    newest="$(grep --text --only-matching --extended-regexp 'GLIBC_2\.[0-9]+' "$function/bootstrap" | cut -d _ -f 2 \
        | sort --version-sort | tail -1)"
    echo "$function: $(size "$function") bytes, needs glibc $newest"
    [ "$(size "$function")" -le "$LARGEST" ] || fail "\`$function\` is larger than $LARGEST bytes"
    [ "$(printf '%s\n' "$newest" "$GLIBC" | sort --version-sort | tail -1)" = "$GLIBC" ] \
        || fail "\`$function\` needs a newer C library than glibc $GLIBC"
done
for function in start refresh; do
    [ "$(size "$function")" -lt "$(size chat)" ] || fail "\`$function\` is not smaller than \`chat\`"
done
