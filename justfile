# What can be done here; `just` alone lists it. Install `just` with `pip install rust-just` or `cargo install just`.
# Every recipe needs Rust, and what its line names. The versions of the Python packages are in `.ci/tools.txt`.

set shell := ["bash", "-euo", "pipefail", "-c"]

tools := env("XDG_CACHE_HOME", home_directory() / ".cache") / "chatkit-tools"

# List the recipes
[group('start here')]
default:
    @just --list --unsorted

# Serve the whole system on http://127.0.0.1:3000; arguments as in `just run --port 4000`
[group('start here')]
run *arguments:
    cargo run -- {{ arguments }}

# Run every test that needs nothing but Rust
[group('start here')]
test *arguments:
    cargo test --workspace {{ arguments }}

# Build and deploy to AWS: `just deploy dev`, and further `Name=value`. Needs cargo-lambda, ziglang, aws-sam-cli, credentials
[group('start here')]
deploy environment *parameters:
    python infra/operate/deploy.py {{ environment }} {{ parameters }}

# Put the OpenAI key into the stack's secret; asks for it without showing it. Needs aws-sam-cli, credentials
[group('start here')]
set-key environment:
    python infra/operate/set_key.py {{ environment }}

# Change the assistant and limits of a tenant without a deployment: `put`, `get`, `check`, `history`, `undo`, then the environment, a file, `--tenant T`. Needs Rust, aws-sam-cli, credentials
[group('start here')]
assistant action environment *arguments:
    python infra/operate/assistant.py {{ action }} {{ environment }} {{ arguments }}

# Follow the logs of the deployed functions. Needs aws-sam-cli, credentials
[group('start here')]
logs environment:
    python infra/operate/logs.py {{ environment }}

# Stop every turn of the deployed stack at once, until `just start`. Needs aws-sam-cli, credentials
[group('start here')]
stop environment:
    python infra/operate/brake.py stop {{ environment }}

# Let the turns of a stopped stack run again. Needs aws-sam-cli, credentials
[group('start here')]
start environment:
    python infra/operate/brake.py start {{ environment }}

# Delete the deployed stack; asks first, and says what stays. Needs aws-sam-cli, credentials
[group('start here')]
destroy environment:
    python infra/operate/destroy.py {{ environment }}

# Check formatting, lints, documentation, architecture, the page's modules, licences. The last two need Node.js, cargo-deny
[group('develop')]
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

# Run the five HTTP functions as Lambda does, on http://127.0.0.1:9000, rebuilt when a file changes. Needs cargo-lambda
[group('develop')]
watch port="9000":
    infra/watch.sh {{ port }} || [ "$?" -eq 130 ]

# Check the pages of the documentation and build the book. Needs Python, and mdbook for the book
[group('develop')]
book:
    python3 docs/check_pages.py
    @if mdbook --version > /dev/null 2>&1; then mdbook build docs --dest-dir "${CARGO_TARGET_DIR:-$PWD/target}/book"; \
        else echo "mdbook is not installed: the book was not built"; fi

# Run the commands of README and the book, and compare their output; arguments are pages. Needs Python and curl
[group('develop')]
book-commands *pages:
    cargo build --package chatkit-local
    python3 docs/run_commands.py "${CARGO_TARGET_DIR:-$PWD/target}/debug/chatkit-local" {{ pages }}

# Build `widget/dist/chatkit.js` out of its sources. Needs Node.js 20.19 and npm
[group('develop')]
widget:
    cd widget && npm install --no-fund --no-audit && npm run build

# Stream a conversation through `just watch`. Needs cargo-lambda and curl
[group('prove')]
test-watch:
    tests/watch.sh

# Let the official Python package judge the server; arguments as in `just conformance sequences --seeds 2000`. Needs Python 3.11
[group('prove')]
conformance *arguments:
    tests/conformance.sh {{ arguments }}

# Send hostile requests and check each answer, to a server started here or `just attack https://…`. Needs Python 3.11
[group('prove')]
attack *target:
    @[ -n "{{ target }}" ] || cargo build --package chatkit-local
    PYTHONPATH=tests python3 -m attack {{ if target == "" { '"${CARGO_TARGET_DIR:-$PWD/target}/debug/chatkit-local"' } else { target } }}

