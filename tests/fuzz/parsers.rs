//! Bytes as they come: a ChatKit request, the stream of a model, an event of API Gateway.

use std::time::Duration;

use axum::body::{Body, Bytes};
use bolero::check;
use chatkit_shared::model::{Api, ModelStream, Prompt};
use chatkit_shared::protocol::Request;
use futures_util::stream;
use http::Method;

use super::Server;
use crate::harness::app::request;
use crate::model::garbage;

#[test]
fn operation() {
    check!(name = "operation").for_each(|bytes: &[u8]| {
        if let Ok(request) = Request::parse(bytes) {
            let known = request.thread_id().map(ToOwned::to_owned);
            assert!(!request.operation().is_empty() && known.is_none_or(|id| !id.is_empty()));
        }
    });
}

#[test]
fn body() {
    let server = Server::start();
    check!(name = "body").for_each(|bytes: &[u8]| {
        server.send(request(Method::POST, "/chatkit", "alice", Body::from(bytes.to_vec())));
    });
}

#[test]
fn model_stream() {
    check!(name = "model_stream").for_each(|bytes: &[u8]| {
        let [first, bytes @ ..] = bytes else { return };
        let api = if first % 2 == 0 { Api::Responses } else { Api::ChatCompletions };
        // The rest of the byte says in which chunks they come.
        let chunks: Vec<_> =
            bytes.chunks(usize::from(first / 2) + 1).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
        let events = ModelStream::new(api, &Prompt::default(), stream::iter(chunks), Duration::from_secs(20));
        garbage::check(garbage::read(events));
    });
}

#[test]
fn gateway_event() {
    let server = Server::start();
    check!(name = "gateway_event").for_each(|bytes: &[u8]| {
        let Ok(event) = std::str::from_utf8(bytes) else { return };
        // It panics where a host is none, which fails the one invocation.
        if let Ok(Ok(request)) = std::panic::catch_unwind(|| lambda_http::request::from_str(event)) {
            server.send_event(request);
        }
    });
}
