//! What the model produced, as the Responses API has it. Source: OpenAI's API reference, "The response object".

use serde::Deserialize;
use serde_json::Value;

use super::hosted::Hosted;
use crate::json_depth::is_too_deep;
use crate::model::lenient::{each_known, known};

/// Something the model produced.
#[derive(Debug, Default, Deserialize)]
#[serde(from = "Value")]
pub(super) enum OutputItem {
    Message(Message),
    Reasoning(Reasoning),
    FunctionCall(FunctionCall),
    Image(Image),
    Hosted(Hosted),
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
    /// What the upstream wants back with the calls that follow.
    pub(super) kept: Option<Value>,
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
            _ => return Hosted::read(item).map_or(Self::Other, Self::Hosted),
        };
        read.unwrap_or_default()
    }
}

impl From<Value> for Reasoning {
    /// Encrypted thoughts go back without their id, by which OpenAI would look for a stored item and for the one behind
    /// it. Open models give their thoughts in plain text, and servers like vLLM want them back as they are.
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
        let is_kept = (is_encrypted || is_plain) && !is_too_deep(&item);
        Self { summary, kept: is_kept.then_some(item) }
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

/// Where something in a text comes from; positions count characters.
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
