//! The site's own endpoints: where server tools run and actions go.
//!
//! ```text
//! endpoint.rs   where one is, and how patiently it is asked
//! mod.rs        one call: signed, sent, sent again where that can help
//! answer.rs     its answer, in each form that one can have, as effects
//! check.rs      what an effect may be
//! stream.rs     effects until the call's time is over
//! signature.rs  Standard Webhooks
//! ```

mod answer;
mod check;
mod effect;
mod endpoint;
mod error;
mod signature;
mod stream;

use std::time::Duration;

use bytes::Bytes;
use futures_util::{TryStreamExt, stream as streams};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use reqwest::{Client, Response};
use serde_json::Value;
use tokio::time::{Instant, sleep};

pub use effect::{Effect, Output};
pub use endpoint::Endpoint;
pub use error::EndpointError;
pub use signature::Signer;
pub use stream::EffectStream;

use crate::env::EnvError;
use crate::secrets::Secret;

/// The pause before the first time that a call is sent again; each further one is as much longer.
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// What the answer to a call may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expects {
    /// A tool's: what the model is told, in any form, and effects.
    Output,
    /// An action's: effects.
    Effects,
}

/// Calls endpoints. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Endpoints {
    client: Client,
    /// None where there are no endpoints.
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

    /// Calls an endpoint with a body, and streams what it asks for as it comes. An error is the stream's last item.
    ///
    /// `id` names the call; it is the same each time that the call is sent again, so the endpoint can tell. That
    /// happens before anything of an answer is there, if the endpoint could not be reached or answered with 429 or 5xx.
    /// `at` is the time now, for the signature. The endpoint's time begins to run at once.
    pub fn call(&self, endpoint: &Endpoint, expects: Expects, id: &str, at: Timestamp, body: &Value) -> EffectStream {
        let call = Call {
            client: self.client.clone(),
            signer: self.signer.clone(),
            endpoint: endpoint.clone(),
            id: id.to_owned(),
            at,
            begun: Instant::now(),
            body: Bytes::from(body.to_string()),
        };
        let deadline = call.begun + endpoint.timeout;
        let answer = async move {
            let response = call.send().await?;
            Ok(answer::effects(response, expects, call.endpoint.largest_answer))
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
    /// When `at` was.
    begun: Instant,
    body: Bytes,
}

impl Call {
    /// Sends the call until it is answered, as often as it may be sent. The answer's status is a success.
    async fn send(&self) -> Result<Response, EndpointError> {
        let mut sent = 0;
        loop {
            let error = match self.send_once().await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if sent == self.endpoint.retries || !error.may_pass() {
                return Err(error);
            }
            sent += 1;
            tracing::warn!(error = %error, call = %self.id, "calling the endpoint once more");
            sleep(RETRY_PAUSE * sent).await;
        }
    }

    async fn send_once(&self) -> Result<Response, EndpointError> {
        let now = self.at + self.begun.elapsed();
        let signer = self.signer.as_ref().ok_or(EndpointError::Unsigned)?.get().await;
        let signer = signer.map_err(|_| EndpointError::Unsigned)?;
        // An id of ours is always one that a header can carry.
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
