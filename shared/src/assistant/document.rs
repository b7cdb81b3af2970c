//! The shape of the assistant document. `infra/assistant.schema.json` says the same; a test compares them.

use std::time::Duration;

use reqwest::Url;
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Memory;
use super::error::DocumentError;
use super::tools::Runner;
use crate::endpoints::Endpoint;
use crate::https::safe_url;
use crate::protocol::{Object, ObjectOnly, is_icon};

/// Tokens of an answer or of a prompt.
pub(super) type Tokens = BoundedInteger<16, 10_000_000>;
/// A name or a label.
pub(crate) type Label = Text<200>;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Document {
    /// For editors.
    #[serde(rename = "$schema")]
    _schema: IgnoredAny,
    #[serde(deserialize_with = "present")]
    pub(super) model: Option<Label>,
    #[serde(deserialize_with = "present")]
    pub(super) instructions: Option<Text<100_000>>,
    pub(super) reasoning: ObjectOnly<ReasoningDocument>,
    #[serde(deserialize_with = "present")]
    pub(super) max_output_tokens: Option<Tokens>,
    #[serde(deserialize_with = "present")]
    pub(super) max_context_tokens: Option<Tokens>,
    #[serde(deserialize_with = "present")]
    pub(super) memory: Option<Memory>,
    #[serde(deserialize_with = "present")]
    pub(super) max_rounds: Option<BoundedInteger<1, 32>>,
    pub(super) end_of_turn: bool,
    #[serde(deserialize_with = "present")]
    pub(super) allowed_image_domains: Option<Vec<Domain>>,
    pub(super) composer: ObjectOnly<ComposerDocument>,
    pub(super) tools: Vec<Object>,
    #[serde(deserialize_with = "present")]
    pub(super) actions: Option<ObjectOnly<EndpointDocument>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReasoningDocument {
    #[serde(deserialize_with = "present")]
    pub(super) effort: Option<Effort>,
    #[serde(deserialize_with = "present")]
    pub(super) summaries: Option<bool>,
}

/// What a person may choose in the composer.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ComposerDocument {
    pub(super) models: Vec<ObjectOnly<ModelChoice>>,
    pub(super) tools: Vec<ObjectOnly<ToolChoice>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelChoice {
    pub(super) id: Label,
    pub(super) label: Label,
    pub(super) model: Label,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ToolChoice {
    pub(super) id: Label,
    pub(super) label: Label,
    #[serde(default, deserialize_with = "present")]
    pub(super) icon: Option<Icon>,
    pub(super) tool: Label,
}

/// A function tool, without its `type`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FunctionDocument {
    pub(super) name: FunctionName,
    #[serde(default, deserialize_with = "present")]
    pub(super) description: Option<Text<10_000>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) parameters: Option<Object>,
    #[serde(default, deserialize_with = "present")]
    pub(super) strict: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub(super) title: Option<Label>,
    #[serde(default, deserialize_with = "present")]
    pub(super) icon: Option<Icon>,
    pub(super) run: Runner,
    #[serde(default, deserialize_with = "present")]
    pub(super) permission: Option<Permission>,
}

impl Document {
    /// Checks each field by itself, not yet what the fields say together.
    pub(super) fn parse(json: &str) -> Result<Self, DocumentError> {
        let value: Value = serde_json::from_str(json).map_err(|error| DocumentError::syntax(&error))?;
        read("", value).map(|ObjectOnly(document)| document)
    }
}

