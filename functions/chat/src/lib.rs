//! - `POST /chatkit`: the ChatKit protocol. A streaming operation answers with server-sent events, every other with
//!   JSON
//!   (`calls.rs`: once for each `Idempotency-Key`)
//! - `GET` and `DELETE /chatkit/threads/{thread}/run`: see `run.rs`: follow the run of a thread, and stop it
//! - `POST /chatkit/attachments`: see `attachments.rs`: a file with its bytes
//! - `POST /api/chat`: see `plain/`: a message in, an answer out, streamed as Chat Completions if asked for
//!
//! Errors before anything is written, in the documented shape: `bad_request`, `unauthorized`, `forbidden` (a locked or
//! closed thread), `not_found`, `conflict` (the same message is being answered already), `payload_too_large`,
//! `unsupported_media_type`, `rate_limit_exceeded`, `budget_exceeded`, `unavailable`, and with dictation
//! `upstream_error` and `upstream_timeout`. From the first write on, the status of a stream is 200 and a failure its
//! last event: ChatKit's client sends a streaming request again after a 5xx.

mod attachments;
mod calls;
mod config;
mod plain;
mod run;

use std::time::Duration;

use axum::extract::{FromRef, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Router};
use chatkit_shared::engine::Engine;
use chatkit_shared::http::{
    Authenticator, Begun, Caller, Error, HttpLayer, Idempotency, IdempotencyKey, JsonBody, RequestLog, json, sse,
};
use chatkit_shared::identity::Identity;
use chatkit_shared::protocol::Request;
use chatkit_shared::secrets::Secrets;

#[derive(Clone)]
pub struct App {
    http: HttpLayer,
    authenticator: Authenticator,
    idempotency: Idempotency,
    engine: Engine,
    secrets: Secrets,
}

impl App {
    /// Begins a request with an idempotency key. A repetition is one of the user's requests, whatever comes of it.
    async fn begin_once(
        &self,
        identity: &Identity,
        key: &str,
        operation: &str,
        body: &[u8],
        max_duration: Duration,
    ) -> Result<Begun, Error> {
        let begun = self.idempotency.begin(&identity.owner, key, operation, body, max_duration).await;
        if !matches!(begun, Ok(Begun::Now(_))) {
            self.engine.admit_repetition(identity).await?;
        }
        begun
    }
}

pub fn router(app: App) -> Router {
    let http = app.http.clone();
    let routes = Router::new()
        .route("/chatkit", post(chatkit))
        // API Gateway takes the two for one.
        .route("/chatkit/", post(chatkit))
        .route("/chatkit/attachments", attachments::route())
        .route("/chatkit/threads/{thread}/run", get(run::follow).delete(run::stop))
        .route("/api/chat", post(plain::chat));
    http.wrap(routes.with_state(app))
}

async fn chatkit(
    State(app): State<App>,
    Caller(identity): Caller,
    Extension(log): Extension<RequestLog>,
    IdempotencyKey(key): IdempotencyKey,
    headers: HeaderMap,
    body: JsonBody,
) -> Result<Response, Error> {
    let request = Request::parse(&body.0).map_err(|error| Error::bad_request(error.to_string()))?;
    log.request(&request);
    match request {
        Request::Stream(request) => {
            let identity = Identity { reference: Some(log.reference().to_owned()), ..identity };
            let events = match run::position(&headers)? {
                // The client has sent this request before, and has seen something of its answer.
                Some(position) => app.engine.resume(&identity, position).await,
                None => {
                    let events = app.engine.stream(&identity, request, log.clone().on_end()).await;
                    if events.is_ok() {
                        log.turn_started();
                    }
                    events
                }
            };
            match events {
                Ok(events) => Ok(sse::response(events)),
                Err(refusal) => {
                    // The widget shows nothing of an error's body.
                    let event = Engine::explain(&identity, &refusal).filter(|_| sse::is_accepted(&headers));
                    let error = Error::from(refusal);
                    let Some(event) = event else { return Err(error) };
                    log.refused(&error);
                    Ok(sse::only(&event))
                }
            }
        }
        Request::Call(request) => match key.filter(|_| request.has_effect()) {
            Some(key) => calls::call_once(&app, identity, request, &key, &body.0, log).await,
            None => Ok(json(&app.engine.call(&identity, request, log.on_end()).await?)),
        },
    }
}

impl FromRef<App> for Authenticator {
    fn from_ref(app: &App) -> Self {
        app.authenticator.clone()
    }
}
