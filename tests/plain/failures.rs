//! The model fails.

use serde_json::{Value, json};

use super::{assert_chunks, chunks, expected_chunks, say};
use crate::harness::app::App;
use crate::harness::dynamodb::Fault;
use crate::harness::model::Answer;
use crate::harness::responses::{
    LEAK, answer, created, delta, error, failed, message_added, part_added, sse, upstream_error,
};

/// What can go wrong before the first word, and what is said of it.
fn failures() -> Vec<(Answer, &'static str)> {
    const OPERATOR: &str = "The assistant is out of order. Please tell the owner of this site.";
    const AWAY: &str = "The assistant cannot be reached. Please try again in a moment.";
    const BROKEN: &str = "The answer broke off. Please try again.";
    vec![
        (upstream_error(401, "invalid_request_error", "invalid_api_key"), OPERATOR),
        (upstream_error(404, "invalid_request_error", "model_not_found"), OPERATOR),
        (upstream_error(429, "insufficient_quota", "insufficient_quota"), OPERATOR),
        (
            upstream_error(429, "rate_limit_error", "rate_limit_exceeded").header("retry-after", "60"),
            "The assistant is very busy. Please try again in a moment.",
        ),
        (upstream_error(500, "server_error", "server_error"), AWAY),
        (
            upstream_error(400, "invalid_request_error", "context_length_exceeded"),
            "This conversation is too long for the assistant. Please start a new one.",
        ),
        (sse([created("resp_1"), failed("server_error")]), AWAY),
        (sse([error("server_error")]), AWAY),
        (sse([created("resp_1")]), BROKEN),
        (Answer::with(200, "text/event-stream", ""), BROKEN),
        (sse([created("resp_1")]).abort(), AWAY),
    ]
}

#[tokio::test]
async fn chat_when_the_model_fails_answers_upstream_error_or_an_error_chunk() {
    let app = App::with([("LIMIT_USER_TURNS_PER_MINUTE", "0")]).await;
    for (number, (failure, message)) in failures().into_iter().enumerate() {
        let body = |stream: bool| json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": stream });
        app.model.then(failure.clone());
        let answered = say(&app, "ada", &body(false)).await;
        assert_eq!(answered.error(502, "upstream_error"), message, "{number}");
        app.model.then(failure);
        let answered = say(&app, "ada", &body(true)).await;
        let error = json!({ "error": { "code": "upstream_error", "message": message } });
        let [chunk, done] = <[String; 2]>::try_from(chunks(&answered)).unwrap();
        assert_eq!((serde_json::from_str::<Value>(&chunk).unwrap(), done.as_str()), (error, "[DONE]"), "{number}");
        assert!(!answered.text.contains(LEAK));
    }
}

