//! A Secrets Manager that the test fills, empties and breaks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Secrets by name and stage. Stops when dropped.
pub(crate) struct SecretsManager {
    pub(crate) url: String,
    state: Arc<Mutex<Scripted>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Scripted {
    secrets: HashMap<(String, String), String>,
    denied: Vec<&'static str>,
    away: bool,
    asked: Vec<String>,
}

impl SecretsManager {
    pub(crate) async fn start() -> Self {
        let state = Arc::<Mutex<Scripted>>::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, state, _server: server }
    }

    /// Sets a version of a secret.
    pub(crate) fn put(&self, name: &str, stage: &str, value: &str) {
        self.state.lock().unwrap().secrets.insert((name.to_owned(), stage.to_owned()), value.to_owned());
    }

    /// Makes a secret that has no value yet.
    pub(crate) fn create(&self, name: &str) {
        self.put(name, "none", "");
    }

    /// What a rotation does.
    pub(crate) fn rotate(&self, name: &str, value: &str) {
        let before = self.state.lock().unwrap().secrets[&(name.to_owned(), "AWSCURRENT".to_owned())].clone();
        self.put(name, "AWSPREVIOUS", &before);
        self.put(name, "AWSCURRENT", value);
    }

    /// Refuses these actions, such as `BatchGetSecretValue`.
    pub(crate) fn deny<const N: usize>(&self, actions: [&'static str; N]) {
        self.state.lock().unwrap().denied = actions.to_vec();
    }

    /// Fails, or works again.
    pub(crate) fn away(&self, away: bool) {
        self.state.lock().unwrap().away = away;
    }

    /// What was asked since the last look: the action, and for one secret its stage.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().asked)
    }
}

impl Scripted {
    fn exists(&self, name: &str) -> bool {
        self.secrets.keys().any(|(known, _)| known == name)
    }

    /// What AWS says of a secret without such a version, and of one that is not there.
    fn not_found(&self, name: &str) -> &'static str {
        if self.exists(name) {
            "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
        } else {
            "Secrets Manager can't find the specified secret."
        }
    }
}

async fn answer(State(state): State<Arc<Mutex<Scripted>>>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let mut state = state.lock().unwrap();
    let action = headers["x-amz-target"].to_str().unwrap().strip_prefix("secretsmanager.").unwrap().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let stage = body["VersionStage"].as_str().map(|stage| format!(" {stage}"));
    state.asked.push(format!("{action}{}", stage.unwrap_or_default()));
    let fault = |code: &str| json!({ "__type": code, "Message": "canary of a message" });
    let (status, answer) = if state.away {
        (400, fault("InternalServiceError"))
    } else if state.denied.iter().any(|denied| *denied == action) {
        (400, fault("AccessDeniedException"))
    } else if action == "BatchGetSecretValue" {
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        for id in body["SecretIdList"].as_array().unwrap() {
            let id = id.as_str().unwrap();
            match state.secrets.get(&(id.to_owned(), "AWSCURRENT".to_owned())) {
                Some(value) => values.push(json!({ "ARN": id, "Name": id, "SecretString": value })),
                // AWS does not say what becomes of a secret without a value: here it is left out.
                None if state.exists(id) => {}
                None => {
                    let message = state.not_found(id);
                    errors
                        .push(json!({ "SecretId": id, "ErrorCode": "ResourceNotFoundException", "Message": message }));
                }
            }
        }
        (200, json!({ "SecretValues": values, "Errors": errors }))
    } else {
        let key = (body["SecretId"].as_str().unwrap().to_owned(), body["VersionStage"].as_str().unwrap().to_owned());
        match state.secrets.get(&key) {
            Some(value) => (200, json!({ "Name": key.0, "SecretString": value })),
            None => (400, json!({ "__type": "ResourceNotFoundException", "Message": state.not_found(&key.0) })),
        }
    };
    let response = Response::builder().status(status).header("content-type", "application/x-amz-json-1.1");
    response.body(Body::from(answer.to_string())).unwrap()
}
