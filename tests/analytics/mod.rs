//! What was used: by the day, and by oneself.

mod daily;
mod me;
mod money;
mod ranges;
mod records;

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::harness::app::{App, request};
use crate::harness::model::Answer;
use crate::harness::requests::{Carrying, get};
use crate::harness::responses::{
    completed, created, delta, message_added, message_done, part_added, sse, text_done, usage,
};
use crate::harness::tokens::user_token;

/// A question of a user whose conversation is kept nowhere.
fn ask(user: &str) -> Request<Body> {
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    request(Method::POST, "/api/chat", user, Body::from(body.to_string()))
}

/// An answer that took so many tokens, of which some were cached or reasoning.
fn costing(input: u64, cached: u64, output: u64, reasoning: u64) -> Answer {
    let start = [created("resp_1"), message_added("msg_1"), part_added(), delta("Hello"), text_done("Hello")];
    let end = [message_done("msg_1", "Hello"), completed(usage(input, cached, output, reasoning))];
    sse(start.into_iter().chain(end))
}

/// A token of somebody who may read a tenant's analytics.
fn reader(app: &App, tenant: &str) -> String {
    let claims = json!({
        "sub": "owner", "tenant": tenant, "permissions": ["analytics:read"], "exp": App::began() + 31_536_000,
    });
    user_token(&app.env, &claims)
}

/// The rows of the default tenant.
async fn rows(app: &App, query: &str) -> Value {
    let answer = app.send(get(&format!("/api/analytics{query}")).bearer(&reader(app, "default"))).await;
    assert_eq!((answer.status.as_u16(), &answer.headers["content-type"]), (200, &"application/json".parse().unwrap()));
    answer.json()
}

/// A row without anything.
fn empty(date: &str) -> Value {
    json!({
        "date": date, "total_requests": 0, "failed_requests": 0, "avg_duration": 0, "total_tokens": 0,
        "input_tokens": 0, "cached_tokens": 0, "cached_percent": 0, "output_tokens": 0, "reasoning_tokens": 0,
        "cache_write_tokens": 0, "cost_usd": "0", "unpriced_requests": 0,
        "positive_feedback": 0, "negative_feedback": 0,
    })
}
