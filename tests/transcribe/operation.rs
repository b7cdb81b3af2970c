//! The operation over the functions.

use axum::body::Body;
use http::Method;
use serde_json::json;

use super::{app, heard, recording};
use crate::harness::app::{App, create, request};
use crate::harness::responses::upstream_error;

async fn get(app: &App, user: &str, path: &str) -> serde_json::Value {
    app.send(request(Method::GET, path, user, Body::empty())).await.json()
}

#[tokio::test]
async fn transcribe_returns_the_text() {
    let app = app().await;
    for text in ["Hello there", ""] {
        app.model.then(heard(text));
        let answer = app.chatkit("alice", &recording()).await;
        assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({"text": text})));
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    let [asked, _] = &app.model.requests()[..] else { panic!("two requests") };
    let form = String::from_utf8_lossy(&asked.bytes);
    assert!(form.contains("Content-Type: audio/webm\r\n") && form.contains("filename=\"audio.webm\""), "{form}");
    assert!(asked.bytes.windows(10).any(|bytes| bytes == b"\x1aE\xdf\xa3 sound"), "{form}");
}

#[tokio::test]
async fn transcribe_is_counted_with_its_tokens() {
    let app = app().await;
    app.model.then(heard("Hello"));
    app.chatkit("alice", &recording()).await;
    let day = "/api/analytics?startDate=2026-11-20&endDate=2026-11-20&groupBy=model";
    assert_eq!(
        get(&app, "alice", day).await,
        json!([{
            "date": "2026-11-20",
            "model": "ears",
            "total_requests": 1,
            "failed_requests": 0,
            "avg_duration": 0,
            "total_tokens": 59,
            "input_tokens": 14,
            "cached_tokens": 0,
            "cached_percent": 0,
            "output_tokens": 45,
            "reasoning_tokens": 0,
            "cache_write_tokens": 0,
            "cost_usd": "0",
            "unpriced_requests": 1,
        }])
    );
    let own = get(&app, "alice", "/api/usage/me").await;
    assert_eq!((&own["turns"]["remaining"], &own["tokens"]["used"]), (&json!(19), &json!(59)));
}

#[tokio::test]
async fn transcribe_reserves_tokens_and_refunds_the_rest() {
    let app = App::with([("TRANSCRIBE_MODEL", "ears"), ("LIMIT_USER_TOKENS_PER_HOUR", "70")]).await;
    // Ten bytes may be a second, of 15 tokens.
    app.model.then(heard("Hello"));
    assert_eq!(app.chatkit("alice", &recording()).await.status, 200);
    assert_eq!(get(&app, "alice", "/api/usage/me").await["tokens"]["used"], 59);
    app.chatkit("alice", &recording()).await.error(429, "budget_exceeded");
    assert_eq!(app.model.requests().len(), 1, "nothing is sent that nobody can pay");
    app.model.then(upstream_error(500, "server_error", "server_error"));
    app.chatkit("bob", &recording()).await.error(502, "upstream_error");
    assert_eq!(get(&app, "bob", "/api/usage/me").await["tokens"]["used"], 0);
}

#[tokio::test]
async fn transcribe_counts_as_a_turn() {
    let app = App::with([("TRANSCRIBE_MODEL", "ears"), ("LIMIT_USER_TURNS_PER_MINUTE", "1")]).await;
    app.model.then(heard("Hello"));
    assert_eq!(app.chatkit("alice", &recording()).await.status, 200);
    for operation in [recording(), create("Hi")] {
        let answer = app.chatkit("alice", &operation).await;
        answer.error(429, "rate_limit_exceeded");
        assert_eq!(answer.headers["retry-after"], "60");
    }
    app.model.then(heard("Hello"));
    assert_eq!(app.chatkit("bob", &recording()).await.status, 200);
}
