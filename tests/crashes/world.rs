//! What the processes share: the database, the model, the site.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::State;
use axum::{Json, Router};
use http::HeaderMap;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::yield_now;

use super::operations::Kind;
use super::process::Process;
use crate::harness::app::NOW;
use crate::harness::dynamodb::Dynamo;
use crate::harness::model::{self, Gate, ModelRequest, ScriptedModel};
use crate::harness::page::Page;
use crate::harness::responses::{
    answer, completed, created, delta, function_call, message_added, message_done, part_added, part_done, sse,
    text_done, usage,
};
use crate::harness::site::SIGNING_SECRET;

/// What the model says in the end.
pub(super) const ANSWER: &str = "Hello there";

pub(super) struct World {
    pub(super) dynamo: Dynamo,
    model: ScriptedModel,
    calls: Calls,
    variables: Vec<(&'static str, String)>,
    users: AtomicUsize,
    /// The process that goes on where another one died.
    pub(super) survivor: Process,
}

/// Calls of the site's endpoint: the call's id and what it was about.
type Calls = Arc<Mutex<Vec<(String, Value)>>>;

/// One person, who does one thing.
pub(super) struct Case {
    pub(super) user: String,
    /// What is stored before.
    pub(super) before: Page,
    /// What their page shows when it has sent the operation.
    pub(super) page: Page,
    pub(super) operation: Value,
    pub(super) gate: Gate,
    pub(super) kind: Kind,
}

impl World {
    pub(super) async fn start() -> Self {
        let dynamo = Dynamo::start().await;
        let model = ScriptedModel::start().await;
        model.on(ModelRequest::is_title, answer("A title"));
        for (word, tool) in [("order", "find_order"), ("ask", "find_stock"), ("select", "get_selection")] {
            model.on(move |request| said(request).ends_with(word), function_call("call_1", tool, "{}"));
        }
        model.on(|_| true, answer(ANSWER));
        let calls = Calls::default();
        let site = serve(Router::new().fallback(respond).with_state(Arc::clone(&calls))).await;
        let env = dynamo.env();
        let names = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_DYNAMODB"];
        let names = names.into_iter().chain(["TABLE_THREADS", "TABLE_COUNTERS", "TABLE_USAGE"]);
        let mut variables: Vec<_> = names.map(|name| (name, env.get(name).unwrap().to_owned())).collect();
        variables.extend([
            ("OPENAI_BASE_URL", model.base_url()),
            ("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes".to_owned()),
            ("JWT_SECRET", "another secret of more than thirty-two bytes".to_owned()),
            ("AUTH_MODE", "jwt,anonymous".to_owned()),
            ("MODEL", "test-model".to_owned()),
            ("ASSISTANT", assistant(&site).to_string()),
            ("TOOL_SIGNING_SECRET", SIGNING_SECRET.to_owned()),
        ]);
        let survivor = Process::start(&variables, NOW);
        Self { dynamo, model, calls, variables, users: AtomicUsize::new(0), survivor }
    }

    pub(super) fn process(&self, began_at: &str) -> Process {
        Process::start(&self.variables, began_at)
    }

    /// A name that is no beginning of another.
    pub(super) fn next_user(&self) -> String {
        format!("user-{}", 1_000 + self.users.fetch_add(1, Ordering::SeqCst))
    }

    /// From now on the model waits at the gate in the middle of each answer to this person.
    pub(super) fn slow_down(&self, user: &str, gate: &Gate) {
        let user = user.to_owned();
        let is_theirs = move |request: &ModelRequest| {
            let is_call = said(request).ends_with("order");
            !request.is_title() && !is_call && request.body.to_string().contains(&user)
        };
        self.model.rather(is_theirs, slow(gate));
    }

    /// Whether the trap springs, now that nothing is under way but what a turn does after its last event.
    pub(super) async fn until_sprung(&self) -> bool {
        while !self.dynamo.is_idle() {
            yield_now().await;
        }
        self.dynamo.has_sprung()
    }

    /// The ids of the calls that the site's endpoint has got for a person.
    pub(super) fn calls_of(&self, thread_id: &str) -> Vec<(String, Value)> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|(_, body)| body["data"]["thread"]["id"] == thread_id).cloned().collect()
    }
}

fn said(request: &ModelRequest) -> String {
    request.conversation().pop().unwrap_or_default()
}

fn slow(gate: &Gate) -> model::Answer {
    sse([created("resp_1"), message_added("msg_1"), part_added(), delta("Hello ")])
        .wait(gate)
        .event(delta("there"))
        .event(text_done(ANSWER))
        .event(part_done(ANSWER))
        .event(message_done("msg_1", ANSWER))
        .event(completed(usage(12, 5, 2, 0)))
}

fn assistant(url: &str) -> Value {
    let function = |name: &str, run: Value| {
        let parameters = json!({ "type": "object", "properties": {}, "additionalProperties": false });
        json!({ "type": "function", "name": name, "description": name, "parameters": parameters, "run": run })
    };
    let endpoint = json!({ "url": url });
    let tools = [
        function("find_order", endpoint.clone()),
        function("find_stock", endpoint.clone()),
        function("get_selection", json!("client")),
    ];
    json!({ "tools": tools, "actions": endpoint })
}

/// The site's endpoint.
async fn respond(State(calls): State<Calls>, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let card = |text: &str| json!({ "type": "Card", "children": [{ "type": "Text", "value": text }] });
    let body: Value = serde_json::from_slice(&body).unwrap();
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let text = body.to_string();
    calls.lock().unwrap().push((id, body));
    let question = json!({
        "type": "multiple_choice", "id": "color", "question": "Which color?",
        "options": [{ "value": "red" }, { "value": "blue" }],
    });
    let about = |words: &[&str]| words.iter().any(|word| text.contains(&format!("\"{word}\"")));
    let effects = match () {
        () if about(&["find_stock"]) => json!([{ "type": "structured_input", "inputs": [question] }]),
        () if about(&["replace"]) => json!([{ "type": "replace_widget", "widget": card("two") }]),
        () if about(&["respond"]) => {
            json!([{ "type": "hidden_context", "content": "Ordered two" }, { "type": "respond" }])
        }
        () => return Json(json!({ "output": "shown", "effects": [{ "type": "widget", "widget": card("one") }] })),
    };
    Json(json!({ "effects": effects }))
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/tools", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a server beside the test")]
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    url
}
