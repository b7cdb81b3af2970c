//! The Lambda Runtime API (Lambda developer guide, "Using the Lambda runtime API for custom runtimes"), for one
//! environment.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio_stream::StreamExt;

/// What the runtime says about the body that it streams to API Gateway.
const INTEGRATION_RESPONSE: &str = "application/vnd.awslambda.http-integration-response";

/// The trace of every invocation.
pub(crate) const TRACE_ID: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0";

/// One event on its way to the function.
pub(crate) struct Call {
    /// The id of the invocation.
    pub(crate) id: String,
    /// The event, JSON.
    pub(crate) event: String,
    /// When Lambda would end the environment.
    pub(crate) deadline: Timestamp,
    /// The function as AWS names it.
    pub(crate) function_arn: String,
    /// Where the reply goes.
    pub(crate) reply: oneshot::Sender<Reply>,
}

/// What the runtime posted.
pub(crate) enum Reply {
    /// A whole answer.
    Buffered(Bytes),
    /// An answer chunk by chunk; an error when the runtime broke off.
    Streamed(mpsc::UnboundedReceiver<io::Result<Bytes>>),
    /// The report of an error of this invocation.
    Failed(String),
    /// The report of an error of the start; the process ends.
    NotStarted(String),
}

struct RuntimeApi {
    calls: Mutex<mpsc::UnboundedReceiver<Call>>,
    /// How many invocations the runtime may be at.
    concurrency: usize,
    /// The invocations without a reply, by their ids.
    waiting: std::sync::Mutex<HashMap<String, oneshot::Sender<Reply>>>,
    pollers: watch::Sender<usize>,
}

/// The API's routes; the events come through `calls`, and `pollers` is how many wait for one.
pub(crate) fn router(
    calls: mpsc::UnboundedReceiver<Call>,
    concurrency: usize,
    pollers: watch::Sender<usize>,
) -> Router {
    let api = RuntimeApi { calls: Mutex::new(calls), concurrency, waiting: Default::default(), pollers };
    Router::new()
        .route("/2018-06-01/runtime/invocation/next", get(next))
        .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
        .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
        .route("/2018-06-01/runtime/init/error", post(init_error))
        .with_state(Arc::new(api))
}

/// The next event, when there is one.
async fn next(State(api): State<Arc<RuntimeApi>>) -> Response {
    {
        let mut waiting = api.waiting.lock().unwrap();
        // A runtime that asks for more than it may be at has given an invocation up.
        if waiting.len() >= api.concurrency {
            waiting.clear();
        }
    }
    api.pollers.send_modify(|pollers| *pollers += 1);
    let call = api.calls.lock().await.recv().await;
    api.pollers.send_modify(|pollers| *pollers -= 1);
    let Some(call) = call else {
        return StatusCode::GONE.into_response();
    };
    let headers = [
        ("lambda-runtime-aws-request-id", call.id.clone()),
        ("lambda-runtime-deadline-ms", call.deadline.as_millisecond().to_string()),
        ("lambda-runtime-invoked-function-arn", call.function_arn),
        ("lambda-runtime-trace-id", TRACE_ID.to_owned()),
        (header::CONTENT_TYPE.as_str(), "application/json".to_owned()),
    ];
    api.waiting.lock().unwrap().insert(call.id, call.reply);
    (headers.map(|(name, value)| (header::HeaderName::from_static(name), value)), call.event).into_response()
}

async fn response(
    State(api): State<Arc<RuntimeApi>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Some(reply) = api.take(&id) else {
        return invalid_request_id();
    };
    let is = |name: &str, value: &str| headers.get(name).is_some_and(|found| found == value);
    if !is("lambda-runtime-function-response-mode", "streaming") {
        let whole = to_bytes(body, usize::MAX).await.expect("a runtime that posts its whole answer");
        // The invocation may have been given up meanwhile.
        let _ = reply.send(Reply::Buffered(whole));
        return accepted();
    }
    if !is("content-type", INTEGRATION_RESPONSE) {
        let _ = reply.send(Reply::Failed(format!("a streamed answer that is not `{INTEGRATION_RESPONSE}`")));
        return accepted();
    }
    let (chunks, received) = mpsc::unbounded_channel();
    let _ = reply.send(Reply::Streamed(received));
    let mut body = body.into_data_stream();
    while let Some(chunk) = body.next().await {
        let _ = chunks.send(chunk.map_err(io::Error::other));
    }
    accepted()
}

async fn error(State(api): State<Arc<RuntimeApi>>, Path(id): Path<String>, report: String) -> Response {
    let Some(reply) = api.take(&id) else {
        return invalid_request_id();
    };
    let _ = reply.send(Reply::Failed(report));
    accepted()
}

/// The runtime could not start: the event that it was started for is answered for.
async fn init_error(State(api): State<Arc<RuntimeApi>>, report: String) -> Response {
    if let Some(call) = api.calls.lock().await.recv().await {
        let _ = call.reply.send(Reply::NotStarted(report));
    }
    accepted()
}

impl RuntimeApi {
    /// The way back of the invocation `id`, if it has no reply yet.
    fn take(&self, id: &str) -> Option<oneshot::Sender<Reply>> {
        self.waiting.lock().unwrap().remove(id)
    }
}

fn accepted() -> Response {
    (StatusCode::ACCEPTED, r#"{"status":"OK"}"#).into_response()
}

fn invalid_request_id() -> Response {
    (StatusCode::BAD_REQUEST, r#"{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#).into_response()
}
