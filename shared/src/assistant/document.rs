//! The shape of the assistant document. `infra/assistant.schema.json` says the same; a test compares them.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::error::DocumentError;
use super::run::{EndpointDocument, Run};
use super::values::{Domain, Effort, Fields, FunctionName, Icon, Text, Whole, present};
use crate::protocol::Object;

/// Tokens of an answer or of a prompt.
pub(super) type Tokens = Whole<16, 10_000_000>;
/// Who or what is called so.
pub(super) type Label = Text<200>;

/// The whole document.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Document {
    /// For editors.
    #[serde(rename = "$schema")]
    _schema: serde::de::IgnoredAny,
    #[serde(deserialize_with = "present")]
    pub(super) model: Option<Label>,
    #[serde(deserialize_with = "present")]
    pub(super) instructions: Option<Text<100_000>>,
    pub(super) reasoning: Fields<ReasoningDocument>,
    #[serde(deserialize_with = "present")]
    pub(super) max_output_tokens: Option<Tokens>,
    #[serde(deserialize_with = "present")]
    pub(super) max_context_tokens: Option<Tokens>,
    #[serde(deserialize_with = "present")]
    pub(super) max_rounds: Option<Whole<1, 32>>,
    pub(super) end_of_turn: bool,
    #[serde(deserialize_with = "present")]
    pub(super) allowed_image_domains: Option<Vec<Domain>>,
    pub(super) composer: Fields<ComposerDocument>,
    pub(super) tools: Vec<Object>,
    #[serde(deserialize_with = "present")]
    pub(super) actions: Option<Fields<EndpointDocument>>,
}

/// How the model thinks.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ReasoningDocument {
    #[serde(deserialize_with = "present")]
    pub(super) effort: Option<Effort>,
    #[serde(deserialize_with = "present")]
    pub(super) summaries: Option<bool>,
}

/// What a person may pick in the composer.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ComposerDocument {
    pub(super) models: Vec<Fields<ModelChoice>>,
    pub(super) tools: Vec<Fields<ToolChoice>>,
}

/// A model in the composer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelChoice {
    pub(super) id: Label,
    pub(super) label: Label,
    pub(super) model: Label,
}

/// A tool in the composer.
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
    pub(super) run: Run,
}

impl Document {
    /// Reads a document; what its parts say together is not checked yet.
    pub(super) fn parse(json: &str) -> Result<Self, DocumentError> {
        let value: Value = serde_json::from_str(json).map_err(|error| DocumentError::syntax(&error))?;
        read("", value).map(|Fields(document)| document)
    }
}

/// Reads one part of the document, which stands at `place`.
pub(super) fn read<'de, T: Deserialize<'de>>(
    place: &str,
    part: impl Deserializer<'de, Error = serde_json::Error>,
) -> Result<T, DocumentError> {
    serde_path_to_error::deserialize(part).map_err(|error| DocumentError::shape(place, &error))
}
