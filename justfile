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

# The four programs for Lambda (this machine's architecture; `just build --arm64`). Needs cargo-lambda and ziglang
build *arguments:
    cargo lambda build --release {{ arguments }}
    infra/check_binaries.sh

# The template: its syntax, and what the linter does not see. Needs aws-sam-cli, and `python` of the same environment
validate:
    SAM_CLI_TELEMETRY=0 sam validate --lint
    python infra/check_template.py

# The figures of speed, size and cost as a table; `just bench memory` prints one section. Uses taskset if it is there
bench *sections:
    cargo bench --package chatkit-tests --bench figures -- {{ sections }}

# The playground in a real browser. Needs Node.js 20.19, npm and Chromium (`CHROMIUM` says where)
browser:
    tests/browser.sh

# The official Python package judges the server; arguments as in `just conformance sequences --seeds 200`. Needs Python 3.11
conformance *arguments:
    tests/conformance.sh {{ arguments }}

# A warm invocation under AWS's own Lambda emulator: our streaming against the stock runtime's. Needs aws-sam-cli
emulator:
    cargo build --release --package chatkit-tests --example hello
    python tests/emulator/measure.py "${CARGO_TARGET_DIR:-target}/release/examples/hello"
