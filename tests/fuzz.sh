#!/usr/bin/env bash
# tests/fuzz.sh TARGET [MINUTES]: lets libFuzzer guide a target of tests/fuzz/ by coverage, as in `tests/fuzz.sh http::origin 15`.
# What it finds worth keeping it goes on from the next time; what breaks the target goes beside its samples, and into Git.
# No other tool is needed: the stable compiler can count coverage, and bolero brings libFuzzer, in C++.
set -euo pipefail
cd "$(dirname "$0")/.."
target="$1" minutes="${2:-1}" name="${1##*::}"
host="$(rustc -vV | sed -n 's/^host: //p')"
work="${CARGO_TARGET_DIR:-$PWD/target}/fuzz"
corpus="$work/corpus/$name" crashes="tests/fuzz/__fuzz__/$name/crashes"
flags=(--cfg fuzzing -Cpasses=sancov-module --cfg fuzzing_libfuzzer)
for coverage in inline-8bit-counters level=4 pc-table trace-compares stack-depth; do
    flags+=("-Cllvm-args=-sanitizer-coverage-$coverage")
done

# `--target` keeps the flags away from build scripts and macros.
RUSTC_BOOTSTRAP=1 RUSTFLAGS="${flags[*]}" cargo test --profile fuzz --target "$host" --target-dir "$work" \
    --package chatkit-tests --test it --no-run
program="$(find "$work/$host/fuzz/deps" -name 'it-*' -type f -executable -printf '%T@ %p\n' | sort -n | tail -1 | cut -d ' ' -f 2)"
mkdir -p "$corpus" "$crashes"
export BOLERO_TEST_NAME="fuzz::$target" BOLERO_LIBTEST_HARNESS=1 BOLERO_FUZZER=libfuzzer
export BOLERO_LIBFUZZER_ARGS="$corpus tests/fuzz/__fuzz__/$name/corpus -artifact_prefix=$crashes/ -timeout=10 \
-max_total_time=$((minutes * 60)) -print_final_stats=1"
[ -d "tests/fuzz/__fuzz__/$name/corpus" ] || BOLERO_LIBFUZZER_ARGS="${BOLERO_LIBFUZZER_ARGS/"tests/fuzz/__fuzz__/$name/corpus "/}"
status=0
"$program" "fuzz::$target" --exact --nocapture --test-threads 1 || status="$?"
rmdir --ignore-fail-on-non-empty "$crashes" "${crashes%/*}"
exit "$status"
