//! Secrets from Secrets Manager, and their rotation.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use chatkit_shared::env::Env;
use chatkit_shared::secret::tool_signing_secrets;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::modes::starts;
use crate::harness::app::{Answer, App};
use crate::harness::requests::{Carrying, post};
use crate::harness::tokens::read;

const OLD: &str = "the old secret of more than thirty-two bytes";
const NEW: &str = "the new secret of more than thirty-two bytes";

/// A Secrets Manager with these secrets, by name and stage. Stops when dropped.
struct SecretsManager {
    url: String,
    secrets: Secrets,
    _server: JoinSet<()>,
}

type Secrets = Arc<Mutex<HashMap<(String, String), String>>>;

impl SecretsManager {
    async fn start() -> Self {
        let secrets = Secrets::default();
        let router = Router::new().fallback(get_secret_value).with_state(Arc::clone(&secrets));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, secrets, _server: server }
    }

    fn put(&self, name: &str, stage: &str, value: &str) {
        self.secrets.lock().unwrap().insert((name.to_owned(), stage.to_owned()), value.to_owned());
    }
}

async fn get_secret_value(State(secrets): State<Secrets>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    assert_eq!(headers["x-amz-target"], "secretsmanager.GetSecretValue");
    let body: Value = serde_json::from_slice(&body).unwrap();
    let key = (body["SecretId"].as_str().unwrap().to_owned(), body["VersionStage"].as_str().unwrap().to_owned());
    let value = secrets.lock().unwrap().get(&key).cloned();
    let (status, answer) = match value {
        Some(value) => (200, json!({ "Name": key.0, "SecretString": value })),
        None => (400, json!({ "__type": "ResourceNotFoundException", "Message": "no such secret" })),
    };
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.1");
    response.body(Body::from(answer.to_string())).unwrap()
}

/// The test's environment with the signing secret in Secrets Manager.
fn env(app: &App, manager: &SecretsManager) -> Env {
    let mut env = app.env.clone();
    env.set("SESSION_SIGNING_SECRET", "");
    env.set("SESSION_SIGNING_SECRET_ARN", "arn:signing");
    env.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.url.as_str());
    env
}

#[tokio::test]
async fn a_rotated_secret_still_verifies() {
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    let env = env(&app, &manager);
    manager.put("arn:signing", "AWSCURRENT", OLD);
    let before = App { router: App::router(&env, &app.clock, 2).await, env: env.clone(), ..app };
    let ((first, cookie), user) = (before.visit().await, before.session("ada").await);

    manager.put("arn:signing", "AWSCURRENT", NEW);
    manager.put("arn:signing", "AWSPREVIOUS", OLD);
    let after = App { router: App::router(&env, &before.clock, 3).await, ..before };
    let list = json!({ "type": "threads.list", "params": {} });
    for token in [&first, &user] {
        assert_eq!(after.send(post("/chatkit", &list).bearer(token)).await.status, 200);
    }
    let next = crate::harness::sessions::secret(&after.refresh(&user, Some("ada")).await);
    assert_ne!(read(&next).0["kid"], read(&user).0["kid"]);
    let request = post(crate::harness::sessions::START, &json!({})).with("cookie", &cookie);
    let reloaded = crate::harness::sessions::secret(&after.send(request).await);
    assert_eq!(read(&reloaded).1["sub"], read(&first).1["sub"]);

    // Two rotations later the old one is over.
    manager.put("arn:signing", "AWSCURRENT", "the newest secret of more than thirty-two bytes");
    manager.put("arn:signing", "AWSPREVIOUS", NEW);
    let later = App { router: App::router(&env, &after.clock, 4).await, ..after };
    let answer: Answer = later.send(post("/chatkit", &list).bearer(&user)).await;
    assert_eq!(answer.error(401, "unauthorized"), "the session token is not valid");
    assert_eq!(later.send(post("/chatkit", &list).bearer(&next)).await.status, 200);
}

#[tokio::test]
async fn a_previous_secret_that_never_was_good_is_no_obstacle() {
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    manager.put("arn:signing", "AWSCURRENT", NEW);
    manager.put("arn:signing", "AWSPREVIOUS", "too short");
    assert_eq!(starts(&env(&app, &manager)).await, [const { None }; 4]);
}

