//! Where the model is, through which API it is asked, and with which key.

use std::time::Duration;

use http::HeaderValue;
use reqwest::Url;
use secrecy::ExposeSecret;

use crate::env::{Env, EnvError};
use crate::https::is_loopback;
use crate::secrets::{Kind, Previous, Secret, Secrets, Versions};

/// Where the model is, with which key, and how long to wait for it.
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
    /// How long the model may be silent, before its first byte and between any two. 120 s, because a model that thinks
    /// without summaries sends nothing meanwhile.
    pub idle_timeout: Duration,
    /// The shortest pause before the one retry; the real one is up to twice as long, at random. 200 ms.
    pub retry_pause: Duration,
}

impl ModelConfig {
    /// The configuration with the default API and timeouts, without transcription.
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
    pub fn from_env(env: &Env, secrets: &Secrets) -> Result<Self, EnvError> {
        Ok(Self {
            api: Api::from_env(env)?,
            transcription_model: env.get("TRANSCRIBE_MODEL").map(ToOwned::to_owned),
            ..Self::new(base_url(env)?, secrets.secret(env, ModelKey::SECRET)?)
        })
    }
}

/// `OPENAI_BASE_URL`, where all of OpenAI's APIs are.
/// Credentials, a query or a fragment would be lost or end up in logs. The key and whole conversations go there, so
/// `http` to another machine must be asked for by name: `OPENAI_BASE_URL_PLAIN_HTTP=true`.
pub fn base_url(env: &Env) -> Result<Url, EnvError> {
    const NAME: &str = "OPENAI_BASE_URL";
    const PLAIN_HTTP: &str = "OPENAI_BASE_URL_PLAIN_HTTP";
    let url = Url::parse(env.get(NAME).unwrap_or("https://api.openai.com/v1")).ok();
    let is_plain = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    let wants = "must be an `http` or `https` URL without credentials, query and fragment";
    let url = url.filter(is_plain).ok_or_else(|| EnvError::new(NAME, wants))?;
    let may_be_read = url.scheme() == "http" && !url.host_str().is_some_and(is_loopback);
    if may_be_read && !env.parsed(PLAIN_HTTP, false, "`true` or `false`")? {
        let wants = "must be `https`, or `http` to this machine: others on the way could read the key and what is said. \
                     In a network of your own, set `OPENAI_BASE_URL_PLAIN_HTTP=true`";
        return Err(EnvError::new(NAME, wants));
    }
    Ok(url)
}

/// Which of OpenAI's two APIs is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `POST /responses`: OpenAI's own, and that of the gateways in front of it.
    Responses,
    /// `POST /chat/completions`: what every other server speaks, such as vLLM, Ollama and LiteLLM.
    ChatCompletions,
}

impl Api {
    /// Reads `MODEL_API`: `responses` (default) or `chat_completions`.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const NAME: &str = "MODEL_API";
        match env.get(NAME) {
            None | Some("responses") => Ok(Self::Responses),
            Some("chat_completions") => Ok(Self::ChatCompletions),
            Some(_) => Err(EnvError::new(NAME, "must be `responses` or `chat_completions`")),
        }
    }

    /// The path behind the base URL.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Responses => "responses",
            Self::ChatCompletions => "chat/completions",
        }
    }
}

/// Whether the server is OpenAI's, at OpenAI or on Azure: what is new or OpenAI's alone, others may refuse.
pub(super) fn is_openai(base_url: &Url) -> bool {
    let host = base_url.host_str().unwrap_or_default();
    host == "api.openai.com" || host.ends_with(".api.openai.com") || host.ends_with(".openai.azure.com")
}

/// The key of OpenAI's API, or of another server's that speaks it, as it is sent.
#[derive(Clone, PartialEq, Eq)]
pub struct ModelKey(HeaderValue);

impl ModelKey {
    /// `OPENAI_API_KEY`, or the secret that `OPENAI_SECRET_ARN` names.
    pub const SECRET: Kind<Self> = Kind {
        variable: "OPENAI_API_KEY",
        arn_variable: "OPENAI_SECRET_ARN",
        previous: Previous::Unused,
        parse: |Versions { current, .. }| Self::new(current.expose_secret()),
    };

    /// The error says what the key must be.
    pub fn new(key: &str) -> Result<Self, String> {
        // A secret that was pasted into a file or a console often ends in a line break.
        let bearer = HeaderValue::try_from(format!("Bearer {}", key.trim()));
        let mut bearer = bearer.map_err(|_| "must be printable ASCII".to_owned())?;
        // Its `Debug` shows nothing.
        bearer.set_sensitive(true);
        Ok(Self(bearer))
    }

    /// The value of the header `authorization`.
    pub(crate) fn bearer(&self) -> HeaderValue {
        self.0.clone()
    }
}
