# What can be done here; `just` alone lists it. `just` itself: `pip install rust-just`, or `cargo install just`.
# All recipes need Rust. What else one needs stands at its head; the Python packages' versions are in `.ci/tools.txt`.

set shell := ["bash", "-euo", "pipefail", "-c"]

# Lists the recipes
default:
    @just --list --unsorted

# Formatting, lints, documentation, architecture, the page's modules, licences. The last two need Node.js and cargo-deny
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items
    infra/check_invariants.sh
    infra/check_dependencies.sh
    @if node --version > /dev/null 2>&1; then node --test tests/browser/; \
        else echo "Node.js is not installed: the page's modules were not tested"; fi
    @if cargo deny --version > /dev/null 2>&1; then cargo deny --offline check bans licenses sources; \
        else echo "cargo-deny is not installed: licences and sources of crates were not checked"; fi

# Every test that needs nothing but Rust
test *arguments:
    cargo test --workspace {{ arguments }}

# The whole system on http://127.0.0.1:3000; arguments as in `just run --port 4000`
run *arguments:
    cargo run -- {{ arguments }}

# The four functions as Lambda runs them, on http://127.0.0.1:9000, rebuilt when a file changes. Needs cargo-lambda
watch port="9000":
    infra/watch.sh {{ port }}

# Streams a conversation through `just watch`. Needs cargo-lambda and curl
test-watch:
    tests/watch.sh

# The five programs for Lambda (this machine's architecture; `just build --arm64`). Needs cargo-lambda and ziglang
build *arguments:
    cargo lambda build --release {{ arguments }}
    infra/check_binaries.sh

# The template: syntax, linters, what they do not see. Needs aws-sam-cli and `python` beside it; asks checkov if it is there
validate:
    AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}" SAM_CLI_TELEMETRY=0 sam validate --lint
    cfn-lint template.yaml
    python infra/check_template.py
    @if checkov --version > /dev/null 2>&1; then checkov --file template.yaml --config-file infra/checkov.yaml; \
        else echo "checkov is not installed: its checks of the template were not made"; fi
    python -m unittest discover --start-directory infra --pattern '*_test.py'

# `sam build` of all functions for this machine's architecture, into a folder. Needs what `just build` does, and aws-sam-cli
package folder=".aws-sam/build":
    infra/package.sh {{ folder }}

# What `just package` makes, deployed to an AWS emulator and used. Needs what that does; ministack in `MINISTACK_PYTHON`
ministack:
    infra/ministack/run.sh

# Deploys to AWS: `just deploy dev`, and further `Name=value`. Needs what `just build` does, aws-sam-cli and credentials
deploy environment *parameters:
    python infra/operate/deploy.py {{ environment }} {{ parameters }}

# Puts the OpenAI key into the deployed stack's secret; asks for it without showing it. Needs aws-sam-cli
set-key environment:
    python infra/operate/set_key.py {{ environment }}

# A conversation with the deployed stack, timed as it streams. Needs aws-sam-cli
test-deployed environment:
    addresses="$(python infra/operate/addresses.py {{ environment }})" && python tests/deployed/main.py $addresses

# Follows the lines of the deployed functions. Needs aws-sam-cli
logs environment:
    python infra/operate/logs.py {{ environment }}

# Deletes the deployed stack. Asks first, and says what stays. Needs aws-sam-cli
destroy environment:
    python infra/operate/destroy.py {{ environment }}

# What sessions and turns cost on AWS, and what changes with their number; arguments as in `just cost --memory 256`. Needs Python
cost *arguments:
    python3 infra/cost.py {{ arguments }}

# The figures of speed, size and cost; `just bench memory` is one section. Uses taskset, and what `just conformance` installs
bench *sections:
    python="${XDG_CACHE_HOME:-$HOME/.cache}/chatkit-tools/conformance/bin/python"; \
    [ ! -x "$python" ] || export OFFICIAL_PYTHON="$python"; \
    cargo bench --package chatkit-tests --bench figures -- {{ sections }}

# Cold starts and first requests of the functions as Markdown tables. As root it holds them to the CPU of 256 MB, too
bench-cold:
    cargo bench --package chatkit-tests --bench figures --profile dev -- cold

# The playground in a real browser. Needs Node.js 20.19, npm and Chromium (`CHROMIUM` says where)
browser:
    tests/browser.sh

# The official Python package judges the server; arguments as in `just conformance sequences --seeds 2000`. Needs Python 3.11; asks npm for one model more
conformance *arguments:
    tests/conformance.sh {{ arguments }}

# A warm invocation under AWS's own Lambda emulator: our streaming against the stock runtime's. Needs aws-sam-cli
emulator:
    cargo build --release --package chatkit-tests --example hello
    python tests/emulator/measure.py "${CARGO_TARGET_DIR:-target}/release/examples/hello"
