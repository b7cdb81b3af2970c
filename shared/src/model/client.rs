use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::{Client, Response, Url, redirect};
use secrecy::ExposeSecret;
use tokio::time::{sleep, timeout};

use super::config::ModelConfig;
use super::error::{ModelError, ModelErrorKind};
use super::prompt::Prompt;
use super::stream::ModelStream;
use super::wire::{CreateResponse, ErrorBody};

/// A rate limit that ends sooner than this is waited for; a person would not press a button faster.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(2);
/// How much of an error's body is read; OpenAI's have less than 1 KB.
const ERROR_BYTES: usize = 64 * 1024;

/// The model, over HTTP. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Model {
    client: Client,
    url: Url,
    idle_timeout: Duration,
    retry_pause: Duration,
}

/// The client cannot be built from its configuration.
#[derive(Debug, thiserror::Error)]
pub enum ModelSetupError {
    /// The key has characters that no HTTP header can carry.
    #[error("the model's key must be printable ASCII")]
    Key,
    /// TLS has no root certificates or the like.
    #[error("the model's HTTP client cannot be built")]
    Client(#[source] reqwest::Error),
}

impl Model {
    /// A client for the configured model. Nothing is sent yet.
    ///
    /// # Errors
    /// When the key cannot be sent or TLS cannot be set up.
    pub fn new(config: &ModelConfig) -> Result<Self, ModelSetupError> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = &config.api_key {
            // A secret that was pasted into a file or a console often ends in a line break.
            let bearer = format!("Bearer {}", key.expose_secret().trim());
            let mut bearer = HeaderValue::try_from(bearer).map_err(|_| ModelSetupError::Key)?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let client = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("chatkit-backend/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.connect_timeout)
            .tcp_nodelay(true)
            // A redirect of a POST would be followed as a GET, and an API has none.
            .redirect(redirect::Policy::none())
            // The proxy variables are not part of the configuration, which is all that is read of the environment.
            .no_proxy()
            .build()
            .map_err(ModelSetupError::Client)?;
        let url = config.responses_url();
        Ok(Self { client, url, idle_timeout: config.idle_timeout, retry_pause: config.retry_pause })
    }

    /// Asks the model. Returns once the model has accepted the prompt.
    ///
    /// A request that failed before it was accepted is sent once more, after a short pause at random, if that can
    /// help: when the connection failed (one from the pool may have died while the environment was frozen), after 502
    /// and 503, and after 429 if the upstream asks for 2 s or less. At worst the upstream answers a prompt twice and
    /// bills both; an answer that has begun is never asked for again.
    ///
    /// # Errors
    /// When the model does not accept the prompt; see [`ModelErrorKind`].
    pub async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        // Strings and numbers always are JSON.
        let body =
            serde_json::to_vec(&CreateResponse::from(prompt)).map_err(|_| ModelError::new(ModelErrorKind::Rejected))?;
        let body = Bytes::from(body);
        let response = match self.send(body.clone()).await {
            Ok(response) => response,
            Err(error) => {
                let Some(pause) = self.pause_before_retry(&error) else { return Err(error) };
                tracing::warn!(error = %error, pause_ms = pause.as_millis(), "asking the model once more");
                sleep(pause).await;
                self.send(body).await?
            }
        };
        let bytes = response.bytes_stream().map_err(ModelError::transport);
        Ok(ModelStream::new(bytes, self.idle_timeout))
    }

    async fn send(&self, body: Bytes) -> Result<Response, ModelError> {
        let silence = |_| ModelError::new(ModelErrorKind::TimedOut);
        let request = self.client.post(self.url.clone()).body(body).send();
        let response = timeout(self.idle_timeout, request).await.map_err(silence)?.map_err(ModelError::transport)?;
        let (status, headers) = (response.status(), response.headers());
        if !status.is_success() {
            let headers = headers.clone();
            let body = timeout(self.idle_timeout, error_body(response)).await.map_err(silence)?;
            return Err(ModelError::status(status, &headers, &body.error));
        }
        let content_type = headers.get(CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
        if !content_type.starts_with(b"text/event-stream") {
            return Err(ModelError::broken("it is not an event stream"));
        }
        Ok(response)
    }

    /// How long to wait before the retry; `None` where a retry cannot help.
    fn pause_before_retry(&self, error: &ModelError) -> Option<Duration> {
        let least = match (error.kind, error.upstream.status) {
            (ModelErrorKind::RateLimited { retry_after: Some(after) }, _) if after <= LONGEST_RETRY_AFTER => after,
            (ModelErrorKind::Unavailable, None | Some(502 | 503)) => self.retry_pause,
            _ => return None,
        };
        Some(least + self.retry_pause.mul_f64(StdRng::from_os_rng().random()))
    }
}

/// The error in a body; one without codes if it cannot be read.
async fn error_body(response: Response) -> ErrorBody {
    let mut bytes = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(Ok(chunk)) = chunks.next().await
        && bytes.len() < ERROR_BYTES
    {
        bytes.extend_from_slice(&chunk);
    }
    serde_json::from_slice(&bytes).unwrap_or_default()
}
