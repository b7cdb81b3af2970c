//! How a router runs on Lambda. Architecture invariant: no other part of the library knows that it does.
//!
//! ```text
//! request.rs      an event of API Gateway as a request to the router
//! stream.rs       an answer in API Gateway's streaming format
//! runtime_api.rs  what is posted to the Lambda Runtime API, over a connection that does not wait for acknowledgements
//! ```
//!
//! The runtime is that of `lambda_runtime`. It asks for the next event, by as many pollers as
//! `AWS_LAMBDA_MAX_CONCURRENCY` says (one, unless the function runs on Lambda Managed Instances), makes deadline and
//! trace id the request's [`Context`](lambda_http::Context) and fields of a tracing span, sets `_X_AMZN_TRACE_ID` where
//! one poller makes that sound, and ends with an error when the Runtime API is gone. It also posts the buffered answers.
//!
//! Managed Instances have never been tried, and the template does not use them. Requests at the same time are kept
//! apart; but credentials are read once, from variables, and such an environment may outlive them.
//!
//! Only how a *streamed* answer is posted is replaced, by a layer that takes the place of the runtime's service: its
//! own HTTP client leaves Nagle's algorithm on, which in an environment that is busy holds the first byte back by some
//! 43 ms, and no other client can be given to it. `docs/src/upstream-nodelay.md` has the measurements and the change
//! that would make most of this module needless.
//!
//! The layer mirrors, of `lambda_runtime` 1.5.0 and `lambda_http` 1.3.2:
//!
//! | here | there |
//! | --- | --- |
//! | `request::from_event` | `lambda_http/src/streaming.rs`: `event_to_request`; the event read and reported as in `lambda_runtime/src/layers/api_response.rs` |
//! | `stream::body` | `lambda_http/src/streaming.rs`: `into_stream_response`; `lambda_runtime/src/requests.rs`: the body of `EventCompletionRequest` |
//! | `runtime_api` | `lambda_runtime/src/requests.rs`: the heads of the requests; `lambda_runtime/src/layers/api_client.rs`: what becomes of the reply |
//! | `answer` | `lambda_runtime/src/layers/panic.rs`: a panic costs one answer, not the environment |
//!
//! API Gateway's REST proxy events carry the stage apart from the path, and `lambda_http` puts it in front
//! (`/prod/chatkit`) unless the variable `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH` is set: `template.yaml` sets it, and
//! the routes are the same everywhere.
//!
//! Of a request header that was sent several times only the last value arrives: `lambda_http` lays the event's
//! `headers` over its `multiValueHeaders`.

mod request;
mod runtime_api;
mod stream;

pub use request::with_client_address;

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::response::Response;
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::{BodyExt, Full};
use lambda_http::lambda_runtime::layers::TracingLayer;
use lambda_http::lambda_runtime::{Diagnostic, LambdaInvocation};
use lambda_http::request::LambdaRequest;
use lambda_http::{Adapter, Error, LambdaEvent, lambda_runtime};
use serde_json::Value;
use tower::{Service, ServiceExt, layer, service_fn};

use self::runtime_api::RuntimeApi;
use crate::setup::SetupError;
use crate::telemetry::chain;

/// Serves the router behind a method whose transfer mode is buffered: the whole answer is collected, then sent, at
/// most 6 MB of it. Returns only when the start or the Lambda Runtime API fails. Panics outside of Lambda.
pub async fn run(start: impl AsyncFnOnce() -> Result<Router, SetupError>) -> Result<(), SetupError> {
    let router = start_or_report(start).await?;
    let adapter = Adapter::from(router.map_request(request::with_client_address).and_then(whole));
    // In a future, whose panic the runtime catches: `lambda_http` panics where an event names no host.
    let service = service_fn(move |event: LambdaEvent<LambdaRequest>| {
        let mut adapter = adapter.clone();
        async move { adapter.call(event).await }
    });
    Ok(lambda_runtime::run_concurrent(service).await?)
}

/// Serves the router behind a method whose transfer mode is `STREAM`: each frame of the body is sent when it is there.
/// Behind a buffered method the client would see the bytes of the streaming format. Returns only when the start or the
/// Lambda Runtime API fails. Panics outside of Lambda.
pub async fn run_streaming(start: impl AsyncFnOnce() -> Result<Router, SetupError>) -> Result<(), SetupError> {
    let router = start_or_report(start).await?;
    let runtime = lambda_http::streaming_runtime_concurrent(router.clone());
    let api = RuntimeApi::from_env();
    let service = service_fn(move |invocation| answer(router.clone(), api.clone(), invocation));
    // In place of the runtime's own service, which would post over its own client.
    Ok(runtime.layer(layer::layer_fn(|_| service.clone())).layer(TracingLayer::new()).run_concurrent().await?)
}

/// Handles events that are no HTTP requests, as JSON. Returns only when the start or the Lambda Runtime API fails.
/// Panics outside of Lambda.
pub async fn run_events<H, F, E>(start: impl AsyncFnOnce() -> Result<H, SetupError>) -> Result<(), SetupError>
where
    H: Fn(Value) -> F + Clone + Send + 'static,
    F: Future<Output = Result<Value, E>> + Send + 'static,
    E: Into<Error> + 'static,
{
    let handler = start_or_report(start).await?;
    let service = service_fn(move |event: LambdaEvent<Value>| {
        let answer = handler(event.payload);
        async { answer.await.map_err(Into::<Error>::into) }
    });
    // Boxed: it holds what the handler works on.
    Ok(Box::pin(lambda_runtime::run_concurrent(service)).await?)
}

/// Starts, and reports a failure to Lambda.
async fn start_or_report<T>(start: impl AsyncFnOnce() -> Result<T, SetupError>) -> Result<T, SetupError> {
    // Boxed: what a function opens at its start makes a large future.
    let started = Box::pin(start()).await;
    if let Err(error) = &started {
        let report = async { RuntimeApi::from_env().post(runtime_api::start_failed(error)?).await };
        if let Err(error) = report.await {
            tracing::error!(error = chain(&*error), "the failed start could not be reported");
        }
    }
    started
}

/// The answer with all of its body at once.
async fn whole(response: Response) -> Result<http::Response<Full<Bytes>>, Error> {
    let (parts, body) = response.into_parts();
    Ok(http::Response::from_parts(parts, Full::new(body.collect().await?.to_bytes())))
}

/// Answers one invocation: returns when the last byte of the answer, or the report of a failure, has been posted.
async fn answer(router: Router, api: RuntimeApi, invocation: LambdaInvocation) -> Result<(), Error> {
    let answered = async {
        // `lambda_http` panics where an event names no host.
        let request = request::from_event(&invocation)?;
        let Ok(response) = router.oneshot(request).await;
        Ok(stream::body(response)?)
    };
    let answered = AssertUnwindSafe(answered).catch_unwind().await;
    let post = match answered.unwrap_or_else(|panic| Err(panicked(&*panic))) {
        Ok(body) => runtime_api::streamed(&invocation, body)?,
        Err(diagnostic) => {
            tracing::error!(error = diagnostic.error_message, "an invocation failed");
            runtime_api::failed(&invocation, &diagnostic)?
        }
    };
    api.post(post).await
}

fn panicked(panic: &(dyn Any + Send)) -> Diagnostic {
    let message = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let error_message = message.map_or("Lambda panicked".to_owned(), |message| format!("Lambda panicked: {message}"));
    Diagnostic { error_type: "Function.Panic".to_owned(), error_message }
}