#[tokio::test]
async fn chat_when_the_model_breaks_off_has_sent_the_text_so_far() {
    let app = App::start().await;
    let start = [created("resp_1"), message_added("msg_1"), part_added(), delta("Hel"), failed("server_error")];
    app.model.then(sse(start));
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": true });
    let answered = say(&app, "ada", &body).await;
    let mut seen = chunks(&answered);
    assert_eq!(seen.pop().as_deref(), Some("[DONE]"));
    let failure: Value = serde_json::from_str(&seen.pop().unwrap()).unwrap();
    let message = "The assistant cannot be reached. Please try again in a moment.";
    assert_eq!(failure, json!({ "error": { "code": "upstream_error", "message": message } }));
    let seen: Vec<Value> = seen.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    let expected = expected_chunks(
        &answered,
        None,
        &[json!({ "delta": { "role": "assistant", "content": "" } }), json!({ "delta": { "content": "Hel" } })],
    );
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn chat_after_a_failure_keeps_the_question_and_answers_the_next() {
    let app = App::start().await;
    app.model.then(answer("Hello"));
    let session = say(&app, "ada", &json!({ "message": "Hi" })).await.json()["sessionId"].clone();
    for stream in [false, true] {
        app.model.then(upstream_error(401, "invalid_request_error", "invalid_api_key"));
        let body = json!({ "message": format!("Lost {stream}"), "sessionId": session, "stream": stream });
        let answered = say(&app, "ada", &body).await;
        assert_eq!(answered.status, if stream { 200 } else { 502 });
    }
    app.model.then(answer("Back"));
    let body = json!({ "message": "Still there?", "sessionId": session, "stream": true });
    let usage = json!({ "prompt_tokens": 12, "completion_tokens": 1, "total_tokens": 13 });
    assert_chunks(
        &say(&app, "ada", &body).await,
        Some(&session),
        &[
            json!({ "delta": { "role": "assistant", "content": "" } }),
            json!({ "delta": { "content": "Back" } }),
            json!({ "delta": {}, "finish_reason": "stop", "usage": usage }),
        ],
    );
    let asked = app.model.requests().last().unwrap().conversation();
    assert_eq!(asked, ["user: Hi", "assistant: Hello", "user: Lost false", "user: Lost true", "user: Still there?"]);
}

#[tokio::test]
async fn chat_when_the_first_message_fails_still_gives_the_session_id() {
    for stream in [true, false] {
        let app = App::start().await;
        app.model.then(upstream_error(401, "invalid_request_error", "invalid_api_key"));
        let answered = say(&app, "ada", &json!({ "message": "Hi", "stream": stream })).await;
        let failure = if stream { serde_json::from_str(&chunks(&answered)[0]).unwrap() } else { answered.json() };
        let session = failure["sessionId"].as_str().expect("the page can go on with it");
        if !stream {
            let request_id = answered.headers["x-request-id"].to_str().unwrap();
            let message = "The assistant is out of order. Please tell the owner of this site.";
            let error = "upstream_error";
            let expected =
                json!({ "error": error, "message": message, "request_id": request_id, "sessionId": session });
            assert_eq!((answered.status.as_u16(), &failure), (502, &expected));
        }
        app.model.then(answer("Back"));
        let body = json!({ "message": "Still there?", "sessionId": session });
        assert_eq!(say(&app, "ada", &body).await.json()["message"], "Back");
        assert_eq!(app.model.requests().last().unwrap().conversation(), ["user: Hi", "user: Still there?"]);
    }
}

#[tokio::test]
async fn chat_when_the_store_fails_answers_unavailable() {
    let app = App::start().await;
    app.dynamo.fail("UpdateItem", "", Fault::Throttle, 10);
    for stream in [false, true] {
        let body = json!({ "messages": [{ "role": "user", "content": "Hi" }], "stream": stream });
        say(&app, "ada", &body).await.error(503, "unavailable");
        app.dynamo.fail("UpdateItem", "", Fault::Throttle, 10);
    }
    assert_eq!(app.model.requests().len(), 0);
}

#[tokio::test]
async fn chat_when_the_message_cannot_be_stored_answers_unavailable() {
    let app = App::start().await;
    app.model.on(|request| !request.is_title(), answer("Hello"));
    app.dynamo.fail("TransactWriteItems", "", Fault::ServerError, 10);
    app.dynamo.fail("PutItem", "", Fault::ServerError, 10);
    let answered = say(&app, "ada", &json!({ "message": "Hi" })).await;
    let message = answered.error(503, "unavailable");
    assert_eq!(message, "The conversation could not be saved. Please try again in a moment.");
}

#[tokio::test]
async fn chat_when_the_model_times_out_answers_upstream_timeout() {
    // How long the client waits is not configurable from outside, so the upstream says itself that it waited too long.
    let app = App::start().await;
    app.model.then(upstream_error(504, "timeout_error", "timeout"));
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    let answered = say(&app, "ada", &body).await;
    let message = answered.error(504, "upstream_timeout");
    assert_eq!(message, "The assistant took too long to answer. Please try again.");
}
