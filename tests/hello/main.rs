//! The smallest function, run by the same code as the real ones: what the test gateway is tested with, and what the
//! cold start of the real functions is compared with. `HELLO_ANSWERS` says how it answers, `buffered` or `streamed`;
//! without it the start fails.

use std::convert::Infallible;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, RawQuery};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, http::header};
use chatkit_shared::env::Env;
use chatkit_shared::http::ClientAddress;
use chatkit_shared::lambda;
use futures_util::stream;
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let router = Router::new()
        .route("/hello", get(async || "hello"))
        .route("/echo/{word}", any(echo))
        .route("/headers", get(headers))
        .route("/relay", get(relay))
        .route("/broken", get(broken))
        .route("/panic", get(panic))
        .route("/exit", get(exit));
    match Env::process().get("HELLO_ANSWERS") {
        Some("buffered") => lambda::run(router).await,
        Some("streamed") => lambda::run_streaming(router).await,
        _ => Err("`HELLO_ANSWERS` must be `buffered` or `streamed`".into()),
    }
}

/// The request as it arrived here.
async fn echo(
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let words: Vec<_> = headers.get_all("x-word").iter().map(|word| String::from_utf8_lossy(word.as_bytes())).collect();
    let seen = serde_json::json!({
        "method": method.as_str(),
        "path": uri.path(),
        "query": query,
        "address": address,
        "x-word": words,
        "body": body.to_vec(),
    });
    ([(header::CONTENT_TYPE, "application/json")], seen.to_string())
}

/// Headers that are set twice.
async fn headers() -> impl IntoResponse {
    let twice = [(header::VARY, "origin"), (header::VARY, "accept")];
    let cookies = [(header::SET_COOKIE, "a=1; Path=/"), (header::SET_COOKIE, "b=2")];
    (AppendHeaders(twice), AppendHeaders(cookies), "twice")
}

#[derive(Deserialize)]
struct RelayFrom {
    port: u16,
}

/// Whatever a server on loopback says, frame by frame as it says it: the server is the caller's way to hold the answer.
/// At the word `exit` the process ends.
async fn relay(Query(RelayFrom { port }): Query<RelayFrom>) -> Result<Response, String> {
    let upstream = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
    let frames = stream::unfold(upstream, |mut upstream| async {
        let mut frame = vec![0; 1024];
        let length = upstream.read(&mut frame).await.ok().filter(|length| *length > 0)?;
        frame.truncate(length);
        if frame == b"exit" {
            std::process::exit(3);
        }
        Some((Ok::<_, Infallible>(Bytes::from(frame)), upstream))
    });
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(frames)).into_response())
}

/// A body that fails after its first frame.
async fn broken() -> Body {
    Body::from_stream(stream::iter([Ok("before"), Err("the secret of the failure"), Ok("after")]))
}

#[expect(clippy::panic, reason = "this is what it is for")]
async fn panic() {
    panic!("on purpose");
}

async fn exit() {
    std::process::exit(3);
}
