//! Requests as pages and sites send them: nobody vouches for them but what they carry.

use std::net::IpAddr;

use axum::body::Body;
use chatkit_shared::http::ClientAddress;
use http::{HeaderName, HeaderValue, Method, Request};
use serde_json::Value;

use super::app::Answer;

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
