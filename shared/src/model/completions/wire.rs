//! What the Chat Completions API sends, as far as it is used here.
//!
//! Sources: OpenAI's API reference, "The chat completion chunk object"; the guides of vLLM, DeepSeek, OpenRouter,
//! Mistral and Moonshot for what they add. It is read leniently: a field of an unknown type counts as absent. The ids
//! of answers are not read at all: they are missing, repeated or made up (`__fake_id__`) with many servers.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::model::wire::{each_known, known};

/// A piece of the answer.
#[derive(Debug, Deserialize)]
pub(super) struct Chunk {
    /// Empty in the chunk that only has the usage.
    #[serde(default, deserialize_with = "known")]
    pub(super) choices: Option<Vec<Choice>>,
    /// In the last chunk by the reference, in each with some servers, nowhere with others.
    #[serde(default, deserialize_with = "known")]
    pub(super) usage: Option<Usage>,
}

/// A piece of one of the answers. Only one is requested and read.
#[derive(Debug, Deserialize)]
pub(super) struct Choice {
    #[serde(default, deserialize_with = "known")]
    pub(super) index: Option<u64>,
    #[serde(default, deserialize_with = "known")]
    pub(super) delta: Option<Delta>,
    #[serde(default, deserialize_with = "known")]
    pub(super) finish_reason: Option<String>,
    /// Moonshot's place for it.
    #[serde(default, deserialize_with = "known")]
    pub(super) usage: Option<Usage>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Delta {
    #[serde(default, deserialize_with = "known")]
    pub(super) content: Option<Content>,
    #[serde(default, deserialize_with = "known")]
    pub(super) refusal: Option<String>,
    /// DeepSeek's name for thoughts, and vLLM's first.
    #[serde(default, deserialize_with = "known")]
    pub(super) reasoning_content: Option<String>,
    /// OpenRouter's, Ollama's and vLLM's name for them; some servers send both.
    #[serde(default, deserialize_with = "known")]
    pub(super) reasoning: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub(super) annotations: Option<Vec<Annotation>>,
    #[serde(default, deserialize_with = "each_known")]
    pub(super) tool_calls: Vec<ToolCall>,
    /// The older form, of one call.
    #[serde(default, deserialize_with = "known")]
    pub(super) function_call: Option<Function>,
}

/// A piece of a call.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ToolCall {
    /// Which call of the answer. Some servers leave it out, some give all calls the same.
    #[serde(default, deserialize_with = "known")]
    pub(super) index: Option<u64>,
    /// By the reference in the first piece only, with some servers in each, with others nowhere.
    #[serde(default, deserialize_with = "known")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub(super) function: Option<Function>,
    /// Gemini's signature of its thoughts, without which it refuses the output of the call.
    #[serde(default, deserialize_with = "known")]
    pub(super) extra_content: Option<Map<String, Value>>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Function {
    /// In the first piece only, with some servers in each.
    #[serde(default, deserialize_with = "known")]
    pub(super) name: Option<String>,
    /// A piece of the JSON, with some servers the object itself.
    #[serde(default)]
    pub(super) arguments: Value,
}

/// Text, or with Mistral's thinking models parts of it.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentPart {
    Text {
        text: String,
    },
    Thinking {
        thinking: Vec<Self>,
    },
    #[serde(other)]
    Other,
}

/// A source of the text; its key is its type.
#[derive(Debug, Deserialize)]
pub(super) struct Annotation {
    #[serde(default, deserialize_with = "known")]
    pub(super) url_citation: Option<UrlCitation>,
}

#[derive(Debug, Deserialize)]
pub(super) struct UrlCitation {
    #[serde(default)]
    pub(super) url: Option<String>,
    #[serde(default)]
    pub(super) title: Option<String>,
    /// In characters.
    #[serde(default)]
    pub(super) end_index: Option<i64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) prompt_tokens: u64,
    #[serde(default)]
    pub(super) completion_tokens: u64,
    #[serde(default, deserialize_with = "known")]
    pub(super) prompt_tokens_details: Option<PromptTokensDetails>,
    #[serde(default, deserialize_with = "known")]
    pub(super) completion_tokens_details: Option<CompletionTokensDetails>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PromptTokensDetails {
    #[serde(default, deserialize_with = "known")]
    pub(super) cached_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct CompletionTokensDetails {
    #[serde(default, deserialize_with = "known")]
    pub(super) reasoning_tokens: Option<u64>,
}
