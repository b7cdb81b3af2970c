//! What the Responses API sends, as far as it is used here.
//!
//! Source: OpenAI's API reference, "Streaming events". It is read leniently: other servers that speak this API leave
//! out what they do not know.

use serde::Deserialize;
use serde_json::Value;

use super::item::{Annotation, ContentPart, OutputItem};
use crate::model::lenient::{each_known, known};
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

/// The response as a whole, as its last event has it.
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
    /// Whether it says that something cut it off.
    pub(super) fn is_incomplete(&self) -> bool {
        self.status.as_deref() == Some("incomplete")
    }
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
