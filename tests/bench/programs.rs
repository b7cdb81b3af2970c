//! The programs as they are released. Each of the functions is built as `cargo lambda build --release` builds it, with
//! the features that it needs and no others; the local server with its own profile; what only serves measuring is built
//! apart.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The functions of the template.
pub(crate) const FUNCTIONS: [&str; 6] = ["start", "refresh", "chat", "analytics", "auth", "socket"];

/// Programs by name.
pub(crate) struct Programs(HashMap<String, PathBuf>);

impl Programs {
    pub(crate) fn path(&self, name: &str) -> &Path {
        &self.0[name]
    }
}

/// Builds the functions, `hello` and the local server.
pub(crate) fn build() -> Programs {
    let mut programs = build_functions();
    programs.0.extend(cargo_build(["--profile=local", "--package=chatkit-local", "--bin=chatkit-local"]));
    programs
}

/// Builds the functions and `hello`.
pub(crate) fn build_functions() -> Programs {
    let functions = FUNCTIONS.map(|function| format!("--package=chatkit-{function}"));
    let mut programs = cargo_build(functions.iter().map(String::as_str).chain(["--release", "--bins"]));
    programs.extend(cargo_build(["--release", "--package=chatkit-tests", "--example=hello"]));
    Programs(programs)
}

fn cargo_build<'a>(what: impl IntoIterator<Item = &'a str>) -> HashMap<String, PathBuf> {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--message-format=json-render-diagnostics"])
        .args(what)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "the programs do not build");
    let messages = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    messages
        .filter_map(|message| {
            let message = message.expect("cargo's messages are JSON");
            Some((message["target"]["name"].as_str()?.to_owned(), message["executable"].as_str()?.into()))
        })
        .collect()
}
