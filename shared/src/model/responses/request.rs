use std::borrow::Cow;

use reqwest::Url;
use serde::Serialize;
use serde_json::Value;

use crate::model::config::is_openai;
use crate::model::prompt::{FileSource, Input, InputFile, InputPart, Prompt};

/// The body of `POST /responses`. Source: OpenAI's API reference, "Create a model response".
#[derive(Serialize)]
pub(crate) struct CreateResponse<'a> {
    #[serde(flatten)]
    shown: ShownPrompt<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_choice: Option<&'a Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    include: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety_identifier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
    /// The conversation is kept in our own store only.
    store: bool,
    stream: bool,
}

/// What the model is shown of a prompt, which is also the body of `POST /responses/input_tokens`.
#[derive(Serialize)]
pub(crate) struct ShownPrompt<'a> {
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    instructions: Option<&'a str>,
    input: Vec<InputItem<'a>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    tools: &'a [Value],
}

impl<'a> ShownPrompt<'a> {
    pub(crate) fn new(prompt: &'a Prompt) -> Self {
        Self {
            model: &prompt.model,
            instructions: prompt.instructions.as_deref(),
            input: prompt.input.iter().filter_map(InputItem::from_input).collect(),
            tools: &prompt.tools,
        }
    }
}

#[derive(Serialize)]
struct Reasoning<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    effort: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'static str>,
}

impl<'a> CreateResponse<'a> {
    pub(crate) fn new(prompt: &'a Prompt, base_url: &Url) -> Self {
        Self {
            shown: ShownPrompt::new(prompt),
            tool_choice: prompt.tool_choice.as_ref().filter(|_| !prompt.tools.is_empty()),
            include: include(prompt, base_url),
            max_output_tokens: prompt.max_output_tokens,
            reasoning: is_known_to_reason(prompt).then(|| Reasoning {
                effort: prompt.reasoning_effort.as_deref(),
                summary: prompt.reasoning_summaries.then_some("auto"),
            }),
            safety_identifier: prompt.user.as_deref(),
            prompt_cache_key: prompt.cache_key.as_deref(),
            store: false,
            stream: true,
        }
    }
}

/// Fields that the answer has only on request.
///
/// Encrypted thoughts are needed where calls may follow them: the upstream stores nothing, so the next round must
/// contain them. Models that do not think refuse the request ("Encrypted content is not supported with this model"), so
/// it is made only where the configuration says that the model thinks; OpenAI's current models send them without a
/// request. Sources are requested of OpenAI alone, because other servers refuse names that they do not know.
fn include(prompt: &Prompt, base_url: &Url) -> Vec<&'static str> {
    let mut include = Vec::new();
    if prompt.has_functions() && is_known_to_reason(prompt) {
        include.push("reasoning.encrypted_content");
    }
    if is_openai(base_url) {
        let has_tool = |kind: &str| prompt.tools.iter().any(|tool| tool["type"] == kind);
        include.extend(has_tool("web_search").then_some("web_search_call.action.sources"));
        include.extend(has_tool("file_search").then_some("file_search_call.results"));
    }
    include
}

fn is_known_to_reason(prompt: &Prompt) -> bool {
    prompt.reasoning_effort.is_some() || prompt.reasoning_summaries
}

/// An item of a request's `input`.
#[derive(Serialize)]
#[serde(untagged)]
enum InputItem<'a> {
    Ours(Item<'a>),
    /// What the model wants back unchanged.
    Opaque(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Item<'a> {
    Message {
        role: &'static str,
        content: MessageContent<'a>,
    },
    /// Without the upstream's id of the item, with which it would look for a stored item. `call_id` is enough.
    FunctionCall {
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
    },
    FunctionCallOutput {
        call_id: &'a str,
        output: &'a str,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
enum MessageContent<'a> {
    Parts(Vec<Content<'a>>),
    /// In any other form an earlier answer needs the upstream's id and a status.
    Text(&'a str),
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Content<'a> {
    #[serde(rename = "input_text")]
    Text { text: &'a str },
    #[serde(rename = "input_image")]
    Image { image_url: Cow<'a, str> },
    #[serde(rename = "input_file")]
    File(File<'a>),
}

#[derive(Serialize)]
#[serde(untagged)]
enum File<'a> {
    Url { file_url: &'a str },
    Data { filename: &'a str, file_data: Cow<'a, str> },
}

impl<'a> InputItem<'a> {
    /// `None` for thoughts of the other API, through which an earlier turn was answered.
    fn from_input(input: &'a Input) -> Option<Self> {
        Some(Self::Ours(match input {
            Input::User(parts) => {
                let parts = parts.iter().filter_map(content).collect();
                Item::Message { role: "user", content: MessageContent::Parts(parts) }
            }
            Input::Assistant(text) => Item::Message { role: "assistant", content: MessageContent::Text(text) },
            Input::Opaque(item) => return item["type"].is_string().then_some(Self::Opaque(item)),
            Input::Call(call) => {
                Item::FunctionCall { call_id: &call.call_id, name: &call.name, arguments: &call.arguments }
            }
            Input::CallOutput { call_id, output } => Item::FunctionCallOutput { call_id, output },
        }))
    }
}

/// `None` for a file in our own bucket, which no request has.
fn content(part: &InputPart) -> Option<Content<'_>> {
    Some(match part {
        InputPart::Text(text) => Content::Text { text },
        InputPart::Image(image) => Content::Image { image_url: image.url()? },
        InputPart::File(file) => Content::File(self::file(file)?),
    })
}

fn file(file: &InputFile) -> Option<File<'_>> {
    match &file.source {
        FileSource::Url(file_url) => Some(File::Url { file_url }),
        FileSource::Stored(_) | FileSource::Base64(_) => {
            Some(File::Data { filename: &file.name, file_data: file.url()? })
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn sources_are_asked_of_openai_alone() {
        let tools = ["web_search", "file_search", "web_search_preview"].map(|kind| json!({"type": kind}));
        let prompt = Prompt { tools: tools.to_vec(), ..Prompt::default() };
        let sources = ["web_search_call.action.sources", "file_search_call.results"];
        for (base_url, expected) in [
            ("https://api.openai.com/v1", &sources[..]),
            ("https://site.openai.azure.com/openai/v1/", &sources),
            ("http://localhost:4000/v1", &[]),
        ] {
            assert_eq!(include(&prompt, &base_url.parse().unwrap()), expected, "{base_url}");
        }
        let preview = Prompt { tools: tools[2..].to_vec(), ..Prompt::default() };
        assert!(include(&preview, &"https://api.openai.com/v1".parse().unwrap()).is_empty());
    }

    #[test]
    fn thoughts_are_asked_of_models_that_think_and_call_functions() {
        let function = || vec![json!({"type": "function", "name": "f"})];
        let thinking = Prompt { reasoning_effort: Some("low".to_owned()), ..Prompt::default() };
        let base_url = "http://localhost:4000/v1".parse().unwrap();
        for (prompt, expected) in [
            (Prompt { tools: function(), ..thinking.clone() }, &["reasoning.encrypted_content"][..]),
            (Prompt { tools: function(), ..Prompt::default() }, &[]),
            (thinking, &[]),
        ] {
            assert_eq!(include(&prompt, &base_url), expected, "{prompt:?}");
        }
    }
}
