//! How a router runs on Lambda. Architecture invariant: no other file of the library knows that it does.
//!
//! API Gateway's REST proxy events carry the stage apart from the path, and `lambda_http` puts it in front
//! (`/prod/chatkit`) unless the variable `AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH` is set: `template.yaml` sets it, and the
//! routes are the same everywhere.
//!
//! Of a request header that was sent several times only the last value arrives: `lambda_http` lays the event's
//! `headers` over its `multiValueHeaders`.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};
use lambda_http::request::RequestContext;
use lambda_http::{Error, Request, RequestExt};
use tokio_stream::StreamExt;
use tower::ServiceExt;

use crate::http::ClientAddress;

/// Serves the router behind a method whose transfer mode is buffered: the whole answer is collected, then sent, at
/// most 6 MB of it. Returns only when the Lambda Runtime API fails.
///
/// # Errors
/// When the Runtime API cannot be reached.
///
/// # Panics
/// When the variables that Lambda sets are missing: this is not Lambda.
pub async fn run(router: Router) -> Result<(), Error> {
    lambda_http::run(router.map_request(with_client_address)).await
}

/// Serves the router behind a method whose transfer mode is `STREAM`: each frame of the body is sent when it is there.
/// Behind a buffered method the client would see the bytes of the streaming format. Returns only when the Lambda
/// Runtime API fails.
///
/// # Errors
/// When the Runtime API cannot be reached.
///
/// # Panics
/// When the variables that Lambda sets are missing: this is not Lambda.
pub async fn run_streaming(router: Router) -> Result<(), Error> {
    lambda_http::run_with_streaming_response(router.map_request(with_client_address).map_response(streamable)).await
}

/// Adds the [`ClientAddress`] that API Gateway saw: REST APIs and HTTP APIs (`cargo lambda watch`) name it differently.
fn with_client_address(mut request: Request) -> Request {
    let address = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => context.identity.source_ip.as_deref(),
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
        _ => None,
    };
    let address = address.and_then(|address| address.parse().ok());
    request.extensions_mut().insert(ClientAddress(address));
    request
}

/// Shapes an answer so that API Gateway's streaming format can hold it.
fn streamable(mut response: Response) -> Response {
    join_repeated(response.headers_mut());
    // An error of the body would be written into the client's text by the runtime, which then goes on.
    response.map(|body| {
        Body::from_stream(body.into_data_stream().map_while(|chunk| match chunk {
            Ok(chunk) => Some(Ok::<_, Infallible>(chunk)),
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a response body failed");
                None
            }
        }))
    })
}

/// Makes one line of a header that is set several times: the runtime would send an array where API Gateway's format
/// has a string. `set-cookie`, the one header that cannot be joined, has a place of its own there.
fn join_repeated(headers: &mut HeaderMap) {
    let is_repeated = |name: &&HeaderName| **name != SET_COOKIE && headers.get_all(*name).iter().nth(1).is_some();
    let repeated: Vec<HeaderName> = headers.keys().filter(is_repeated).cloned().collect();
    for name in repeated {
        let values: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
        if let Ok(joined) = HeaderValue::from_bytes(&values.join(b", ".as_slice())) {
            headers.insert(name, joined);
        }
    }
}
