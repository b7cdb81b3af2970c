//! `--backends-only`: what leads functions in other processes to the backends leads nobody else there.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use tempfile::TempDir;

use super::{Program, dynamodb};

/// Starts the backends; the variables as a shell has them that reads the file, which has these already.
fn variables(program: &Program, before: &[(&str, &str)]) -> Vec<(String, String)> {
    let script = format!("{}; env -0", program.line);
    let output = Command::new("sh").args(["-c", &script]).env_clear().envs(before.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let variables = text.split('\0').filter_map(|line| line.split_once('='));
    variables.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

fn value<'a>(variables: &'a [(String, String)], name: &str) -> &'a str {
    variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str()).unwrap_or_default()
}

#[test]
fn database_of_the_backends_is_behind_a_secret_of_this_start() {
    let folder = TempDir::new().unwrap();
    let mut secrets = Vec::new();
    for _ in 0..2 {
        let program = Program::start(folder.path(), &["--backends-only"], &[]);
        let variables = variables(&program, &[]);
        let url = value(&variables, "AWS_ENDPOINT_URL_DYNAMODB").strip_prefix("http://127.0.0.1:").unwrap();
        let (port, secret) = url.split_once('/').unwrap();
        let (port, path) = (port.parse().unwrap(), format!("/{secret}/"));
        assert_eq!(secret.len(), 64);
        let status = |path: &str, caller: &[&str]| dynamodb(port, path, caller, "DescribeTable")[9..12].to_owned();
        assert_eq!(status(&path, &["host: 127.0.0.1"]), "200");
        assert_eq!(status("/", &["host: 127.0.0.1"]), "404");
        assert_eq!(status(&path.replace(char::is_numeric, "0"), &["host: 127.0.0.1"]), "404");
        assert_eq!(status(&path, &["host: 127.0.0.1", "origin: http://localhost:9000"]), "403");
        assert_eq!(status(&path, &["host: evil.example"]), "421");
        secrets.push(secret.to_owned());
    }
    assert_ne!(secrets[0], secrets[1]);
}

#[test]
fn variables_of_the_backends_are_in_a_private_file_without_the_operators_credentials() {
    let folder = TempDir::new().unwrap();
    let assistant = r#"{"model": "m", "instructions": "Don't; $(exit 1) `exit 1` \"say\""}"#;
    let own = [("AWS_ACCESS_KEY_ID", "REAL-ID"), ("AWS_SECRET_ACCESS_KEY", "REAL-SECRET"), ("ASSISTANT", assistant)];
    let program = Program::start(folder.path(), &["--backends-only"], &own);
    let file = folder.path().join("backends.sh");
    assert_eq!(program.line, format!(". '{}'", file.display()));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("REAL"), "{text}");

    let elsewhere = variables(&program, &[]);
    assert_eq!(value(&elsewhere, "ASSISTANT"), assistant);
    assert_eq!(value(&elsewhere, "AWS_SECRET_ACCESS_KEY"), "local");
    assert_eq!(value(&elsewhere, "AUTH_MODE"), "anonymous,jwt");
    assert_eq!(value(&variables(&program, &own), "AWS_SECRET_ACCESS_KEY"), "REAL-SECRET");
}
