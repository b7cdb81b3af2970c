use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http::HeaderValue;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, RequestBuilder, Response, Url};
use serde::Deserialize;
use tokio::time::timeout;

use super::config::{Api, ModelConfig, ModelKey};
use super::error::{ModelError, ModelErrorKind};
use super::prompt::Prompt;
use super::stream::ModelStream;
use super::wire::ReportedError;
use super::{completions, responses};
use crate::https::{OPEN_TIMEOUT, read_at_most, send_with_retry};
use crate::secrets::Secret;

/// A rate limit that ends within this time is waited for; a person would not press a button faster.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(2);
/// For a count, from the request to the end of its answer, retry included. A person waits for it before the model is asked.
const COUNT_TIMEOUT: Duration = Duration::from_secs(3);
/// How much of a body that is not streamed is read. Errors have less than 1 KB, an hour's transcription some 60 KB.
const MAX_BODY_BYTES: usize = 1 << 20;

/// The model, over HTTP. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) client: Client,
    base_url: Url,
    key: Option<Secret<ModelKey>>,
    api: Api,
    pub(super) transcription_model: Option<String>,
    idle_timeout: Duration,
    retry_pause: Duration,
    /// The server has said that it cannot count prompts.
    cannot_count: Arc<AtomicBool>,
}

impl Model {
    /// The configured model, reached through this client. Nothing is sent yet.
    pub fn new(config: &ModelConfig, client: Client) -> Self {
        Self {
            client,
            base_url: config.base_url.clone(),
            key: config.key.clone(),
            api: config.api,
            transcription_model: config.transcription_model.clone(),
            idle_timeout: config.idle_timeout,
            retry_pause: config.retry_pause,
            cannot_count: Arc::default(),
        }
    }

    /// Connects, so that the first turn does not wait for it. The answer does not matter: a failure shows when the
    /// model is called.
    pub async fn open(&self) {
        let _ = timeout(OPEN_TIMEOUT, self.client.head(self.base_url.clone()).send()).await;
    }

    /// `NoKey` if a key is configured and cannot be read: every prompt would be refused.
    pub(crate) async fn check_key(&self) -> Result<(), ModelError> {
        self.key().await.map(|_| ())
    }

    async fn key(&self) -> Result<Option<Arc<ModelKey>>, ModelError> {
        match &self.key {
            Some(key) => key.get().await.map(Some).map_err(ModelError::no_key),
            None => Ok(None),
        }
    }