#[tokio::test]
async fn what_the_console_makes_of_a_secret_is_understood() {
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    let env = env(&app, &manager);
    let mut ids = Vec::new();
    for text in [OLD, &format!(" {OLD}\n"), &json!({ "anything": OLD }).to_string()] {
        manager.put("arn:signing", "AWSCURRENT", text);
        let router = App::router(&env, &app.clock, 2).await;
        let request = post(crate::harness::sessions::START, &json!({}));
        let answer = Answer::of(tower::ServiceExt::oneshot(router, request).await.unwrap()).await;
        ids.push(read(&crate::harness::sessions::secret(&answer)).0["kid"].clone());
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_stops_the_start() {
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    let mut env = env(&app, &manager);
    let unreadable = "the secret that `SESSION_SIGNING_SECRET_ARN` names cannot be read";
    for text in [None, Some(""), Some("  "), Some("{\"key\":\"\"}")] {
        if let Some(text) = text {
            manager.put("arn:signing", "AWSCURRENT", text);
        }
        let faults = starts(&env).await;
        assert!(faults.iter().flatten().all(|fault| fault.starts_with(unreadable)), "{text:?}: {faults:?}");
        assert_eq!(faults.iter().flatten().count(), 4);
    }
    manager.put("arn:signing", "AWSCURRENT", "canary");
    for fault in starts(&env).await {
        let fault = fault.unwrap();
        assert!(fault.contains("SESSION_SIGNING_SECRET") && fault.contains("32 bytes"), "{fault}");
        assert!(!fault.contains("canary"), "{fault}");
    }
    manager.put("arn:signing", "AWSCURRENT", NEW);
    env.set("OPENAI_SECRET_ARN", "arn:openai");
    let [start, refresh, chat, analytics] = starts(&env).await;
    assert_eq!((start, refresh, analytics), (None, None, None), "only `chat` calls the model");
    assert!(chat.unwrap().starts_with("the secret that `OPENAI_SECRET_ARN` names cannot be read"));
}

#[tokio::test]
async fn the_key_reaches_the_model_and_nothing_else() {
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    let mut env = env(&app, &manager);
    manager.put("arn:signing", "AWSCURRENT", NEW);
    manager.put("arn:openai", "AWSCURRENT", "{\"api_key\":\"sk-managed\"}");
    env.set("OPENAI_SECRET_ARN", "arn:openai");
    let app = App { router: App::router(&env, &app.clock, 2).await, ..app };
    app.model.then(crate::harness::responses::answer("Hello"));
    app.create("ada", "Hi").await;
    let keys: Vec<_> = app.model.requests().iter().map(|request| request.headers["authorization"].clone()).collect();
    assert!(!keys.is_empty() && keys.iter().all(|key| key == "Bearer sk-managed"), "{keys:?}");
}

#[tokio::test]
async fn endpoints_are_called_with_both_versions_of_their_secret() {
    const TOOLS: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    let mut env = app.env.clone();
    env.set("ASSISTANT", r#"{"actions":{"url":"https://shop.example/actions"}}"#);
    let faults = starts(&env).await;
    assert_eq!(faults.iter().flatten().count(), 1, "{faults:?}");
    env.set("TOOL_SIGNING_SECRET_ARN", "arn:tools");
    env.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.url.as_str());
    let unreadable = "the secret that `TOOL_SIGNING_SECRET_ARN` names cannot be read";
    let faults = starts(&env).await;
    assert!(faults.iter().flatten().all(|fault| fault.starts_with(unreadable)), "{faults:?}");
    assert_eq!(faults.iter().flatten().count(), 1, "only one function calls endpoints");

    let texts = async |env: &Env| -> Vec<String> {
        let secrets = tool_signing_secrets(env).await.unwrap();
        secrets.iter().map(|secret| secret.expose_secret().to_owned()).collect()
    };
    manager.put("arn:tools", "AWSCURRENT", TOOLS);
    assert_eq!(starts(&env).await, [const { None }; 4]);
    assert_eq!(texts(&env).await, [TOOLS]);
    manager.put("arn:tools", "AWSPREVIOUS", "before");
    assert_eq!(starts(&env).await, [const { None }; 4]);
    assert_eq!(texts(&env).await, [TOOLS, "before"]);
    env.set("TOOL_SIGNING_SECRET", "direct");
    assert_eq!(texts(&env).await, ["direct"]);
    assert_eq!(texts(&Env::default()).await, [""; 0]);
}
