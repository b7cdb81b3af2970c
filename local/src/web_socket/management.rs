//! What the function calls: API Gateway's management API and Lambda's `Invoke`, as in their API references.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::WebSocketApi;
use super::connection::MAX_MESSAGE_BYTES;

/// An answer in JSON with its status.
type Answer = (StatusCode, Json<Value>);

/// `PostToConnection`.
pub(super) async fn push(
    State(api): State<WebSocketApi>,
    Path(connection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    if !is_signed(&headers, "execute-api") {
        return (StatusCode::FORBIDDEN, Json(json!({ "message": "Missing Authentication Token" })));
    }
    if body.len() > MAX_MESSAGE_BYTES {
        return (StatusCode::PAYLOAD_TOO_LARGE, Json(json!({ "message": "Message too long" })));
    }
    let Ok(frame) = String::from_utf8(body.into()) else {
        return (StatusCode::BAD_REQUEST, Json(json!({ "message": "Invalid UTF-8" })));
    };
    match api.push(&connection, frame) {
        true => (StatusCode::OK, Json(json!({}))),
        false => (StatusCode::GONE, Json(json!({ "message": "Gone" }))),
    }
}

/// `Invoke`, of this one function and asynchronously.
pub(super) async fn invoke(State(api): State<WebSocketApi>, headers: HeaderMap, body: Bytes) -> Answer {
    if !is_signed(&headers, "lambda") {
        return (StatusCode::FORBIDDEN, Json(json!({ "Message": "Missing Authentication Token" })));
    }
    let is_event = headers.get("x-amz-invocation-type").is_some_and(|kind| kind == "Event");
    match serde_json::from_slice(&body) {
        Ok(event) if is_event => {
            api.handle_detached(event);
            (StatusCode::ACCEPTED, Json(json!({})))
        }
        Ok(_) | Err(_) => (StatusCode::BAD_REQUEST, Json(json!({ "Type": "User" }))),
    }
}

/// Whether a request has a signature for the service; the signature is not verified.
fn is_signed(headers: &HeaderMap, service: &str) -> bool {
    let authorization = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    authorization.starts_with("AWS4-HMAC-SHA256 Credential=")
        && authorization.contains(&format!("/{service}/aws4_request, SignedHeaders="))
}
