//! `POST /api/chat`, streamed and not.

use serde_json::{Value, json};

use super::{is_replayed, keyed};
use crate::harness::app::{Answer, App};
use crate::harness::model::Gate;
use crate::harness::responses::{
    answer, completed, created, delta, message_added, message_done, part_added, sse, upstream_error, usage,
};

async fn say(app: &App, key: &str, body: &Value) -> Answer {
    app.send(keyed(app, "/api/chat", "ada", key, body)).await
}

/// How many turns the model was asked for.
fn asked(app: &App) -> usize {
    app.model.requests().iter().filter(|request| !request.is_title()).count()
}

/// The text of a streamed answer, and its last chunk.
fn text_and_end(answer: &Answer) -> (String, Value) {
    assert!(answer.text.ends_with("data: [DONE]\n\n"), "{}", answer.text);
    let events = answer.text.split("\n\n").filter_map(|event| event.strip_prefix("data: {"));
    let chunks: Vec<Value> = events.map(|rest| serde_json::from_str(&format!("{{{rest}")).unwrap()).collect();
    let text = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    (text, chunks.last().unwrap().clone())
}

#[tokio::test]
async fn message_with_a_key_is_answered_once() {
    let app = App::start().await;
    for (key, body) in [
        ("thread", json!({ "message": "Hi" })),
        ("stateless", json!({ "messages": [{ "role": "user", "content": "Hi" }] })),
    ] {
        app.model.then(answer("Hello there"));
        let before = asked(&app);
        let first = say(&app, key, &body).await;
        let again = say(&app, key, &body).await;
        assert_eq!((first.status.as_u16(), first.json()), (again.status.as_u16(), again.json()));
        assert!(is_replayed(&again) && !is_replayed(&first));
        assert_eq!(asked(&app), before + 1, "{key}");
        say(&app, key, &json!({ "message": "Bye" })).await.error(409, "conflict");
    }
}

#[tokio::test]
async fn streamed_message_with_a_key_is_answered_once_and_repeated_in_one_piece() {
    let app = App::start().await;
    app.model.then(answer("Hello there"));
    let body = json!({ "message": "Hi", "stream": true });
    let (first, again) = (say(&app, "key", &body).await, say(&app, "key", &body).await);
    let ((text, end), (text_again, end_again)) = (text_and_end(&first), text_and_end(&again));
    assert_eq!((text.as_str(), &text_again), ("Hello there", &text));
    for field in ["sessionId", "usage", "choices"] {
        assert_eq!(end[field], end_again[field], "{field}");
    }
    assert_eq!((asked(&app), is_replayed(&again)), (1, true));
}

#[tokio::test]
async fn message_whose_reader_left_is_kept_all_the_same() {
    let app = App::start().await;
    let gate = Gate::closed();
    let begin = [created("resp_1"), message_added("msg_1"), part_added(), delta("Hello ")];
    let end = [message_done("msg_1", "Hello there"), completed(usage(12, 0, 2, 0))];
    app.model.then(end.into_iter().fold(sse(begin).wait(&gate), crate::harness::model::Answer::event));
    let body = json!({ "message": "Hi", "stream": true });
    let request = || keyed(&app, "/api/chat", "ada", "key", &body);
    let response = tower::ServiceExt::oneshot(app.router.clone(), request()).await.unwrap();
    // Nothing else is sent to the model meanwhile.
    app.send(request()).await.error(409, "conflict");
    drop(response);
    gate.open();
    app.dynamo.until("counters", |records| format!("{records:?}").contains("#answer")).await;
    let again = app.send(request()).await;
    assert!(is_replayed(&again), "{}", again.text);
    assert_eq!(asked(&app), 1);
}

#[tokio::test]
async fn failure_is_repeated_where_the_message_is_stored_and_else_the_key_is_free() {
    let app = App::start().await;
    app.model.on(|request| !request.is_title(), upstream_error(400, "invalid_request_error", "bad"));
    let in_thread = json!({ "message": "Hi" });
    let (first, again) = (say(&app, "thread", &in_thread).await, say(&app, "thread", &in_thread).await);
    assert_eq!((first.status, &first.json()["sessionId"]), (again.status, &again.json()["sessionId"]));
    assert!(first.json()["sessionId"].is_string() && is_replayed(&again), "{}", again.text);
    let before = asked(&app);
    let stateless = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    for times in 1..3 {
        assert!(!is_replayed(&say(&app, "stateless", &stateless).await));
        assert_eq!(asked(&app), before + times);
    }
    // Refused before any work.
    for body in [json!({}), json!({ "message": "x".repeat(20_000) }), json!({ "message": "Hi", "sessionId": "thr_x" })]
    {
        let refused = say(&app, "refused", &body).await;
        assert!(refused.status.is_client_error() && !is_replayed(&refused), "{}", refused.text);
    }
}
