use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::{Client, RequestBuilder, Response, Url, redirect};
use secrecy::ExposeSecret;
use tokio::time::{sleep, timeout};

use super::api::Api;
use super::config::ModelConfig;
use super::error::{ModelError, ModelErrorKind};
use super::prompt::Prompt;
use super::reported::ReportedError;
use super::stream::ModelStream;

/// A rate limit that ends sooner than this is waited for; a person would not press a button faster.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(2);
/// How much of a body that is not streamed is read. Errors have less than 1 KB, an hour's transcription some 60 KB.
const BODY_BYTES: usize = 1 << 20;

/// The model, over HTTP. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) client: Client,
    base_url: Url,
    api: Api,
    pub(super) transcription_model: Option<String>,
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
        Ok(Self {
            client,
            base_url: config.base_url.clone(),
            api: config.api,
            transcription_model: config.transcription_model.clone(),
            idle_timeout: config.idle_timeout,
            retry_pause: config.retry_pause,
        })
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
        let body = self.api.request(prompt, &self.base_url)?;
        let (body, url) = (Bytes::from(body), self.url(self.api.path()));
        let request = || {
            let request = self.client.post(url.clone()).body(body.clone());
            let request = request.header(ACCEPT, HeaderValue::from_static("text/event-stream"));
            Ok(request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")))
        };
        let response = self.send(request).await?;
        let content_type = response.headers().get(CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
        if !content_type.starts_with(b"text/event-stream") {
            return Err(ModelError::broken("it is not an event stream"));
        }
        let bytes = response.bytes_stream().map_err(ModelError::transport);
        Ok(ModelStream::new(self.api, prompt, bytes, self.idle_timeout))
    }

    /// An endpoint behind the base URL, as the official SDKs join them.
    pub(super) fn url(&self, path: &str) -> Url {
        let mut url = self.base_url.clone();
        let path = format!("{}/{path}", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    /// Sends a request, and a second one if that can help. The answer's status is a success.
    pub(super) async fn send(
        &self,
        request: impl Fn() -> Result<RequestBuilder, ModelError>,
    ) -> Result<Response, ModelError> {
        let error = match self.send_once(request()?).await {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let Some(pause) = self.pause_before_retry(&error) else { return Err(error) };
        tracing::warn!(error = %error, pause_ms = pause.as_millis(), "asking the model once more");
        sleep(pause).await;
        self.send_once(request()?).await
    }

    async fn send_once(&self, request: RequestBuilder) -> Result<Response, ModelError> {
        let response = timeout(self.idle_timeout, request.send()).await.map_err(ModelError::silence)?;
        let response = response.map_err(ModelError::transport)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let headers = response.headers().clone();
        // Whatever became of the body, the status says what happened.
        let body = self.body(response).await.unwrap_or_default();
        Err(ModelError::status(status, &headers, &ReportedError::in_body(&body)))
    }

    /// The whole body of an answer.
    pub(super) async fn body(&self, response: Response) -> Result<Vec<u8>, ModelError> {
        let read = async {
            let mut bytes = Vec::new();
            let mut chunks = response.bytes_stream();
            while let Some(chunk) = chunks.next().await {
                bytes.extend_from_slice(&chunk.map_err(ModelError::transport)?);
                if bytes.len() > BODY_BYTES {
                    return Err(ModelError::broken("it is too large"));
                }
            }
            Ok(bytes)
        };
        timeout(self.idle_timeout, read).await.map_err(ModelError::silence)?
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
