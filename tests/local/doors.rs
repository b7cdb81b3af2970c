//! No page and no other program of the machine gets at what is kept.

use axum::http::Method;
use chatkit_local::objects::BUCKET;
use chatkit_shared::aws::Aws;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::files::{Files, FilesError, ObjectKey};
use chatkit_shared::identity::Owner;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Program, ask, dynamodb};
use crate::harness::app::create;
use crate::harness::outside::client;

/// A page of another site, by an address of its own or by one that it points at this machine.
const PAGES: [&[&str]; 3] = [
    &["host: 127.0.0.1", "origin: http://evil.example"],
    &["host: evil.example", "origin: http://evil.example"],
    &["host: localhost:5000", "origin: http://localhost:5000"],
];

#[cfg(target_os = "linux")]
#[tokio::test]
async fn no_port_of_the_local_server_is_the_database() {
    let folder = TempDir::new().unwrap();
    let program = Program::start(folder.path(), &[], &[]);
    let request = Client::new().post(format!("{}/chatkit", program.url())).header("x-user-id", "alice");
    let stored = request.json(&create("alice's secret")).send().await.unwrap().text().await.unwrap();
    assert!(stored.contains("thread.created"), "{stored}");

    let ports = program.ports();
    assert!(ports.len() > 1, "the server, and the bucket at least: {ports:?}");
    for port in ports {
        for caller in PAGES.into_iter().chain([["host: localhost"].as_slice()]) {
            for operation in ["Scan", "DescribeTable", "DeleteTable"] {
                let answer = dynamodb(port, "/", caller, operation);
                assert!(!answer.starts_with("HTTP/1.1 200"), "{port} {caller:?} {operation}: {answer}");
                assert!(!answer.contains("alice"), "{port} {caller:?} {operation}: {answer}");
            }
        }
        for page in PAGES {
            for method in ["GET", "OPTIONS", "POST"] {
                let request = format!("{method} / HTTP/1.1");
                let asks = "access-control-request-method: POST";
                let answer = ask(port, &[&[request.as_str(), asks], page].concat(), "").to_ascii_lowercase();
                assert!(!answer.contains("access-control-allow-origin"), "{port} {page:?} {method}: {answer}");
            }
        }
    }
}

#[tokio::test]
async fn bucket_of_the_local_server_has_a_key_of_its_own() {
    let folder = TempDir::new().unwrap();
    // Also with the operator's credentials in the environment.
    let own = [("AWS_ACCESS_KEY_ID", "local"), ("AWS_SECRET_ACCESS_KEY", "local")];
    let program = Program::start(folder.path(), &["--backends-only"], &own);
    let file = program.line.trim_start_matches(". ").trim_matches('\'').to_owned();
    let variables = std::fs::read_to_string(file).unwrap();
    let url = variables.lines().find_map(|line| line.strip_prefix("export AWS_ENDPOINT_URL_S3=")).unwrap();
    let kept = std::fs::read_to_string(folder.path().join("bucket-secret")).unwrap();
    let key = ObjectKey::file(&Owner::new("default", "alice").unwrap(), "msg_1");
    for (secret, is_key) in [("local", false), (kept.as_str(), true)] {
        let mut env = Env::from_iter(own);
        env.set("AWS_REGION", "us-east-1");
        env.set("AWS_ENDPOINT_URL_S3", url.trim_matches('\''));
        env.set("FILES_BUCKET", BUCKET);
        env.set("FILES_ACCESS_KEY_ID", "local");
        env.set("FILES_SECRET_ACCESS_KEY", secret);
        let aws = Aws::from_env(&env, client()).unwrap();
        let files = Files::from_env(&env, &aws, client(), Clock::system()).unwrap().unwrap();
        let found = files.look(&key).await;
        assert_eq!(matches!(found, Ok(None)), is_key, "{found:?}");
        assert_eq!(matches!(found, Err(FilesError::Denied)), !is_key, "{found:?}");
    }
}

#[tokio::test]
async fn bucket_of_the_local_server_answers_pages_of_the_server_only() {
    let folder = TempDir::new().unwrap();
    let program = Program::start(folder.path(), &[], &[("ALLOWED_ORIGINS", "http://localhost:5173")]);
    let params = json!({ "name": "a.png", "size": 3, "mime_type": "image/png" });
    let request = Client::new().post(format!("{}/chatkit", program.url())).header("x-user-id", "alice");
    let request = request.json(&json!({ "type": "attachments.create", "params": params }));
    let attachment: Value = request.send().await.unwrap().json().await.unwrap();
    let upload = attachment["upload_descriptor"]["url"].as_str().unwrap();
    let port = program.url().rsplit_once(':').unwrap().1;
    let own = format!("http://localhost:{port}");
    for (origin, is_allowed) in [
        (program.url(), true),
        (&own, true),
        ("http://localhost:5173", true),
        ("http://evil.example", false),
        ("http://localhost:5000", false),
        ("null", false),
    ] {
        let request = Client::new().request(Method::OPTIONS, upload).header("origin", origin);
        let answer = request.header("access-control-request-method", "PUT").send().await.unwrap();
        let allowed = answer.headers().get("access-control-allow-origin").map(|origin| origin.to_str().unwrap());
        assert_eq!(allowed, is_allowed.then_some(origin));
    }
    let foreign = Client::new().get(upload).header("host", "evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 421);
}
