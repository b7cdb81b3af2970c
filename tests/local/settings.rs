//! The command line for settings, on data that a running server uses.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::Program;
use crate::gateway::binary;

/// What the command says, and whether it succeeded.
fn assistant(data: &Path, arguments: &[&str]) -> (String, bool) {
    let mut command = Command::new(binary("chatkit-local"));
    let command = command.arg("assistant").args(arguments).arg("--data").arg(data).env_clear();
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (String::from_utf8(said).unwrap().trim_end().to_owned(), output.status.success())
}

fn said(data: &Path, arguments: &[&str]) -> String {
    let (said, succeeded) = assistant(data, arguments);
    assert!(succeeded, "{said}");
    said
}

#[test]
fn settings_are_put_listed_and_undone_beside_a_running_server() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let file = folder.path().join("settings.json");
    let path = file.display().to_string();
    let write = |document: serde_json::Value| std::fs::write(&file, document.to_string()).unwrap();
    let program = Program::start(&data, &[], &[("SETTINGS_MAX_AGE_SECONDS", "0")]);
    let models = || {
        let port = program.url().rsplit_once(':').unwrap().1.parse().unwrap();
        let host = format!("host: 127.0.0.1:{port}");
        let lines = ["POST /api/chat HTTP/1.1", &host, "x-user-id: ada", "content-type: application/json"];
        let answer = super::ask(port, &lines, r#"{"message": "Hi", "stream": true}"#);
        let model = answer.split_once(r#""model":""#).unwrap_or_else(|| panic!("{answer}")).1;
        model.split_once('"').unwrap().0.to_owned()
    };
    let before = models();

    assert_eq!(assistant(&data, &["get"]), ("Error: default: nothing is stored".to_owned(), false));
    write(json!({ "model": "one" }));
    assert_eq!(said(&data, &["check", &path]), format!("`{path}` is valid: `assistant`"));
    assert_eq!(models(), before);
    assert_eq!(said(&data, &["put", &path]), "default: version 1 counts within a second\n  + assistant");
    assert_eq!(models(), "one");
    write(json!({ "assistant": { "model": "two" }, "limits": { "message_chars": 9 } }));
    let put = "default: version 2 counts within a second\n  ~ assistant.model\n  + limits";
    assert_eq!(said(&data, &["put", &path]), put);
    // An assistant alone leaves the limits as they are.
    write(json!({ "model": "three" }));
    assert_eq!(said(&data, &["put", &path]), "default: version 3 counts within a second\n  ~ assistant.model");
    assert_eq!(said(&data, &["put", &path]), "default: nothing changes");
    assert_eq!(models(), "three");

    write(json!({ "assistant": { "modle": "four" } }));
    let (fault, succeeded) = assistant(&data, &["put", &path]);
    let expected = format!("Error: `{path}`: `assistant.modle` is not a known field; did you mean `model`?");
    assert_eq!((fault, succeeded), (expected, false));
    assert_eq!(models(), "three");

    let undone = "default: version 2 counts within a second\n  ~ assistant.model";
    assert_eq!(said(&data, &["undo"]), undone);
    assert_eq!(models(), "two");
    let listed = said(&data, &["history"]);
    let marks: Vec<_> = listed.lines().map(|line| &line[..6]).collect();
    assert_eq!(marks, ["     3", "*    2", "     1"], "{listed}");
    let got: serde_json::Value = serde_json::from_str(&said(&data, &["get"])).unwrap();
    assert_eq!(got, json!({ "assistant": { "model": "two" }, "limits": { "message_chars": 9 } }));

    write(json!({ "model": "of acme" }));
    said(&data, &["put", &path, "--tenant", "acme"]);
    assert_eq!(models(), "two");
    for _ in 0..2 {
        said(&data, &["undo"]);
    }
    assert_eq!(models(), before);
    assert_eq!(assistant(&data, &["undo"]), ("Error: default: there is nothing to undo".to_owned(), false));
}
