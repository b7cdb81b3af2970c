use serde::Serialize;

use crate::model::prompt::{Input, InputPart, Prompt};

/// The body of `POST /responses`. Source: OpenAI's API reference, "Create a model response".
#[derive(Serialize)]
pub(in crate::model) struct CreateResponse<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input: Vec<InputItem<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    /// The conversation is kept in our own store only.
    store: bool,
    stream: bool,
}

#[derive(Serialize)]
struct Reasoning {
    summary: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum InputItem<'a> {
    Message { role: &'static str, content: MessageContent<'a> },
}

#[derive(Serialize)]
#[serde(untagged)]
enum MessageContent<'a> {
    Parts(Vec<InputContent<'a>>),
    /// The one form in which an earlier answer needs no upstream id and status.
    Text(&'a str),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum InputContent<'a> {
    InputText { text: &'a str },
}

impl<'a> From<&'a Prompt> for CreateResponse<'a> {
    fn from(prompt: &'a Prompt) -> Self {
        Self {
            model: &prompt.model,
            instructions: prompt.instructions.as_deref(),
            input: prompt.input.iter().filter_map(item).collect(),
            max_output_tokens: prompt.max_output_tokens,
            reasoning: prompt.reasoning_summaries.then_some(Reasoning { summary: "auto" }),
            safety_identifier: prompt.user.as_deref(),
            prompt_cache_key: prompt.cache_key.as_deref(),
            store: false,
            stream: true,
        }
    }
}

fn item(input: &Input) -> Option<InputItem<'_>> {
    match input {
        Input::User(parts) => {
            let parts = parts.iter().filter_map(content).collect();
            Some(InputItem::Message { role: "user", content: MessageContent::Parts(parts) })
        }
        Input::Assistant(text) => Some(InputItem::Message { role: "assistant", content: MessageContent::Text(text) }),
        Input::Opaque(_) | Input::Call(_) | Input::CallOutput { .. } => None,
    }
}

fn content(part: &InputPart) -> Option<InputContent<'_>> {
    match part {
        InputPart::Text(text) => Some(InputContent::InputText { text }),
        InputPart::Image(_) | InputPart::File(_) => None,
    }
}
