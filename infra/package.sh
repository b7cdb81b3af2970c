#!/usr/bin/env bash
# What `sam deploy` sends: `sam build` of the template for this machine's architecture, into the folder given. sam runs
# `cargo lambda build` for one function after the other; the first builds all of them, so with what `just build` has
# left it takes seconds. Needs aws-sam-cli, cargo-lambda and ziglang.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly OUT="$1"

case "$(uname -m)" in
    aarch64 | arm64) architecture=arm64 ;;
    *) architecture=x86_64 ;;
esac
SAM_CLI_TELEMETRY=0 sam build --build-in-source --build-dir "$OUT" --parameter-overrides "Architecture=$architecture"
infra/check_binaries.sh "$OUT"/{Start,Refresh,Chat,Analytics,Socket}Function
