#!/usr/bin/env bash
# The invariants of the architecture that a search can see. Prints each line that breaks one.
set -euo pipefail
cd "$(dirname "$0")/.."
broken=0

# absent WHAT PATTERN PATH...: no line of Rust code, comments left out, may match the extended regular expression.
absent() {
    local what="$1" pattern="$2"
    shift 2
    local found
    found="$(grep --recursive --include='*.rs' --line-number --extended-regexp "$pattern" "$@" \
        | grep --invert-match --extended-regexp '^[^:]+:[0-9]+:[[:space:]]*//' || true)"
    report "$what" "$found"
}

report() {
    [ -z "$2" ] || { printf '%s:\n%s\n' "$1" "$2" >&2; broken=1; }
}

everything_but() {
    find shared/src functions local/src -name '*.rs' -not -path "$1"
}

absent 'only `shared/src/store/` knows DynamoDB' 'aws_sdk_dynamodb' $(everything_but 'shared/src/store/*')
absent 'only `shared/src/env.rs` reads the environment' 'env::vars?(_os)?\b' $(everything_but shared/src/env.rs)
absent 'only `shared/src/lambda/` and the programs know Lambda' 'lambda_(http|runtime)\b' \
    $(find shared/src functions local/src -name '*.rs' -not -path 'shared/src/lambda/*' -not -name main.rs)
absent '`protocol` imports nothing of ours' 'crate::|super::super|\basync\b|tokio|chatkit_' shared/src/protocol
absent 'the engine knows no transport, no database, no wire format' \
    '\b(axum|hyper|http|reqwest|sse|lambda_http|aws_[a-z_]+|sse_stream)::|model::wire|DynamoDB|OpenAI' \
    shared/src/engine
for function in start refresh chat analytics auth socket; do
    others="$(printf '%s\n' start refresh chat analytics auth socket local tests | grep --invert-match --line-regexp "$function" | paste -sd '|')"
    absent "\`functions/$function\` imports another member" "chatkit_($others)\b" "functions/$function"
done
python3 infra/check_module_order.py || broken=1
[ "$broken" -eq 0 ] && echo "the architecture's invariants hold"
exit "$broken"
