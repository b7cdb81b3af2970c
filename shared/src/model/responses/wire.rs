//! What the Responses API sends, as far as it is used here.
//!
//! Source: OpenAI's API reference, "Streaming events" and "The response object". It is read leniently: other servers
//! that speak this API leave out what they do not know.

use serde::Deserialize;
use serde_json::Value;

use super::hosted_tools::HostedToolCall;
use crate::json::is_too_deep;
use crate::model::wire::{ReportedError, each_known, known};

/// An event of the stream.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
pub(super) enum StreamEvent {
    #[serde(rename = "response.output_item.added")]
    OutputItemAdded {
        #[serde(default)]
        output_index: u64,
        item: OutputItem,
    },
    #[serde(rename = "response.output_item.done")]
    OutputItemDone {
        #[serde(default)]
        output_index: u64,
        item: OutputItem,
    },
    #[serde(rename = "response.content_part.added")]
    ContentPartAdded {
        #[serde(default)]
        output_index: u64,
        #[serde(default)]
        content_index: u64,
        part: ContentPart,
    },
    #[serde(rename = "response.content_part.done")]
    ContentPartDone {
        #[serde(default)]
        output_index: u64,
        #[serde(default)]
        content_index: u64,
        part: ContentPart,
    },
    #[serde(rename = "response.output_text.delta", alias = "response.refusal.delta")]
    TextDelta {
        #[serde(default)]
        output_index: u64,
        #[serde(default)]
        content_index: u64,
        delta: String,
    },
    #[serde(rename = "response.output_text.done", alias = "response.refusal.done")]
    TextDone {
        #[serde(default)]
        output_index: u64,
        #[serde(default)]
        content_index: u64,
        #[serde(alias = "refusal")]
        text: String,
    },
    #[serde(rename = "response.output_text.annotation.added")]
    AnnotationAdded {
        #[serde(default)]
        output_index: u64,
        #[serde(default)]
        content_index: u64,
        annotation: Option<Annotation>,
    },
    #[serde(rename = "response.reasoning_summary_text.delta")]
    ReasoningSummaryDelta {
        #[serde(default)]
        output_index: u64,
        #[serde(default)]
        summary_index: u64,
        delta: String,
    },
    #[serde(rename = "response.reasoning_summary_text.done")]
    ReasoningSummaryDone {
        #[serde(default)]
        output_index: u64,
        #[serde(default)]
        summary_index: u64,
        text: String,
    },
    #[serde(rename = "response.function_call_arguments.delta")]
    ArgumentsDelta {
        #[serde(default)]
        output_index: u64,
        delta: String,
    },
    #[serde(rename = "response.function_call_arguments.done")]
    ArgumentsDone {
        #[serde(default)]
        output_index: u64,
        arguments: String,
    },
    #[serde(rename = "response.web_search_call.in_progress", alias = "response.web_search_call.searching")]
    WebSearch {
        #[serde(default)]
        output_index: u64,
    },
    #[serde(rename = "response.file_search_call.in_progress", alias = "response.file_search_call.searching")]
    FileSearch {
        #[serde(default)]
        output_index: u64,
    },
    #[serde(
        rename = "response.code_interpreter_call.in_progress",
        alias = "response.code_interpreter_call.interpreting"
    )]
    CodeInterpreter {
        #[serde(default)]
        output_index: u64,
    },
    #[serde(rename = "response.code_interpreter_call_code.done")]
    CodeDone {
        #[serde(default)]
        output_index: u64,
        code: String,
    },
    #[serde(rename = "response.image_generation_call.in_progress", alias = "response.image_generation_call.generating")]
    Image {
        #[serde(default)]
        output_index: u64,
    },
    #[serde(rename = "response.image_generation_call.partial_image")]
    ImagePartial {
        #[serde(default)]
        output_index: u64,
        #[serde(default)]
        partial_image_index: u64,
        partial_image_b64: String,
        #[serde(default, deserialize_with = "known")]
        output_format: Option<String>,
    },
    #[serde(rename = "response.completed")]
    Completed {
        #[serde(default, deserialize_with = "known")]
        response: Option<Response>,
    },
    #[serde(rename = "response.incomplete")]
    Incomplete {
        #[serde(default, deserialize_with = "known")]
        response: Option<Response>,
    },
    #[serde(rename = "response.failed")]
    Failed {
        #[serde(default, deserialize_with = "known")]
        response: Option<Response>,
    },
    /// By the reference the code is at the top; in practice it is in an object.
    #[serde(rename = "error")]
    Error {
        #[serde(default)]
        code: Value,
        #[serde(default)]
        error: Option<ReportedError>,
    },
    #[serde(other)]
    Other,
}

