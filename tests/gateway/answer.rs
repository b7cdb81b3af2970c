//! What a function answered, as an HTTP response, or why API Gateway would not accept it.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::SET_COOKIE;
use axum::http::response::{Builder, Response};
use axum::http::{StatusCode, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::json;

/// What separates the prelude of a streamed answer from its body.
const DELIMITER: [u8; 8] = [0; 8];

/// Within how many bytes the delimiter has to come.
const LARGEST_PRELUDE: usize = 16 * 1024;

/// A buffered answer, or the prelude of a streamed one. In `headers` API Gateway documents no lists.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Description {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    multi_value_headers: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    cookies: Vec<String>,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

impl Description {
    /// The head of the response. The connection's own headers are the gateway's.
    fn head(&self) -> Builder {
        let single = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let multiple = self.multi_value_headers.iter();
        let multiple = multiple.flat_map(|(name, values)| values.iter().map(|value| (name.as_str(), value.as_str())));
        let cookies = self.cookies.iter().map(|cookie| (SET_COOKIE.as_str(), cookie.as_str()));
        let headers = single.chain(multiple).chain(cookies).filter(|(name, _)| !belongs_to_connection(name));
        headers.fold(Response::builder().status(self.status_code), |head, (name, value)| head.header(name, value))
    }
}

/// The response to a buffered answer.
pub(crate) fn buffered(answer: &[u8]) -> Result<Response<Body>, String> {
    let description: Description = serde_json::from_slice(answer).map_err(|error| error.to_string())?;
    let body = description.body.clone().unwrap_or_default();
    let body = match description.is_base64_encoded {
        true => BASE64_STANDARD.decode(body).map_err(|error| error.to_string())?,
        false => body.into_bytes(),
    };
    description.head().body(Body::from(body)).map_err(|error| error.to_string())
}

/// The head of a streamed answer and where its body starts, once enough of it has been received.
pub(crate) fn streamed(received: &[u8]) -> Result<Option<(Builder, usize)>, String> {
    let Some(end) = received.windows(DELIMITER.len()).position(|window| window == DELIMITER) else {
        let too_large = received.len() > LARGEST_PRELUDE;
        return if too_large { Err("no delimiter within 16 KB".to_owned()) } else { Ok(None) };
    };
    let description: Description = serde_json::from_slice(&received[..end]).map_err(|error| error.to_string())?;
    Ok(Some((description.head(), end + DELIMITER.len())))
}

/// An answer of API Gateway itself.
pub(crate) fn refusal(status: StatusCode, message: &str) -> Response<Body> {
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({ "message": message }).to_string()))
        .expect("a status and one header")
}

/// Whether a header is about one connection, or is set by whoever sends the message on.
pub(crate) fn belongs_to_connection(name: &str) -> bool {
    ["connection", "content-length", "keep-alive", "transfer-encoding", "upgrade"]
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known))
}
