//! The table of routes stands in three places: the local server, `Cargo.toml` for `cargo lambda watch`, and
//! `template.yaml` for AWS, which `infra/check_template.py` compares with `Cargo.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use chatkit_shared::env::Env;
use reqwest::Method;
use serde_json::{Value, json};

use super::ROUTES;
use crate::harness::app::{App, chatkit};
use crate::identity::development::Local;

fn read(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    std::fs::read_to_string(root.join(name)).unwrap()
}

#[test]
fn routes_of_cargo_lambda_watch_are_those_of_the_functions() {
    let manifest = read("Cargo.toml");
    let (_, section) = manifest.split_once("[workspace.metadata.lambda.watch.router]\n").unwrap();
    let lines = section.lines().take_while(|line| !line.is_empty() && !line.starts_with('['));
    let table: BTreeMap<_, _> = lines
        .map(|line| {
            let (path, function) = line.split_once(" = ").unwrap();
            (path.trim_matches('"').to_owned(), function.trim_matches('"').to_owned())
        })
        .collect();
    let expected = ROUTES.map(|(_, path, function)| (path.to_owned(), function.to_owned()));
    assert_eq!(table, BTreeMap::from(expected));
}

#[tokio::test]
async fn path_of_the_chat_with_a_slash_at_the_end_is_the_same() {
    let app = App::start().await;
    let mut request = chatkit("alice", &json!({ "type": "threads.list", "params": {} }));
    *request.uri_mut() = "/chatkit/".parse().unwrap();
    assert_eq!(app.send(request).await.json(), json!({ "data": [], "has_more": false }));
}

#[tokio::test]
async fn routes_of_the_local_server_are_those_of_the_functions() {
    let local = Local::start(Env::default()).await;
    for (_, path, _) in ROUTES {
        let right = |method: &str| ROUTES.iter().any(|(right, of, _)| *right == method && *of == path);
        for method in [Method::GET, Method::POST, Method::DELETE, Method::OPTIONS, Method::PUT] {
            let status = local.send(method.clone(), path, &[], None).await.status().as_u16();
            match method.as_str() {
                "OPTIONS" => assert_eq!(status, 200, "{method} {path}"),
                // A thread that does not exist is not found, a path neither.
                method if right(method) && path.contains('{') => assert_eq!(status, 401, "{method} {path}"),
                method if right(method) => assert!(![404, 405].contains(&status), "{method} {path} {status}"),
                method => assert_eq!(status, 405, "{method} {path}"),
            }
        }
    }
    for path in ["/api", "/api/chatkit", "/chatkit/x", "/prod/chatkit", "/playground", "/.local/signing-secret"] {
        let answer = local.send(Method::GET, path, &[], None).await;
        assert_eq!(answer.status(), 404, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap()["error"], "not_found", "{path}");
    }
}
