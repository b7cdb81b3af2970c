//! The programs that the tests start: the examples of this package, which `cargo test` builds before it runs the tests.

use std::env::current_exe;
use std::path::PathBuf;

/// The program of a function, beside the running test: `<target>/<profile>/examples/<name>`.
pub(crate) fn binary(name: &str) -> PathBuf {
    let test = current_exe().expect("the test has a path");
    let profile = test.ancestors().nth(2).expect("the test is at `<target>/<profile>/deps/<name>`");
    let program = profile.join("examples").join(name);
    assert!(program.exists(), "`{name}` is not built: run `cargo test` without `--test`, or `cargo build --examples`");
    program
}