    /// Calls the model. Returns once the model has accepted the prompt.
    ///
    /// A request that was not accepted is sent once more, after a short random pause, if that can help: when the
    /// connection failed (one from the pool may have died while the environment was frozen), after 502 and 503, after
    /// 401 if the key has changed since it was read, and after 429 if the upstream asks for 2 s or less. At worst the
    /// upstream answers a prompt twice and bills both; once an answer has started, its prompt is not sent again.
    pub async fn stream(&self, prompt: &Prompt) -> Result<ModelStream, ModelError> {
        let body = request_body(self.api, prompt, &self.base_url)?;
        let (body, url) = (Bytes::from(body), self.url(self.api.path()));
        let request = || {
            let request = self.client.post(url.clone()).body(body.clone());
            let request = request.header(ACCEPT, HeaderValue::from_static("text/event-stream"));
            Ok(request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")))
        };
        let response = self.send(request).await?;
        let content_type = response.headers().get(CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
        if content_type.starts_with(b"application/json") {
            // The server cannot stream, or does not with tools: the answer comes at once.
            let body = self.body(response).await?;
            return Ok(ModelStream::of_whole(self.api, prompt, &body));
        }
        if !content_type.starts_with(b"text/event-stream") {
            return Err(ModelError::broken("it is not an event stream"));
        }
        let bytes = response.bytes_stream().map_err(ModelError::transport);
        Ok(ModelStream::new(self.api, prompt, bytes, self.idle_timeout))
    }

    /// Whether the server may be able to count prompts.
    pub(crate) fn may_count(&self) -> bool {
        self.api == Api::Responses && !self.cannot_count.load(Ordering::Relaxed)
    }

    /// How many tokens a prompt has, by its server's own count; none where the server cannot count. Source: OpenAI's
    /// API reference, "Get input token counts".
    pub(crate) async fn count(&self, prompt: &Prompt) -> Result<Option<u64>, ModelError> {
        #[derive(Deserialize)]
        struct Count {
            input_tokens: u64,
        }
        let body = serde_json::to_vec(&responses::ShownPrompt::new(prompt));
        let body = Bytes::from(body.map_err(|_| ModelError::new(ModelErrorKind::Rejected))?);
        let url = self.url("responses/input_tokens");
        let request = || {
            let request = self.client.post(url.clone()).body(body.clone());
            Ok(request.header(CONTENT_TYPE, HeaderValue::from_static("application/json")))
        };
        let counted = async {
            let body = self.body(self.send(request).await?).await?;
            let count: Count = serde_json::from_slice(&body).map_err(|_| ModelError::broken("it is no count"))?;
            Ok(Some(count.input_tokens))
        };
        match timeout(COUNT_TIMEOUT, counted).await.map_err(ModelError::silence).flatten() {
            Err(error) if matches!(error.upstream.status, Some(404 | 405 | 501)) => {
                self.cannot_count.store(true, Ordering::Relaxed);
                Ok(None)
            }
            counted => counted,
        }
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
        let key = self.key().await?;
        let pause = |error: &ModelError, sent| if sent == 1 { self.pause_before_retry(error) } else { None };
        let sent = send_with_retry("the model", pause, || async { self.send_once(request()?, key.as_deref()).await });
        match (sent.await, &self.key, &key) {
            (Err(error), Some(secret), Some(key)) if error.upstream.status == Some(401) => {
                let Some(newer) = secret.newer_than(key).await else { return Err(error) };
                tracing::warn!("sending a request to the model again, with a newer key");
                self.send_once(request()?, Some(&newer)).await
            }
            (sent, _, _) => sent,
        }
    }

    async fn send_once(&self, request: RequestBuilder, key: Option<&ModelKey>) -> Result<Response, ModelError> {
        let request = match key {
            Some(key) => request.header(AUTHORIZATION, key.bearer()),
            None => request,
        };
        let response = timeout(self.idle_timeout, request.send()).await.map_err(ModelError::silence)?;
        let response = response.map_err(ModelError::transport)?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let headers = response.headers().clone();
        // The status alone says enough if the body cannot be read.
        let body = self.body(response).await.unwrap_or_default();
        Err(ModelError::status(status, &headers, &ReportedError::in_body(&body)))
    }

    /// The whole body of an answer.
    pub(super) async fn body(&self, response: Response) -> Result<Vec<u8>, ModelError> {
        let chunks = response.bytes_stream().map_err(ModelError::transport);
        let body = read_at_most(chunks, MAX_BODY_BYTES, || ModelError::broken("it is too large"));
        timeout(self.idle_timeout, body).await.map_err(ModelError::silence)?
    }

    /// How long to wait before the retry; `None` where a retry cannot help.
    fn pause_before_retry(&self, error: &ModelError) -> Option<Duration> {
        let least = match (error.kind, error.upstream.status) {
            (ModelErrorKind::RateLimited { retry_after: Some(after) }, _) if after <= MAX_RETRY_AFTER => after,
            (ModelErrorKind::Unavailable, None | Some(502 | 503)) => self.retry_pause,
            _ => return None,
        };
        Some(least + self.retry_pause.mul_f64(fastrand::f64()))
    }
}

/// The JSON of a request to the server at `base_url`. `Rejected` when the prompt has a file of our own store, which no
/// server can read.
fn request_body(api: Api, prompt: &Prompt, base_url: &Url) -> Result<Vec<u8>, ModelError> {
    let rejected = || ModelError::new(ModelErrorKind::Rejected);
    if prompt.has_stored_files() {
        return Err(rejected());
    }
    let body = match api {
        Api::Responses => serde_json::to_vec(&responses::CreateResponse::new(prompt, base_url)),
        Api::ChatCompletions => serde_json::to_vec(&completions::CreateCompletion::new(prompt, base_url)),
    };
    // Strings and numbers can always be JSON.
    body.map_err(|_| rejected())
}
