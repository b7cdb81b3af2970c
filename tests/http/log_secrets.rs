//! What no log line may contain.

use serde_json::json;

use crate::harness::app::{App, create};
use crate::harness::dynamodb::Fault;
use crate::harness::hosted::{ScriptedSessions, session};
use crate::harness::log::Log;
use crate::harness::requests::{Carrying, post};
use crate::harness::responses::{LEAK, answer, created, delta, message_added, part_added, sse, upstream_error};
use crate::harness::sessions::START;

/// All that must be in no line.
const CANARIES: [&str; 8] = [
    "canary-user",
    "canary-message",
    "canary-answer",
    "canary-title",
    "sk-canary-key",
    "canary-query",
    "canary-secret",
    LEAK,
];

/// A bit of everything, well and badly.
async fn everything(app: &App) -> Vec<String> {
    let user = app.user_token("canary-user");
    let session = app.session("canary-user").await;
    let (visitor, cookie) = app.visit().await;
    app.send(post(&format!("{START}?canary-query"), &json!({})).with("cookie", &cookie)).await;
    app.refresh(&session, Some("canary-user")).await;
    app.refresh(&format!("{session}x"), None).await.error(401, "unauthorized");
    app.send(post("/chatkit", &create("canary-message")).bearer("canary-secret")).await.error(401, "unauthorized");
    app.model.then(answer("canary-answer"));
    app.send(post("/chatkit", &create("canary-message")).bearer(&visitor)).await.events();
    let say = json!({ "message": "canary-message" });
    app.model.then(answer("canary-answer"));
    assert_eq!(app.send(post("/api/chat", &say).bearer(&user)).await.status, 200);
    app.model.then(upstream_error(400, "invalid_request_error", "canary_code_is_a_code"));
    app.send(post("/api/chat", &say).bearer(&session)).await.error(502, "upstream_error");
    let start = [created("resp_1"), message_added("msg_1"), part_added(), delta("canary-answer")];
    app.model.then(sse(start).bytes(format!("data: {{\"type\":\"{LEAK}\"\n\n")).abort());
    app.send(post("/api/chat", &say).bearer(&session)).await.error(502, "upstream_error");
    let nonsense = json!({ "type": "threads.create", "params": { "input": { "content": "canary-message" } } });
    app.send(post("/chatkit", &nonsense).bearer(&user)).await.error(400, "bad_request");
    for operation in ["PutItem", "UpdateItem", "TransactWriteItems"] {
        app.dynamo.fail(operation, "", Fault::ServerError, 4);
        app.model.on(|_| true, answer("canary-answer"));
        app.send(post("/chatkit", &create("canary-message")).bearer(&user)).await;
        app.dynamo.reset();
    }
    vec![user, session, visitor, cookie]
}

#[tokio::test]
async fn log_never_contains_keys_tokens_names_or_texts() {
    let app = App::with([("OPENAI_API_KEY", "sk-canary-key"), ("INSTRUCTIONS", "canary-secret")]).await;
    let log = Log::start();
    let tokens = everything(&app).await;
    let text = log.text();
    assert_eq!(log.requests().len(), 14, "{text}");
    for canary in CANARIES.into_iter().chain(tokens.iter().map(String::as_str)) {
        assert!(!text.contains(canary), "{canary}: {text}");
    }
}

#[tokio::test]
async fn log_in_hosted_mode_never_contains_keys_or_secrets() {
    let api = ScriptedSessions::start().await;
    let app = App::with([
        ("CHATKIT_MODE", "hosted"),
        ("CHATKIT_WORKFLOW_ID", "wf_1"),
        ("OPENAI_API_KEY", "sk-canary-key"),
        ("OPENAI_BASE_URL", &api.base_url()),
    ])
    .await;
    let log = Log::start();
    api.then(session("canary-secret", App::began() + 300));
    let user = app.user_token("canary-user");
    assert_eq!(app.send(post(START, &json!({})).bearer(&user)).await.status, 200);
    app.refresh("canary-secret", None).await.error(401, "unauthorized");
    for body in [json!("sk-canary-key"), json!({ "id": "x", "client_secret": "y", "expires_at": "canary-secret" })] {
        api.then(crate::harness::model::Answer::with(200, "application/json", body.to_string()));
        app.send(post(START, &json!({})).bearer(&user)).await.error(502, "upstream_error");
    }
    api.then(upstream_error(401, "canary-secret", "canary-secret"));
    app.send(post(START, &json!({})).bearer(&user)).await.error(502, "upstream_error");
    let text = log.text();
    assert!(log.requests().len() == 5, "{text}");
    for canary in ["sk-canary-key", "canary-secret", "canary-user", LEAK, user.as_str()] {
        assert!(!text.contains(canary), "{canary}: {text}");
    }
}
