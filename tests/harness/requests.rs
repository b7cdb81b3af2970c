//! Requests as pages and sites send them: nobody vouches for them but what they carry.

use std::net::IpAddr;

use axum::body::Body;
use chatkit_shared::http::ClientAddress;
use http::{HeaderName, HeaderValue, Method, Request};
use serde_json::{Value, json};

use super::app::{Answer, input};

/// A request without a body.
pub(crate) fn get(path: &str) -> Request<Body> {
    bare(Method::GET, path, Body::empty())
}

/// A request with a body in JSON.
pub(crate) fn post(path: &str, body: &Value) -> Request<Body> {
    bare(Method::POST, path, Body::from(body.to_string())).with("content-type", "application/json")
}

/// A request with nothing but its address.
pub(crate) fn bare(method: Method, path: &str, body: Body) -> Request<Body> {
    Request::builder().method(method).uri(path).body(body).unwrap().coming_from("192.0.2.1")
}

/// What a request carries.
pub(crate) trait Carrying {
    /// A header beside those of the same name.
    fn with(self, name: &str, value: &str) -> Self;
    /// `Authorization: Bearer …`.
    fn bearer(self, token: &str) -> Self;
    /// Where the connection comes from.
    fn coming_from(self, address: &str) -> Self;
}

impl Carrying for Request<Body> {
    fn with(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().unwrap();
        self.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        self
    }

    fn bearer(self, token: &str) -> Self {
        self.with("authorization", &format!("Bearer {token}"))
    }

    fn coming_from(mut self, address: &str) -> Self {
        let address: IpAddr = address.parse().unwrap();
        self.extensions_mut().insert(ClientAddress(Some(address)));
        self
    }
}

/// All headers of an answer in the order of their names, without the request's id, which is another one each time.
pub(crate) fn headers(answer: &Answer) -> Vec<(&str, &str)> {
    assert!(answer.headers["x-request-id"].to_str().unwrap().starts_with("req_"));
    let mut headers: Vec<_> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    headers.retain(|(name, _)| *name != "x-request-id");
    headers.sort_unstable();
    headers
}

/// Every operation with parameters that are right, and whether a server without any configuration has it.
pub(crate) fn operations(thread_id: &str, item_id: &str) -> Vec<(&'static str, Value, bool)> {
    let action = json!({ "type": "go", "payload": null });
    vec![
        ("threads.create", json!({ "input": input("Hi") }), true),
        ("threads.add_user_message", json!({ "thread_id": thread_id, "input": input("Hi") }), true),
        ("threads.retry_after_item", json!({ "thread_id": thread_id, "item_id": item_id }), true),
        ("threads.get_by_id", json!({ "thread_id": thread_id }), true),
        ("threads.list", json!({}), true),
        ("threads.update", json!({ "thread_id": thread_id, "title": "x" }), true),
        ("threads.delete", json!({ "thread_id": thread_id }), true),
        ("items.list", json!({ "thread_id": thread_id }), true),
        ("items.feedback", json!({ "thread_id": thread_id, "item_ids": [item_id], "kind": "positive" }), true),
        ("threads.add_client_tool_output", json!({ "thread_id": thread_id, "result": null }), true),
        ("threads.add_structured_input", json!({ "thread_id": thread_id, "item_id": item_id, "input": {} }), true),
        ("threads.custom_action", json!({ "thread_id": thread_id, "action": action }), false),
        ("threads.sync_custom_action", json!({ "thread_id": thread_id, "action": action }), false),
        ("attachments.create", json!({ "name": "a", "size": 1, "mime_type": "image/png" }), false),
        ("attachments.delete", json!({ "attachment_id": "atc_1" }), false),
        ("input.transcribe", json!({ "audio_base64": "", "mime_type": "audio/webm" }), false),
    ]
}
