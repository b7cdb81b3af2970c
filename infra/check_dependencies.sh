#!/usr/bin/env bash
# The Lambda programs link one TLS stack, one HTTP stack, and only reviewed crates. The reviewed ones are listed in
# `infra/crates.txt`; after a review, `infra/check_dependencies.sh --write` updates the list.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")/.."
readonly LIST=infra/crates.txt
broken=0

report() {
    [ -z "$2" ] || { printf '%s:\n%s\n' "$1" "$2" >&2; broken=1; }
}

# The crates of a program, as in `hyper v1.12.0`.
linked() {
    cargo tree --locked --edges normal --package "chatkit-$1" --target x86_64-unknown-linux-gnu --prefix none \
        | sed 's/ (.*//' | sort --unique
}

all=""
for function in start refresh chat analytics auth socket; do
    crates="$(linked "$function")"
    all+="$crates"$'\n'
    # One version of each, and no other that does the same.
    stack="$(grep --extended-regexp '^(rustls|aws-lc-rs|hyper|h2|http|reqwest) ' <<< "$crates" | cut -d . -f 1,2)"
    report "\`$function\` has not one TLS stack and one HTTP stack" \
        "$(grep --invert-match --extended-regexp '^(rustls v0\.23|aws-lc-rs v1\.|hyper v1\.|h2 v0\.4|http v1\.|reqwest v0\.13)' <<< "$stack" || true)"
    report "\`$function\` has two versions of" "$(cut -d ' ' -f 1 <<< "$stack" | uniq --repeated)"
    report "\`$function\` links another TLS stack" \
        "$(grep --extended-regexp '^(ring|native-tls|openssl|openssl-sys|boring|mbedtls) ' <<< "$crates" || true)"
    report "\`$function\` links what is for tests and the local server" \
        "$(grep --extended-regexp '^(chatkit-(local|tests)|dynoxide-rs|rusqlite|libsqlite3-sys|s3s|s3s-fs|bolero|clap|proptest|tempfile) ' \
            <<< "$crates" || true)"
done

names="$(cut -d ' ' -f 1 <<< "$all" | sed '/^$/d; /^chatkit-/d' | sort --unique)"
if [ "${1:-}" = --write ]; then
    echo "$names" > "$LIST"
fi
report "new in the Lambda programs; if they belong there, run \`infra/check_dependencies.sh --write\`" \
    "$(comm -23 <(echo "$names") <(sort "$LIST"))"
report "in \`$LIST\`, but not in the Lambda programs" "$(comm -13 <(echo "$names") <(sort "$LIST"))"
[ "$broken" -eq 0 ] && echo "the Lambda programs link only reviewed crates"
exit "$broken"
