//! What is posted to the Lambda Runtime API (Lambda developer guide, "Using the Lambda runtime API for custom
//! runtimes" and "Response streaming for custom runtimes").

use std::sync::Arc;

use http::request::Builder;
use http::{Request, StatusCode};
use hyper_util::client::legacy::connect::HttpConnector;
use lambda_http::Error;
use lambda_http::lambda_runtime::streaming::Body;
use lambda_http::lambda_runtime::{Diagnostic, LambdaInvocation};
use lambda_runtime_api_client::{PooledClient, build_request};

use crate::setup::SetupError;

/// Which of the invocations with one request id is answered, so that Lambda can tell a late answer from a good one.
const INVOCATION_ID: &str = "lambda-runtime-invocation-id";

/// What kind of failure a report is about.
const ERROR_TYPE: &str = "lambda-runtime-function-error-type";

/// A client of the Runtime API.
#[derive(Debug, Clone)]
pub(super) struct RuntimeApi(Arc<PooledClient>);

impl RuntimeApi {
    /// Of the API that `AWS_LAMBDA_RUNTIME_API` names; panics without that variable. Connects at the first post.
    pub(super) fn from_env() -> Self {
        let mut connector = HttpConnector::new();
        // Or a small chunk would wait until the one before is acknowledged, which the other end may delay.
        connector.set_nodelay(true);
        Self(Arc::new(PooledClient::builder().with_connector(connector).build()))
    }

    /// Posts a request to its end. A refusal, as of an answer after the deadline, is only logged.
    pub(super) async fn post(&self, request: Request<Body>) -> Result<(), Error> {
        match self.0.call(request).await?.status() {
            status if status.is_success() => {}
            StatusCode::GONE => tracing::error!("the invocation timed out before it was answered"),
            status => tracing::error!(%status, "the Lambda Runtime API refused what was posted"),
        }
        Ok(())
    }
}

/// The answer to an invocation, streamed. Lambda reads the failure of a stream in the declared trailers; a body that
/// cannot fail sends none.
pub(super) fn streamed(invocation: &LambdaInvocation, body: Body) -> Result<Request<Body>, Error> {
    let head = reply(invocation, "response")
        .header("content-type", "application/vnd.awslambda.http-integration-response")
        .header("lambda-runtime-function-response-mode", "streaming")
        .header("trailer", "Lambda-Runtime-Function-Error-Type")
        .header("trailer", "Lambda-Runtime-Function-Error-Body")
        .header("transfer-encoding", "chunked");
    Ok(head.body(body)?)
}

/// The report that an invocation failed.
pub(super) fn failed(invocation: &LambdaInvocation, diagnostic: &Diagnostic) -> Result<Request<Body>, Error> {
    let head = reply(invocation, "error").header(ERROR_TYPE, "unhandled");
    Ok(head.body(serde_json::to_vec(diagnostic)?.into())?)
}

/// The report that the function could not start, with the whole chain of causes.
pub(super) fn start_failed(error: &SetupError) -> Result<Request<Body>, Error> {
    let error_type = "Runtime.InitError".to_owned();
    let head = build_request().method("POST").uri("/2018-06-01/runtime/init/error").header(ERROR_TYPE, &error_type);
    Ok(head.body(serde_json::to_vec(&Diagnostic { error_type, error_message: format!("{error:?}") })?.into())?)
}

fn reply(invocation: &LambdaInvocation, kind: &str) -> Builder {
    let request_id = &invocation.context.request_id;
    let head = build_request().method("POST").uri(format!("/2018-06-01/runtime/invocation/{request_id}/{kind}"));
    match invocation.parts.headers.get(INVOCATION_ID) {
        Some(id) => head.header(INVOCATION_ID, id),
        None => head,
    }
}
