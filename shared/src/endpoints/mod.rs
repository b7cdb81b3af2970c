//! The site's own endpoints: where server tools run and actions go.
//!
//! ```text
//! mod.rs        one call: signed, sent, sent again where that can help
//! answer.rs     its answer as a stream of effects, until the call's timeout
//! effect.rs     effects and their limits
//! ```

mod answer;
mod effect;
mod error;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream as streams};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use reqwest::{Client, Response, Url};
use serde_json::Value;
use tokio::time::Instant;

pub use answer::EffectStream;
pub use effect::{Effect, Output};
pub use error::EndpointError;

use crate::env::EnvError;
use crate::https::send_with_retry;
use crate::secrets::Secret;
use crate::webhooks::Signer;

/// The pause before the first retry; each further pause is longer by the same time.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// An endpoint of the site.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `https`, or `http` to this machine.
    pub url: Url,
    /// For a whole call, with its retries.
    pub timeout: Duration,
    pub retries: u32,
    pub max_answer_bytes: usize,
}

/// What the answer to a call may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// To a tool call: an output for the model in any form, and effects.
    Output,
    /// To an action: effects.
    Effects,
}

/// Calls endpoints. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Endpoints {
    client: Client,
    /// `None` where there are no endpoints.
    signer: Option<Secret<Signer>>,
}

impl Endpoints {
    /// Endpoints that are called through this client, each call signed with each of the secrets. Fails without a secret
    /// where the assistant has endpoints.
    pub fn new(has_endpoints: bool, client: Client, signer: Option<Secret<Signer>>) -> Result<Self, EnvError> {
        if has_endpoints && signer.is_none() {
            let wants = "or `TOOL_SIGNING_SECRET_ARN` must be set to the secret that calls of the endpoints in \
                         `ASSISTANT` are signed with";
            return Err(EnvError::new(Signer::SECRET.variable, wants));
        }
        Ok(Self { client, signer })
    }

    /// Calls an endpoint with a body, and streams the effects of its answer. An error is the stream's last item.
    ///
    /// `id` names the call and is the same in each retry, so that the endpoint can recognize them. A call is retried if
    /// the endpoint could not be reached or answered with 429 or 5xx, and never once its answer has started. `at` is
    /// the current time, for the signature. The endpoint's timeout starts at once.
    pub fn call(&self, endpoint: &Endpoint, expects: Expects, id: &str, at: Timestamp, body: &Value) -> EffectStream {
        let call = Call {
            client: self.client.clone(),
            signer: self.signer.clone(),
            endpoint: endpoint.clone(),
            id: id.to_owned(),
            at,
            started: Instant::now(),
            body: Bytes::from(body.to_string()),
        };
        let deadline = call.started + endpoint.timeout;
        let answer = async move {
            let response = call.send().await?;
            Ok(answer::effects(response, expects, call.endpoint.max_answer_bytes))
        };
        EffectStream::new(streams::once(answer).try_flatten(), deadline)
    }
}

struct Call {
    client: Client,
    signer: Option<Secret<Signer>>,
    endpoint: Endpoint,
    id: String,
    at: Timestamp,
    /// The moment of `at`.
    started: Instant,
    body: Bytes,
}

impl Call {
    /// Sends the call, and again while that can help. The answer's status is a success.
    async fn send(&self) -> Result<Response, EndpointError> {
        let pause = |error: &EndpointError, sent: u32| {
            (sent <= self.endpoint.retries && error.is_transient()).then(|| RETRY_PAUSE * sent)
        };
        send_with_retry(&format!("an endpoint, call {}", self.id), pause, || self.send_once()).await
    }

    async fn send_once(&self) -> Result<Response, EndpointError> {
        let now = self.at + self.started.elapsed();
        let signer = self.signer.as_ref().ok_or(EndpointError::Unsigned)?.get().await;
        let signer = signer.map_err(|_| EndpointError::Unsigned)?;
        // Our ids are always valid in a header.
        let headers = signer.headers(&self.id, now, &self.body).map_err(|_| EndpointError::Unsigned)?;
        let request = self.client.post(self.endpoint.url.clone());
        let request = request.header(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let request = request.headers(headers).body(self.body.clone());
        let response = request.send().await.map_err(EndpointError::unreachable)?;
        match response.status() {
            status if status.is_success() => Ok(response),
            status => Err(EndpointError::Status(status.as_u16())),
        }
    }
}
