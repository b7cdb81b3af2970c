//! What the Responses API sends, as far as it is used here.
//!
//! Source: OpenAI's API reference, "Streaming events". It is read leniently: other servers that speak this API leave
//! out what they do not know.

use serde::Deserialize;
use serde_json::Value;

use crate::model::reported::ReportedError;

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
    #[serde(rename = "response.completed")]
    Completed { response: Response },
    #[serde(rename = "response.incomplete")]
    Incomplete { response: Response },
    #[serde(rename = "response.failed")]
    Failed { response: Response },
    /// The code is at the top by the reference, in an object in practice.
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

/// Something the model produced. Calls of tools and the like are `Other`.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum OutputItem {
    Message {
        #[serde(default)]
        id: Option<String>,
        #[serde(default)]
        content: Option<Vec<ContentPart>>,
    },
    Reasoning {
        #[serde(default)]
        summary: Option<Vec<SummaryPart>>,
    },
    #[serde(other)]
    Other,
}

/// A part of a message's content.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ContentPart {
    OutputText {
        #[serde(default)]
        text: String,
        #[serde(default)]
        annotations: Option<Vec<Annotation>>,
    },
    Refusal {
        #[serde(default)]
        refusal: String,
    },
    #[serde(other)]
    Other,
}

/// A part of a summary of the model's thoughts.
#[derive(Debug, Deserialize)]
pub(super) struct SummaryPart {
    #[serde(default)]
    pub(super) text: String,
}

/// Where something in a text comes from; positions count characters.
#[derive(Debug, Deserialize)]
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
    #[serde(other)]
    Other,
}

/// The response as a whole, as its last event has it.
#[derive(Debug, Deserialize)]
pub(super) struct Response {
    #[serde(default)]
    pub(super) output: Option<Vec<OutputItem>>,
    #[serde(default)]
    pub(super) usage: Option<Usage>,
    #[serde(default)]
    pub(super) incomplete_details: Option<IncompleteDetails>,
    #[serde(default)]
    pub(super) error: Option<ReportedError>,
}

/// Why a response was cut.
#[derive(Debug, Deserialize)]
pub(super) struct IncompleteDetails {
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// What a response took.
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
}

#[derive(Debug, Deserialize)]
pub(super) struct OutputTokensDetails {
    #[serde(default)]
    pub(super) reasoning_tokens: u64,
}
