//! What the playground's page needs to know of the server behind it.

use chatkit_shared::assistant::Assistant;
use chatkit_shared::env::Env;
use serde::{Deserialize, Serialize};

/// What the page says about the server that serves it, as `GET /playground.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct About {
    /// The model that answers.
    pub model: String,
    /// Whether that is the built-in demo model, which understands nothing.
    pub demo: bool,
    /// The server's version.
    pub version: String,
    /// What can be picked beside the message.
    pub composer: Composer,
    /// Which files a message may have.
    pub attachments: Attachments,
    /// Whether speech can be sent.
    pub dictation: bool,
}

/// What the composer offers, as the assistant's document says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(default)]
pub struct Composer {
    /// Models.
    pub models: Vec<Choice>,
    /// Tools.
    pub tools: Vec<Choice>,
}

/// One thing to pick.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Choice {
    /// By which the server knows it.
    pub id: String,
    /// What the person reads.
    pub label: String,
    /// One of ChatKit's names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icon: Option<String>,
}

/// Which files a message may have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Attachments {
    /// Whether it may have any.
    pub enabled: bool,
    /// Bytes of one; the server's default where it is not set.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// MIME types, or `image/*`; the server's default where it is empty.
    pub types: Vec<String>,
    /// Where they are uploaded to and shown from.
    #[serde(skip)]
    pub origin: Option<String>,
}

impl About {
    /// What the variables say. One that makes no sense is the functions' to refuse.
    pub fn from_env(env: &Env, demo: bool) -> Self {
        Self {
            model: env.get("MODEL").unwrap_or(Assistant::DEFAULT_MODEL).to_owned(),
            demo,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            composer: composer(env).unwrap_or_default(),
            attachments: Attachments::from_env(env),
            dictation: env.get("TRANSCRIBE_MODEL").is_some(),
        }
    }
}

/// Reads it from the assistant's document: JSON, or a file that has it.
fn composer(env: &Env) -> Option<Composer> {
    #[derive(Deserialize)]
    struct Document {
        composer: Composer,
    }
    let value = env.get("ASSISTANT")?;
    let text =
        if value.trim_start().starts_with('{') { value.to_owned() } else { std::fs::read_to_string(value).ok()? };
    Some(serde_json::from_str::<Document>(&text).ok()?.composer)
}

impl Attachments {
    fn from_env(env: &Env) -> Self {
        if env.get("FILES_BUCKET").is_none() {
            return Self::default();
        }
        let endpoint = env.get("AWS_ENDPOINT_URL_S3").or(env.get("AWS_ENDPOINT_URL"));
        Self {
            enabled: true,
            max_bytes: env.get("FILES_MAX_BYTES").and_then(|bytes| bytes.parse().ok()),
            types: env.list("FILES_TYPES"),
            origin: Some(endpoint.unwrap_or("https://*.amazonaws.com").to_owned()),
        }
    }
}
