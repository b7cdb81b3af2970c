#!/usr/bin/env bash
# Builds the functions and deploys them with the parameters of an environment: `infra/deploy.sh dev [Name=value...]`.
# What is given here goes before what infra/parameters/ has.
set -euo pipefail
cd "$(dirname "$0")/.."

environment="$1"
shift
# A word that no deployment had before: with provisioned concurrency it makes the version that is kept ready.
parameters=("file://infra/parameters/$environment.yaml" "Release=$(date -u +%Y%m%dT%H%M%S)" "$@")
sam build --config-env "$environment" --parameter-overrides "${parameters[@]}"
sam deploy --config-env "$environment" --parameter-overrides "${parameters[@]}"
