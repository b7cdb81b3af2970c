//! An event of API Gateway as a request to the router.

use http::{HeaderName, HeaderValue};
use lambda_http::lambda_runtime::LambdaInvocation;
use lambda_http::request::RequestContext;
use lambda_http::{Error, Request, RequestExt};

use crate::http::ClientAddress;

/// The header in which API Gateway and the runtime pass the trace on.
const TRACE_ID: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// The request that the invocation's event describes, with the invocation's context (deadline, trace id) and the
/// client's address in its extensions. Fails if the event is not one of API Gateway.
pub(super) fn from_event(invocation: &LambdaInvocation) -> Result<Request, Error> {
    let mut request = lambda_http::request::from_str(std::str::from_utf8(&invocation.body)?)?;
    // Of several invocations at a time each has its own trace, so the one variable that holds it cannot be relied on.
    let trace_id = invocation.context.xray_trace_id.as_deref().map(HeaderValue::from_str);
    if let Some(Ok(trace_id)) = trace_id {
        request.headers_mut().insert(TRACE_ID, trace_id);
    }
    Ok(with_client_address(request.with_lambda_context(invocation.context.clone())))
}

/// Adds the [`ClientAddress`] that API Gateway saw: REST APIs and HTTP APIs (`cargo lambda watch`) name it differently.
pub fn with_client_address(mut request: Request) -> Request {
    let address = match request.request_context_ref() {
        Some(RequestContext::ApiGatewayV1(context)) => context.identity.source_ip.as_deref(),
        Some(RequestContext::ApiGatewayV2(context)) => context.http.source_ip.as_deref(),
        _ => None,
    };
    let address = address.and_then(|address| address.parse().ok());
    request.extensions_mut().insert(ClientAddress(address));
    request
}