/// Reads the part of the document at the path `place`.
pub(crate) fn read<'de, T: Deserialize<'de>>(
    place: &str,
    part: impl Deserializer<'de, Error = serde_json::Error>,
) -> Result<T, DocumentError> {
    serde_path_to_error::deserialize(part).map_err(|error| DocumentError::shape(place, &error))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EndpointDocument {
    url: EndpointUrl,
    #[serde(default = "default_timeout_seconds")]
    timeout_seconds: BoundedInteger<1, 300>,
    #[serde(default = "default_retries")]
    retries: BoundedInteger<0, 5>,
    #[serde(default = "default_largest_answer_bytes")]
    largest_answer_bytes: BoundedInteger<256, 262_144>,
}

const fn default_timeout_seconds() -> BoundedInteger<1, 300> {
    BoundedInteger(10)
}

const fn default_retries() -> BoundedInteger<0, 5> {
    BoundedInteger(1)
}

const fn default_largest_answer_bytes() -> BoundedInteger<256, 262_144> {
    BoundedInteger(65_536)
}

impl From<EndpointDocument> for Endpoint {
    fn from(document: EndpointDocument) -> Self {
        Self {
            url: document.url.0,
            timeout: Duration::from_secs(document.timeout_seconds.0.into()),
            retries: document.retries.0,
            max_answer_bytes: document.largest_answer_bytes.0 as usize,
        }
    }
}

/// A signature does not hide what is sent, so plain `http` is for this machine only.
struct EndpointUrl(Url);

impl<'de> Deserialize<'de> for EndpointUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const WANTS: &str = "must be an `https` URL without credentials and fragment, or `http` to this machine";
        let text = Value::deserialize(deserializer)?;
        safe_url(text.as_str().unwrap_or_default()).map(Self).ok_or_else(|| D::Error::custom(WANTS))
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct BoundedInteger<const MIN: u32, const MAX: u32>(pub(crate) u32);

/// A text that is not blank.
#[derive(Debug, Clone)]
pub(crate) struct Text<const MAX_CHARS: usize>(pub(crate) String);

pub(super) struct Icon(pub(super) String);

/// As OpenAI wants the name of a function.
pub(super) struct FunctionName(pub(super) String);

/// What a user may be permitted, as in `orders:write`.
pub(super) struct Permission(pub(super) String);

/// How long a model thinks; the words differ from model to model.
pub(super) struct Effort(pub(super) String);

pub(super) struct Domain(pub(super) String);

impl<'de, const MIN: u32, const MAX: u32> Deserialize<'de> for BoundedInteger<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |value: &Value| u32::try_from(value.as_u64()?).ok().filter(|number| (MIN..=MAX).contains(number));
        let number = Value::deserialize(deserializer)?;
        read(&number).map(Self).ok_or_else(|| Error::custom(format!("must be a whole number from {MIN} to {MAX}")))
    }
}

impl<'de, const MAX_CHARS: usize> Deserialize<'de> for Text<MAX_CHARS> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fits = |text: &str| !text.trim().is_empty() && text.chars().count() <= MAX_CHARS;
        text(deserializer, fits, &format!("a text of 1 to {MAX_CHARS} characters")).map(Self)
    }
}

impl<'de> Deserialize<'de> for Icon {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, is_icon, "the name of one of ChatKit's icons, or begin with `vendor:` or `lucide:`")
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for FunctionName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fits = |name: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            (1..=64).contains(&name.len()) && name.bytes().all(allowed)
        };
        text(deserializer, fits, "a name of 1 to 64 letters, digits, `_` and `-`").map(Self)
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fits = |name: &str| (1..=100).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
        text(deserializer, fits, "a name of 1 to 100 characters such as `orders:write`").map(Self)
    }
}

impl<'de> Deserialize<'de> for Effort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fits = |word: &str| (1..=16).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase());
        text(deserializer, fits, "a word such as `low`").map(Self)
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)?.as_str() {
            Some("cut") => Ok(Self::Cut),
            Some("compact") => Ok(Self::Compact),
            Some(_) | None => Err(D::Error::custom("must be `cut` or `compact`")),
        }
    }
}

impl<'de> Deserialize<'de> for Domain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fits = |domain: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
            (1..=253).contains(&domain.len()) && domain.bytes().all(allowed)
        };
        text(deserializer, fits, "a domain such as `example.com`").map(Self)
    }
}

fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    fits: impl FnOnce(&str) -> bool,
    wants: &str,
) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if fits(&text) => Ok(text),
        _ => Err(Error::custom(format!("must be {wants}"))),
    }
}

/// A field that may be left out, but must not be `null`.
pub(crate) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
