use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::prompt::{FileSource, FunctionCall, Input, InputFile, InputPart, Prompt};

/// A message of the conversation.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    role: &'static str,
    /// `null` where the model only calls functions.
    content: Option<Content<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<ToolCall<'a>>,
    /// The call whose output this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<&'a str>,
    /// The thoughts before the calls, under the server's name for them.
    #[serde(flatten)]
    thoughts: Option<&'a Map<String, Value>>,
}

#[derive(Serialize)]
struct ToolCall<'a> {
    id: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    function: Function<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<&'a Value>,
}

#[derive(Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> Message<'a> {
    const fn new(role: &'static str, content: Option<Content<'a>>) -> Self {
        Self { role, content, tool_calls: Vec::new(), tool_call_id: None, thoughts: None }
    }
}

/// The instructions and the conversation. Consecutive inputs of one role become one message, because the chat templates
/// of many open models want the roles to alternate. Only the output of each call is a message of its own.
pub(super) fn messages(prompt: &Prompt) -> Vec<Message<'_>> {
    let mut messages = Messages(Vec::new());
    if let Some(text) = &prompt.instructions {
        messages.append("system", Content::Text(text.into()));
    }
    for input in &prompt.input {
        match input {
            Input::User(parts) => messages.append("user", Content::from_user(parts)),
            Input::Assistant(text) => messages.append("assistant", Content::Text(text.into())),
            Input::Opaque(thoughts) => {
                messages.last_of("assistant").thoughts = thoughts.as_object().filter(|map| are_thoughts(map))
            }
            Input::Call(call) => messages.last_of("assistant").tool_calls.push(ToolCall::from(call)),
            Input::CallOutput { call_id, output } => {
                let content = Content::Text(Cow::from(output));
                let output = Message { tool_call_id: Some(call_id), ..Message::new("tool", Some(content)) };
                messages.0.push(output);
            }
        }
    }
    messages.0.retain(|message| message.content.is_some() || !message.tool_calls.is_empty());
    messages.0
}

/// Whether these are thoughts of this API, not of the other one, through which an earlier turn was answered.
fn are_thoughts(map: &Map<String, Value>) -> bool {
    map.keys().all(|name| matches!(name.as_str(), "reasoning_content" | "reasoning"))
}

struct Messages<'a>(Vec<Message<'a>>);

impl<'a> Messages<'a> {
    fn append(&mut self, role: &'static str, content: Content<'a>) {
        let last = self.last_of(role);
        last.content = Some(match last.content.take() {
            Some(before) => before.join(content),
            None => content,
        });
    }

    fn last_of(&mut self, role: &'static str) -> &mut Message<'a> {
        if self.0.last().is_none_or(|last| last.role != role) {
            self.0.push(Message::new(role, None));
        }
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

impl<'a> From<&'a FunctionCall> for ToolCall<'a> {
    fn from(call: &'a FunctionCall) -> Self {
        let FunctionCall { call_id, name, arguments, extra_content } = call;
        let extra_content = extra_content.as_ref();
        Self { id: call_id, kind: "function", function: Function { name, arguments }, extra_content }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    /// Wherever there is only text: servers of text models accept nothing else.
    Text(Cow<'a, str>),
    Parts(Vec<Part<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: Cow<'a, str> },
    ImageUrl { image_url: Image<'a> },
    File { file: File<'a> },
}

#[derive(Serialize)]
struct Image<'a> {
    url: Cow<'a, str>,
}

#[derive(Serialize)]
struct File<'a> {
    filename: &'a str,
    file_data: Cow<'a, str>,
}

impl<'a> Content<'a> {
    fn from_user(parts: &'a [InputPart]) -> Self {
        let parts: Vec<_> = parts.iter().filter_map(part).collect();
        let texts = parts.iter().map(|part| match part {
            Part::Text { text } => Some(text.as_ref()),
            Part::ImageUrl { .. } | Part::File { .. } => None,
        });
        match texts.collect::<Option<Vec<_>>>() {
            Some(texts) => Self::Text(texts.join("\n").into()),
            None => Self::Parts(parts),
        }
    }

    fn join(self, next: Self) -> Self {
        match (self, next) {
            (Self::Text(text), Self::Text(next)) => Self::Text(format!("{text}\n\n{next}").into()),
            (content, next) => Self::Parts(content.into_parts().into_iter().chain(next.into_parts()).collect()),
        }
    }

    fn into_parts(self) -> Vec<Part<'a>> {
        match self {
            Self::Text(text) => vec![Part::Text { text }],
            Self::Parts(parts) => parts,
        }
    }
}

/// `None` for a file in our own bucket, which no request has.
fn part(part: &InputPart) -> Option<Part<'_>> {
    Some(match part {
        InputPart::Text(text) => Part::Text { text: text.into() },
        InputPart::Image(image) => Part::ImageUrl { image_url: Image { url: image.url()? } },
        InputPart::File(file) => self::file(file)?,
    })
}

/// A text file becomes text, which every model reads. The API takes no URLs of files.
fn file(file: &InputFile) -> Option<Part<'_>> {
    let InputFile { name, .. } = file;
    let base64 = match &file.source {
        FileSource::Base64(base64) => base64,
        FileSource::Url(_) => {
            let text = format!("The file `{name}` cannot be shown to you.").into();
            return Some(Part::Text { text });
        }
        FileSource::Stored(_) => return None,
    };
    let text = is_text(&file.media_type).then(|| STANDARD.decode(base64).ok().and_then(|t| String::from_utf8(t).ok()));
    Some(match text.flatten() {
        Some(text) => Part::Text { text: format!("The file `{name}`:\n{text}").into() },
        None => Part::File { file: File { filename: name, file_data: file.url()? } },
    })
}

fn is_text(media_type: &str) -> bool {
    let media_type = media_type.split(';').next().unwrap_or_default().trim();
    media_type.starts_with("text/")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
        || matches!(media_type, "application/json" | "application/xml" | "application/yaml" | "application/javascript")
}
