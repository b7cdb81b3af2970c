//! The programs that the tests start.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

/// The program of a binary or example of the workspace, built once per test run.
pub(crate) fn binary(name: &str) -> &'static Path {
    static BUILT: LazyLock<HashMap<String, PathBuf>> = LazyLock::new(build);
    BUILT.get(name).expect("a binary or an example of the workspace")
}

/// Builds into the target directory and the profile of the running test: its dependencies are there already.
fn build() -> HashMap<String, PathBuf> {
    let test = std::env::current_exe().expect("the test has a path");
    let directory = test.ancestors().nth(2).expect("the test is at `<target>/<profile>/deps/<name>`");
    let target = directory.parent().expect("a profile's directory is in the target directory");
    let profile = match directory.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let output = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--bins", "--examples", "--offline", "--quiet"])
        .args(["--message-format", "json-render-diagnostics", "--profile", profile, "--target-dir"])
        .arg(target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the binaries do not build");
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    messages
        .filter_map(|message| {
            let message = message.expect("cargo's messages are JSON");
            Some((message["target"]["name"].as_str()?.to_owned(), message["executable"].as_str()?.into()))
        })
        .collect()
}
