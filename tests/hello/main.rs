//! The smallest function, run by the same code as the real ones: what the test gateway is tested with, and what the
//! cold start of the real functions is compared with. `HELLO_ANSWERS` says how it answers, `buffered`, `streamed` or
//! `stock` (streamed by the runtime of `lambda_http` alone, for comparison); without it the start fails.

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Query, RawQuery};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{AppendHeaders, IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Extension, http::header};
use chatkit_shared::env::Env;
use chatkit_shared::http::ClientAddress;
use chatkit_shared::setup::SetupError;
use chatkit_shared::{lambda, telemetry};
use futures_util::{StreamExt, stream};
use serde::Deserialize;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), SetupError> {
    let router = Router::new()
        .route("/hello", get(async || "hello"))
        .route("/echo/{word}", any(echo))
        .route("/headers", get(headers))
        .route("/relay", get(relay))
        .route("/paced", get(paced))
        .route("/context", get(context))
        .route("/broken", get(broken))
        .route("/panic", get(panic))
        .route("/panic/later", get(panic_later))
        .route("/exit", get(exit));
    let env = Env::process();
    telemetry::init(&env, telemetry::Format::Json)?;
    match env.get("HELLO_ANSWERS") {
        Some("buffered") => lambda::run(async || Ok(router)).await,
        Some("streamed") => lambda::run_streaming(async || Ok(router)).await,
        Some("stock") => Ok(lambda_http::run_with_streaming_response(router).await?),
        _ => lambda::run(async || Err("`HELLO_ANSWERS` must be `buffered`, `streamed` or `stock`".into())).await,
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

/// Three frames, each a moment after the one before, as a model's words come.
async fn paced() -> Body {
    let frames = stream::iter(["one ", "two ", "three"]).then(async |frame| {
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok::<_, Infallible>(frame)
    });
    Body::from_stream(frames)
}

/// What Lambda told of the invocation.
async fn context(Extension(context): Extension<lambda_http::Context>, headers: HeaderMap) -> String {
    let told = serde_json::json!({
        "request": context.request_id,
        "deadline": context.deadline,
        "function": context.invoked_function_arn,
        "trace": context.xray_trace_id,
        "header": headers.get("x-amzn-trace-id").map(|id| String::from_utf8_lossy(id.as_bytes())),
        "variable": Env::process().get("_X_AMZN_TRACE_ID"),
    });
    told.to_string()
}

/// A body that fails after its first frame.
async fn broken() -> Body {
    Body::from_stream(stream::iter([Ok("before"), Err("the secret of the failure"), Ok("after")]))
}

#[expect(clippy::panic, reason = "this is what it is for")]
async fn panic() {
    panic!("on purpose");
}

/// A body that panics after its first frame.
async fn panic_later() -> Body {
    #[expect(clippy::panic, reason = "this is what it is for")]
    let frames = ["before", "never"].map(|frame| move || if frame == "never" { panic!("on purpose") } else { frame });
    Body::from_stream(stream::iter(frames).map(|frame| Ok::<_, Infallible>(frame())))
}

async fn exit() {
    std::process::exit(3);
}
