use std::time::Duration;

use reqwest::Url;
use secrecy::SecretString;

use super::api::Api;
use crate::env::{Env, EnvError};

/// Where the model is, with which key, and how patiently it is asked.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// `OPENAI_BASE_URL`, default `https://api.openai.com/v1`; `/responses` and the like are appended, as the official
    /// SDKs do.
    pub base_url: Url,
    /// `MODEL_API`, default `responses`; other servers than OpenAI's mostly want `chat_completions`.
    pub api: Api,
    /// `TRANSCRIBE_MODEL`, the model that turns speech into text at the same base URL. No default: nothing is
    /// transcribed until it is set.
    pub transcription_model: Option<String>,
    /// `OPENAI_API_KEY`; local models need none.
    pub api_key: Option<SecretString>,
    /// How long a connection may take, TLS included. 5 s.
    pub connect_timeout: Duration,
    /// How long the model may be silent, before its first byte and between any two. 120 s: a model that thinks without
    /// summaries sends nothing meanwhile.
    pub idle_timeout: Duration,
    /// The least pause before the one retry; the real one is up to twice as long, at random. 200 ms.
    pub retry_pause: Duration,
}

impl ModelConfig {
    /// The configuration with the default API and patience, without transcription.
    pub const fn new(base_url: Url, api_key: Option<SecretString>) -> Self {
        Self {
            base_url,
            api: Api::Responses,
            transcription_model: None,
            api_key,
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(120),
            retry_pause: Duration::from_millis(200),
        }
    }

    /// Reads `OPENAI_BASE_URL`, `OPENAI_API_KEY`, `MODEL_API` and `TRANSCRIBE_MODEL`.
    ///
    /// # Errors
    /// When `OPENAI_BASE_URL` is not an HTTP URL, or has credentials, a query or a fragment, which would be lost or
    /// end up in logs; when `MODEL_API` names no API.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const NAME: &str = "OPENAI_BASE_URL";
        const WANTS: &str = "an `http` or `https` URL without credentials, query and fragment";
        let url = env.get(NAME).unwrap_or("https://api.openai.com/v1");
        let url = Url::parse(url).map_err(|_| EnvError::new(NAME, format!("must be {WANTS}")))?;
        let is_plain = matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !is_plain {
            return Err(EnvError::new(NAME, format!("must be {WANTS}")));
        }
        Ok(Self {
            api: Api::from_env(env)?,
            transcription_model: env.get("TRANSCRIBE_MODEL").map(ToOwned::to_owned),
            ..Self::new(url, env.secret("OPENAI_API_KEY"))
        })
    }
}
