//! OpenAI's sessions API, saying what a test tells it to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Request, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::model::Answer;

/// A server on loopback. Stops when dropped.
pub(crate) struct ScriptedSessions {
    port: u16,
    script: Arc<Mutex<Script>>,
    _server: JoinSet<()>,
}

#[derive(Default)]
struct Script {
    next: VecDeque<Answer>,
    requests: Vec<SessionRequest>,
}

/// What the API was asked.
#[derive(Debug, Clone)]
pub(crate) struct SessionRequest {
    /// Method and path.
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl ScriptedSessions {
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new().fallback(respond).with_state(Arc::clone(&script));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { port, script, _server: server }
    }

    /// What `OPENAI_BASE_URL` has to be.
    pub(crate) fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Answers the next request; several are a queue, and without any the answer is a 404.
    pub(crate) fn then(&self, answer: Answer) {
        self.script.lock().unwrap().next.push_back(answer);
    }

    /// What was asked since the last call of this.
    pub(crate) fn requests(&self) -> Vec<SessionRequest> {
        std::mem::take(&mut self.script.lock().unwrap().requests)
    }
}

async fn respond(State(script): State<Arc<Mutex<Script>>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let line = format!("{} {}", parts.method, parts.uri);
    let mut script = script.lock().unwrap();
    script.requests.push(SessionRequest { line, headers: parts.headers, body });
    script.next.pop_front().unwrap_or_else(|| Answer::with(404, "application/json", "{}")).into_response()
}

/// A session as OpenAI answers it. Shape from its API reference.
pub(crate) fn session(secret: &str, expires_at: i64) -> Answer {
    Answer::with(200, "application/json", session_object(secret, &json!(expires_at)).to_string())
}

/// The body of such an answer.
pub(crate) fn session_object(secret: &str, expires_at: &Value) -> Value {
    json!({
        "id": "cksess_1",
        "object": "chatkit.session",
        "expires_at": expires_at,
        "client_secret": secret,
        "workflow": { "id": "wf_1", "version": null, "state_variables": null, "tracing": { "enabled": true } },
        "user": "ada",
        "rate_limits": { "max_requests_per_1_minute": 10 },
        "max_requests_per_1_minute": 10,
        "status": "active",
        "chatkit_configuration": {
            "automatic_thread_titling": { "enabled": true },
            "file_upload": { "enabled": false, "max_file_size": null, "max_files": null },
            "history": { "enabled": true, "recent_threads": null },
        },
    })
}
