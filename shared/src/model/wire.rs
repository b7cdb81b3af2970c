//! What the JSON of both APIs has in common: it is read leniently, and reports errors in the same shapes.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `None` for a value of any other type.
pub(super) fn known<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

/// A list, with the default in the place of each element of another type; empty for any other value.
pub(super) fn each_known<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    let elements = known::<D, Vec<Value>>(deserializer)?.unwrap_or_default();
    Ok(elements.into_iter().map(|element| serde_json::from_value(element).unwrap_or_default()).collect())
}

/// An error as an upstream reports it, in a body or inside a stream. Its message is not kept, because it may quote the
/// user.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ReportedError {
    /// A string; a number with some servers.
    #[serde(default)]
    pub(super) code: Value,
    #[serde(default, rename = "type")]
    pub(super) kind: Value,
    /// Whether its message says that the prompt is too long, for which most servers have no code.
    #[serde(default, rename = "message", deserialize_with = "message_is_about_length")]
    pub(super) is_about_length: bool,
}

impl ReportedError {
    /// The error in an event or a body; `None` where there is none.
    ///
    /// Most servers send `{"error": {…}}`, some `{"error": "text"}`. Google's put that into a list, and vLLM's and
    /// Mistral's have had the fields at the top, with `"object": "error"`.
    pub(super) fn find(document: &Value) -> Option<Self> {
        let document = document.get(0).unwrap_or(document);
        let error = match &document["error"] {
            Value::Null if document["object"] == "error" => document,
            Value::Null => return None,
            Value::String(text) => return Some(Self { is_about_length: is_about_length(text), ..Self::default() }),
            error => error,
        };
        Some(Self::deserialize(error).unwrap_or_default())
    }

    /// The error in the body of an answer with an error status; one without codes if it has none.
    pub(super) fn in_body(body: &[u8]) -> Self {
        let document: Value = serde_json::from_slice(body).unwrap_or_default();
        Self::find(&document).or_else(|| Self::deserialize(&document).ok()).unwrap_or_default()
    }
}

fn message_is_about_length<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Value::deserialize(deserializer)?.as_str().is_some_and(is_about_length))
}

/// Whether an error's message is one of those that OpenAI, vLLM, LiteLLM, llama.cpp, LM Studio and Anthropic write when
/// a prompt does not fit.
fn is_about_length(message: &str) -> bool {
    const PHRASES: [&str; 5] =
        ["context length", "context window", "contextwindow", "context size", "prompt is too long"];
    let message = message.to_lowercase();
    PHRASES.iter().any(|phrase| message.contains(phrase))
}
