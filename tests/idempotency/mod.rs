//! `Idempotency-Key`: what is sent twice is done once.

mod calls;
mod chat;
mod start;

use axum::body::Body;
use http::Request;
use serde_json::Value;

use crate::harness::app::{Answer, App};
use crate::harness::requests::{Carrying, post};

/// A request of a user with a key.
fn keyed(app: &App, path: &str, user: &str, key: &str, body: &Value) -> Request<Body> {
    post(path, body).bearer(&app.user_token(user)).with("idempotency-key", key)
}

fn is_replayed(answer: &Answer) -> bool {
    answer.headers.contains_key("idempotent-replayed")
}

/// Write units of what a table was asked since the meter was reset.
fn written(app: &App, table: &str) -> f64 {
    let calls = app.dynamo.reset().calls;
    calls
        .iter()
        .filter(|call| call.body["TableName"] == table && call.operation == "UpdateItem")
        .map(|call| call.units)
        .sum()
}
