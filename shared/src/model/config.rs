use std::time::Duration;

use reqwest::Url;

use super::api::Api;
use super::key::ModelKey;
use crate::env::{Env, EnvError};
use crate::secrets::{Secret, Secrets};

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
    /// `OPENAI_API_KEY`, or the secret `OPENAI_SECRET_ARN`; local models need none.
    pub key: Option<Secret<ModelKey>>,
    /// How long the model may be silent, before its first byte and between any two. 120 s: a model that thinks without
    /// summaries sends nothing meanwhile.
    pub idle_timeout: Duration,
    /// The least pause before the one retry; the real one is up to twice as long, at random. 200 ms.
    pub retry_pause: Duration,
}

impl ModelConfig {
    /// The configuration with the default API and patience, without transcription.
    pub const fn new(base_url: Url, key: Option<Secret<ModelKey>>) -> Self {
        Self {
            base_url,
            api: Api::Responses,
            transcription_model: None,
            key,
            idle_timeout: Duration::from_secs(120),
            retry_pause: Duration::from_millis(200),
        }
    }

    /// Reads `OPENAI_BASE_URL`, `OPENAI_API_KEY` or `OPENAI_SECRET_ARN`, `MODEL_API` and `TRANSCRIBE_MODEL`.
    ///
    /// # Errors
    /// As [`base_url`]; when `MODEL_API` names no API, or no HTTP header can carry `OPENAI_API_KEY`.
    pub fn from_env(env: &Env, secrets: &Secrets) -> Result<Self, EnvError> {
        Ok(Self {
            api: Api::from_env(env)?,
            transcription_model: env.get("TRANSCRIBE_MODEL").map(ToOwned::to_owned),
            ..Self::new(base_url(env)?, secrets.secret(env, ModelKey::SECRET)?)
        })
    }
}

/// `OPENAI_BASE_URL`, where all of OpenAI's APIs are.
///
/// # Errors
/// When it is not an HTTP URL, or has credentials, a query or a fragment, which would be lost or end up in logs.
pub fn base_url(env: &Env) -> Result<Url, EnvError> {
    const NAME: &str = "OPENAI_BASE_URL";
    let url = Url::parse(env.get(NAME).unwrap_or("https://api.openai.com/v1")).ok();
    let is_plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    url.filter(is_plain)
        .ok_or_else(|| EnvError::new(NAME, "must be an `http` or `https` URL without credentials, query and fragment"))
}
