//! Around every handler: an id, a span, the error body, the log line.

use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER, STRICT_TRANSPORT_SECURITY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{Instrument, Span};

use super::{Code, Error, Origins, Pseudonyms, REQUEST_ID, RequestLog};
use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::identity::SigningKeys;
use crate::ids::{self, Ids};
use crate::secrets::Secret;
use crate::telemetry::chain;

/// Where a request comes from, in the request's extensions: as API Gateway reports it on Lambda, the socket's peer
/// locally. Not from a header, because the client writes those, unless the operator names one that something in front
/// of the API writes (`CLIENT_ADDRESS_HEADER`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub Option<IpAddr>);

impl<S: Sync> FromRequestParts<S> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get().copied().unwrap_or(Self(None)))
    }
}

/// The layer around every function's router.
#[derive(Debug, Clone)]
pub struct HttpLayer {
    clock: Clock,
    ids: Ids,
    origins: Origins,
    pseudonyms: Pseudonyms,
    address_header: Option<HeaderName>,
}

impl HttpLayer {
    /// Reads `ALLOWED_ORIGINS`, `LOG_ADDRESS` (see [`Pseudonyms`], whose keys these are), and `CLIENT_ADDRESS_HEADER`:
    /// the header in which a proxy in front of the API names the client. It must be set only where every request passes
    /// the proxy, because a client could write it.
    pub fn from_env(env: &Env, keys: Secret<SigningKeys>, clock: Clock, ids: Ids) -> Result<Self, EnvError> {
        const HEADER: &str = "CLIENT_ADDRESS_HEADER";
        let address_header = env.get(HEADER).map(HeaderName::try_from).transpose();
        let address_header = address_header.map_err(|_| EnvError::new(HEADER, "must be the name of a header"))?;
        let (origins, pseudonyms) = (Origins::from_env(env)?, Pseudonyms::from_env(env, keys)?);
        Ok(Self { clock, ids, origins, pseudonyms, address_header })
    }

    /// The pages that may call.
    pub const fn origins(&self) -> &Origins {
        &self.origins
    }

    /// Wraps a router: request ids, the log line, the documented error body for everything including unknown routes,
    /// wrong methods and panics, CORS.
    pub fn wrap(self, router: Router) -> Router {
        router
            .fallback(|| async { Error::new(Code::NotFound, "there is nothing at this path") })
            .method_not_allowed_fallback(|| async {
                Error::new(Code::MethodNotAllowed, "this path takes another method")
            })
            .layer(CatchPanicLayer::custom(|_| {
                Error::new(Code::InternalError, "something went wrong on our side").into_response()
            }))
            // Around the panics, so that a page can read their answer too.
            .layer(self.origins.cors())
            .layer(from_fn_with_state(Arc::new(self), around))
    }
}

async fn around(State(layer): State<Arc<HttpLayer>>, mut request: Request, next: Next) -> Response {
    let request_id = layer.ids.mint(ids::REQUEST);
    let address = match &layer.address_header {
        Some(name) => request.headers().get(name).and_then(|address| address.to_str().ok()?.trim().parse().ok()),
        None => request.extensions().get::<ClientAddress>().and_then(|address| address.0),
    };
    let is_https = request.headers().get("x-forwarded-proto").is_some_and(|scheme| scheme == "https");
    let (method, path) = (request.method().as_str(), request.uri().path());
    let log = RequestLog::new(layer.clock.clone(), &request_id, method, path, address, layer.pseudonyms.clone());
    request.extensions_mut().insert(log.clone());
    request.extensions_mut().insert(ClientAddress(address));

    let mut response = next.run(request).instrument(log.span()).await;
    if let Some(error) = response.extensions_mut().remove::<Arc<Error>>() {
        log.refused(&error);
        write_error(&mut response, &error, &request_id);
    }
    log.status(response.status());
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, value);
    }
    secure(headers, is_https);
    response.map(|body| Body::new(Logged { body, log: Some(log) }))
}

/// Tells browsers what they must not do with an answer. A page, which is one of these answers in the local server, says
/// so itself.
fn secure(headers: &mut HeaderMap, is_https: bool) {
    // Answers carry tokens and conversations.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(REFERRER_POLICY).or_insert(HeaderValue::from_static("no-referrer"));
    let nothing = HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'");
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(nothing);
    // TLS ends in front of this: API Gateway and other proxies say so. Over plain HTTP it must not be sent (RFC 6797,
    // section 7.2).
    if is_https {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains"));
    }
}

fn write_error(response: &mut Response, error: &Error, request_id: &str) {
    let mut body = json!({ "error": error.code.as_str(), "message": error.message, "request_id": request_id });
    if let Some(session_id) = &error.session_id {
        body["sessionId"] = json!(session_id);
    }
    *response.body_mut() = Body::from(body.to_string());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = error.retry_after_seconds() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.code.status() == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
}

/// A body that drops its hold on the log line before it reports its end: after that, Lambda may freeze the process.
struct Logged {
    body: Body,
    log: Option<RequestLog>,
}

impl http_body::Body for Logged {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let span = self.log.as_ref().map_or_else(Span::none, RequestLog::span);
        let polled = catch_unwind(AssertUnwindSafe(|| span.in_scope(|| Pin::new(&mut self.body).poll_frame(context))));
        let failure = match &polled {
            Ok(Poll::Ready(Some(Err(error)))) => Some(chain(error)),
            Ok(_) => None,
            Err(_) => Some("the response body panicked".to_owned()),
        };
        if let (Some(log), Some(failure)) = (&self.log, failure) {
            log.failed(failure);
        }
        if matches!(polled, Ok(Poll::Ready(None)) | Err(_)) || self.body.is_end_stream() {
            self.log = None;
        }
        polled.unwrap_or_else(|panic| resume_unwind(panic))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}
