//! The two buckets of a user on `chat`: turns, and everything else.

use http::{Method, Request};
use serde_json::{Value, json};

use super::{count, race};
use crate::harness::app::{App, chatkit, create, request, thread_id};
use crate::harness::requests::{Carrying, post};
use crate::harness::responses::answer;

const REFUSAL: &str = "too many requests, please try again later";

fn list() -> Value {
    json!({ "type": "threads.list", "params": {} })
}

/// `POST /api/chat` of a user with a conversation that is kept nowhere.
fn ask(user: &str) -> Request<axum::body::Body> {
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    request(Method::POST, "/api/chat", user, axum::body::Body::from(body.to_string()))
}

/// An app whose model always answers, and where tokens do not count.
async fn talkative<const N: usize>(variables: [(&str, &str); N]) -> App {
    let app = App::with(variables).await;
    app.model.on(|request| !request.is_title(), answer("Hello"));
    app
}

#[tokio::test]
async fn user_by_default_has_twenty_turns_and_240_requests_a_minute() {
    let app = talkative([("LIMIT_USER_TOKENS_PER_HOUR", "0")]).await;
    for number in 0..20 {
        assert_eq!(app.send(ask("ada")).await.status, 200, "{number}");
    }
    for refused in [app.send(ask("ada")).await, app.chatkit("ada", &create("Hi")).await] {
        assert_eq!(refused.error(429, "rate_limit_exceeded"), REFUSAL);
        assert_eq!(refused.headers["retry-after"], "3");
    }
    // Reading is another matter.
    for number in 0..240 {
        assert_eq!(app.chatkit("ada", &list()).await.status, 200, "{number}");
    }
    let refused = app.chatkit("ada", &list()).await;
    assert_eq!(refused.error(429, "rate_limit_exceeded"), REFUSAL);
    assert_eq!(refused.headers["retry-after"], "1");
    // As is another user.
    assert_eq!(app.send(ask("grace")).await.status, 200);
    assert_eq!(app.chatkit("grace", &list()).await.status, 200);

    app.clock.advance(250);
    assert_eq!(app.chatkit("ada", &list()).await.status, 200);
    assert_eq!(app.chatkit("ada", &list()).await.status, 429);
    app.clock.advance(2_749);
    assert_eq!(app.send(ask("ada")).await.headers["retry-after"], "1");
    app.clock.advance(1);
    assert_eq!(app.send(ask("ada")).await.status, 200);
    assert_eq!(app.send(ask("ada")).await.status, 429);
}

#[tokio::test]
async fn operations_that_call_the_model_count_as_turns_and_others_do_not() {
    let app = talkative([("LIMIT_USER_TURNS_PER_MINUTE", "4"), ("LIMIT_USER_REQUESTS_PER_MINUTE", "7")]).await;
    let events = app.create("ada", "Hi").await;
    let thread = thread_id(&events);
    let item = events[1]["item"]["id"].clone();
    app.add("ada", &thread, "And?").await;
    let retry = json!({ "type": "threads.retry_after_item", "params": { "thread_id": thread, "item_id": item } });
    app.chatkit("ada", &retry).await.events();
    assert_eq!(app.send(ask("ada")).await.status, 200);
    for refused in [app.send(ask("ada")).await, app.chatkit("ada", &retry).await] {
        refused.error(429, "rate_limit_exceeded");
    }
    let one = json!({ "thread_id": thread });
    let others = [
        json!({ "type": "threads.list", "params": {} }),
        json!({ "type": "threads.get_by_id", "params": one }),
        json!({ "type": "items.list", "params": one }),
        json!({ "type": "threads.update", "params": { "thread_id": thread, "title": "New" } }),
        json!({ "type": "items.feedback", "params": { "thread_id": thread, "item_ids": [item], "kind": "positive" } }),
        json!({ "type": "threads.get_by_id", "params": { "thread_id": "thr_none" } }),
        json!({ "type": "threads.delete", "params": one }),
    ];
    for operation in &others {
        assert_ne!(app.chatkit("ada", operation).await.status, 429, "{operation}");
    }
    for operation in &others {
        app.chatkit("ada", operation).await.error(429, "rate_limit_exceeded");
    }
}

#[tokio::test]
async fn session_token_and_user_token_of_one_user_share_their_limits() {
    let app = talkative([("LIMIT_USER_REQUESTS_PER_MINUTE", "2")]).await;
    let (session, user) = (app.session("ada").await, app.user_token("ada"));
    assert_eq!(app.send(post("/chatkit", &list()).bearer(&session)).await.status, 200);
    assert_eq!(app.send(post("/chatkit", &list()).bearer(&user)).await.status, 200);
    for token in [&session, &user] {
        app.send(post("/chatkit", &list()).bearer(token)).await.error(429, "rate_limit_exceeded");
    }
}

#[tokio::test]
async fn turns_raced_from_two_processes_admit_exactly_the_limit() {
    let app = talkative([("LIMIT_USER_TOKENS_PER_HOUR", "0"), ("LIMIT_USER_REQUESTS_PER_MINUTE", "40")]).await;
    let routers = [app.router.clone(), App::router(&app.env, &app.clock, 2)];
    let responses = race(&routers, (0..30).map(|_| ask("ada")).collect()).await;
    assert_eq!((count(&responses, 200), count(&responses, 429)), (20, 10));
    let responses = race(&routers, (0..50).map(|_| chatkit("ada", &list())).collect()).await;
    assert_eq!((count(&responses, 200), count(&responses, 429)), (40, 10));
}

#[tokio::test]
async fn user_limits_when_zero_are_off_and_write_nothing() {
    let app = talkative([("LIMIT_USER_TURNS_PER_MINUTE", "0"), ("LIMIT_USER_TOKENS_PER_HOUR", "0")]).await;
    for _ in 0..25 {
        assert_eq!(app.send(ask("ada")).await.status, 200);
    }
    assert_eq!(app.dynamo.records("counters"), [] as [Value; 0]);
    let app = talkative([("LIMIT_USER_REQUESTS_PER_MINUTE", "0")]).await;
    for _ in 0..250 {
        assert_eq!(app.chatkit("ada", &list()).await.status, 200);
    }
    assert_eq!(app.dynamo.records("counters"), [] as [Value; 0]);
}

#[tokio::test]
async fn chat_when_the_message_exceeds_the_configured_length_is_refused() {
    let app = talkative([("LIMIT_MESSAGE_CHARS", "5")]).await;
    let say = |text: &str| post("/api/chat", &json!({ "message": text })).bearer(&app.user_token("ada"));
    for text in ["12345", "日本語日本", "\u{1f600}\u{1f600}\u{1f600}\u{1f600}\u{1f600}"] {
        assert_eq!(app.send(say(text)).await.status, 200, "{text}");
    }
    for text in ["123456", "日本語日本語"] {
        let answer = app.send(say(text)).await;
        assert_eq!(answer.error(400, "bad_request"), "the message has more than 5 characters", "{text}");
    }
    let app = talkative([("LIMIT_MESSAGE_CHARS", "0")]).await;
    let long = post("/api/chat", &json!({ "message": "x".repeat(20_000) })).bearer(&app.user_token("ada"));
    assert_eq!(app.send(long).await.status, 200);
}
