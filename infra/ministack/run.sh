#!/usr/bin/env bash
# What `sam build` makes of the template, on ministack, an AWS emulator: created, used, changed, deleted. `just ministack`.
#
# `MINISTACK_PYTHON`: a Python that has the packages of .ci/ministack.txt, which aws-sam-cli's do not go with.
# Also needs what `infra/package.sh` does, and `python` of aws-sam-cli's environment.
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly PORT="${PORT:-4599}"
scratch="$(mktemp -d)"
stop() {
    local status="$?"
    trap - EXIT
    [ -z "${server:-}" ] || { kill "$server" 2> /dev/null || true; wait "$server" 2> /dev/null || true; }
    [ "$status" -eq 0 ] || tail -n 40 "$scratch/ministack.log" >&2
    rm -rf "$scratch"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Of an account that does not exist, on loopback only; nothing here may reach a real one.
unset AWS_PROFILE AWS_SESSION_TOKEN
export AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION=eu-central-1 AWS_REGION=eu-central-1
export AWS_ENDPOINT_URL="http://127.0.0.1:$PORT" AWS_EC2_METADATA_DISABLED=true SAM_CLI_TELEMETRY=0
export PYTHONDONTWRITEBYTECODE=1

infra/package.sh "$scratch/build"
# `AUTH`: what a role's policies do not allow is denied.
AUTH=true BIND_HOST=127.0.0.1 GATEWAY_PORT="$PORT" SFTP_ENABLED=0 IOT_MTLS_ENABLED=0 LAMBDA_EXECUTOR=local \
    "${MINISTACK_PYTHON:-python3}" infra/ministack/serve.py > "$scratch/ministack.log" 2>&1 &
server="$!"
python infra/ministack/exercise.py "$scratch/build/template.yaml" "$scratch/ministack.log"
