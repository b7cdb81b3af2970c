#!/usr/bin/env bash
# Runs `sam build` for this machine's architecture, into the folder given; `sam deploy` sends the result. sam runs `cargo lambda
# build` once for each function. The first builds all of them, and after `just build` it takes seconds. Needs aws-sam-cli, cargo-lambda and ziglang.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly OUT="$1"

case "$(uname -m)" in
    aarch64 | arm64) architecture=arm64 ;;
    *) architecture=x86_64 ;;
esac
SAM_CLI_TELEMETRY=0 sam build --build-in-source --build-dir "$OUT" --parameter-overrides "Architecture=$architecture"
infra/check_binaries.sh "$OUT"/{Start,Refresh,Chat,Analytics,Auth,Socket}Function