/// The whole response, in its last event.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Response {
    #[serde(default, deserialize_with = "known")]
    status: Option<String>,
    #[serde(default, deserialize_with = "each_known")]
    pub(super) output: Vec<OutputItem>,
    #[serde(default, deserialize_with = "known")]
    pub(super) usage: Option<Usage>,
    #[serde(default, deserialize_with = "known")]
    pub(super) incomplete_details: Option<IncompleteDetails>,
    #[serde(default, deserialize_with = "known")]
    pub(super) error: Option<ReportedError>,
}

impl Response {
    pub(super) fn is_incomplete(&self) -> bool {
        self.status.as_deref() == Some("incomplete")
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct IncompleteDetails {
    #[serde(default)]
    pub(super) reason: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) input_tokens: u64,
    #[serde(default)]
    pub(super) input_tokens_details: Option<InputTokensDetails>,
    #[serde(default)]
    pub(super) output_tokens: u64,
    #[serde(default)]
    pub(super) output_tokens_details: Option<OutputTokensDetails>,
}

#[derive(Debug, Deserialize)]
pub(super) struct InputTokensDetails {
    #[serde(default)]
    pub(super) cached_tokens: u64,
    #[serde(default)]
    pub(super) cache_write_tokens: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct OutputTokensDetails {
    #[serde(default)]
    pub(super) reasoning_tokens: u64,
}

/// Something the model produced. Source: OpenAI's API reference, "The response object".
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Value")]
pub(super) enum OutputItem {
    Message(Message),
    Reasoning(Reasoning),
    FunctionCall(FunctionCall),
    Image(Image),
    HostedTool(HostedToolCall),
    #[default]
    Other,
}

#[derive(Debug, Deserialize)]
pub(super) struct Message {
    #[serde(default, deserialize_with = "known")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "each_known")]
    pub(super) content: Vec<ContentPart>,
}

#[derive(Debug)]
pub(super) struct Reasoning {
    pub(super) summary: Vec<String>,
    /// The item as the next round must contain it.
    pub(super) opaque: Option<Value>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FunctionCall {
    #[serde(default, deserialize_with = "known")]
    pub(super) id: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub(super) call_id: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub(super) arguments: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub(super) status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Image {
    #[serde(default, deserialize_with = "known")]
    pub(super) id: Option<String>,
    /// In base64.
    #[serde(default, deserialize_with = "known")]
    pub(super) result: Option<String>,
    #[serde(default, deserialize_with = "known")]
    pub(super) output_format: Option<String>,
}

impl From<Value> for OutputItem {
    fn from(item: Value) -> Self {
        let kind = item["type"].as_str().unwrap_or_default();
        let read = match kind {
            "message" => serde_json::from_value(item).map(Self::Message),
            "reasoning" => return Self::Reasoning(Reasoning::from(item)),
            "function_call" => serde_json::from_value(item).map(Self::FunctionCall),
            "image_generation_call" => serde_json::from_value(item).map(Self::Image),
            _ => return HostedToolCall::from_item(item).map_or(Self::Other, Self::HostedTool),
        };
        read.unwrap_or_default()
    }
}

impl From<Value> for Reasoning {
    /// Encrypted thoughts go back without their id: OpenAI would look for a stored item with it. Open models give their
    /// thoughts as text, and servers like vLLM want them back unchanged.
    fn from(mut item: Value) -> Self {
        let summary = item["summary"].as_array().into_iter().flatten();
        let summary = summary.map(|part| part["text"].as_str().unwrap_or_default().to_owned()).collect();
        let is_encrypted = item["encrypted_content"].as_str().is_some_and(|content| !content.is_empty());
        let is_plain = item["content"].as_array().is_some_and(|content| !content.is_empty());
        if let Some(item) = item.as_object_mut() {
            item.remove("status");
            if is_encrypted {
                item.remove("id");
            }
        }
        let is_wanted = (is_encrypted || is_plain) && !is_too_deep(&item);
        Self { summary, opaque: is_wanted.then_some(item) }
    }
}

/// A part of a message's content.
#[derive(Debug, Default, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentPart {
    OutputText {
        #[serde(default)]
        text: String,
        #[serde(default, deserialize_with = "each_known")]
        annotations: Vec<Annotation>,
    },
    Refusal {
        #[serde(default)]
        refusal: String,
    },
    #[default]
    #[serde(other)]
    Other,
}

/// A source of a text; positions count characters.
#[derive(Debug, Default, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Annotation {
    FileCitation {
        #[serde(default)]
        filename: Option<String>,
        #[serde(default)]
        index: Option<i64>,
    },
    ContainerFileCitation {
        #[serde(default)]
        filename: Option<String>,
        #[serde(default)]
        end_index: Option<i64>,
    },
    UrlCitation {
        #[serde(default)]
        url: Option<String>,
        #[serde(default)]
        title: Option<String>,
        #[serde(default)]
        end_index: Option<i64>,
    },
    #[default]
    #[serde(other)]
    Other,
}