# Fuzz every route of the OpenAPI document. Needs a Python with `.ci/schemathesis.txt`, named by `SCHEMATHESIS_PYTHON`
[group('prove')]
fuzz-api *arguments:
    cargo build --package chatkit-local
    PYTHONHASHSEED=0 PYTHONPATH="$PWD/tests" "${SCHEMATHESIS_PYTHON:-python3}" -m openapi "${CARGO_TARGET_DIR:-$PWD/target}/debug/chatkit-local" {{ arguments }}

# Fuzz a target of `tests/fuzz/`, guided by coverage: `just fuzz parsers::body 15`. Needs a C++ compiler
[group('prove')]
fuzz target minutes="1":
    tests/fuzz.sh {{ target }} {{ minutes }}

# Try whether a test notices each change of a line: `just mutants --re Bucket::`, `just mutants --in-diff FILE`. Needs cargo-mutants
[group('prove')]
mutants *arguments:
    cargo mutants --package chatkit-shared {{ arguments }}

# Simulate people, processes and faults, in as many worlds: `just simulate 500`; `just simulate 1 17` shows world 17
[group('prove')]
simulate worlds="500" first="0":
    SIMULATE={{ worlds }} SIMULATE_FROM={{ first }} cargo test --workspace --test it \
        {{ if worlds == "1" { "worlds_keep -- --nocapture" } else { "simulation:: -- --nocapture --include-ignored" } }}

# Ask RustSec's database for advisories on the crates in use. Needs cargo-deny, git and the network
[group('prove')]
advisories:
    cargo deny check advisories

# Try the widget, the playground and ChatKit's transport in a real browser. Needs Node.js 20.19, npm and Chromium (`CHROMIUM` says where)
[group('prove')]
browser:
    tests/browser.sh

# Try the sites of `examples/` in a real browser, or those that are named. Needs Node.js 20.19, npm, Python 3.11 and Chromium
[group('prove')]
examples *names:
    tests/examples.sh {{ names }}

# Deploy what `just package` makes to an AWS emulator, and use it. Needs what that does; ministack in `MINISTACK_PYTHON`
[group('prove')]
ministack:
    infra/ministack/run.sh

# Have a conversation with the deployed stack, timed as it streams. Needs aws-sam-cli, credentials
[group('prove')]
test-deployed environment:
    addresses="$(python infra/operate/addresses.py {{ environment }})" && python tests/deployed/main.py $addresses

# Build the six programs for Lambda, for this machine's architecture or `just build --arm64`. Needs cargo-lambda and ziglang
[group('package')]
build *arguments:
    cargo lambda build --release {{ arguments }}
    infra/check_binaries.sh

# Check the template: syntax, linters, what they do not see. Needs aws-sam-cli and its `python`; uses checkov if it is there
[group('package')]
validate:
    AWS_DEFAULT_REGION="${AWS_DEFAULT_REGION:-us-east-1}" SAM_CLI_TELEMETRY=0 sam validate --lint
    cfn-lint template.yaml
    python infra/check_template.py
    @if checkov --version > /dev/null 2>&1; then checkov --file template.yaml --config-file infra/checkov.yaml; \
        else echo "checkov is not installed: its checks of the template were not made"; fi
    python -m unittest discover --start-directory infra --pattern '*_test.py'

# Run `sam build` for this machine's architecture, into a folder. Needs what `just build` does, and aws-sam-cli
[group('package')]
package folder=".aws-sam/build":
    infra/package.sh {{ folder }}

# Compute what sessions and turns cost on AWS; arguments as in `just cost --memory 256`. Needs Python
[group('measure')]
cost *arguments:
    python3 infra/cost.py {{ arguments }}

# Measure speed, size and cost; `just bench memory` is one section. Uses taskset, and what `just conformance` installs
[group('measure')]
bench *sections:
    python="{{ tools }}/conformance/bin/python"; \
    [ ! -x "$python" ] || export OFFICIAL_PYTHON="$python"; \
    cargo bench --package chatkit-tests --bench figures -- {{ sections }}

# Measure cold starts and first requests, as Markdown tables. As root it also holds them to the CPU of 256 MB
[group('measure')]
bench-cold:
    cargo bench --package chatkit-tests --bench figures --profile dev -- cold

# Measure a warm invocation under AWS's Lambda emulator, our streaming against the stock runtime's. Needs aws-sam-cli
[group('measure')]
emulator:
    cargo build --release --package chatkit-tests --example hello
    python tests/emulator/measure.py "${CARGO_TARGET_DIR:-target}/release/examples/hello"
