use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::model::prompt::{FileSource, Input, InputFile, InputPart};

/// An item of a request's `input`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum InputItem<'a> {
    Ours(Item<'a>),
    /// What the model said itself, as it said it.
    Opaque(&'a Value),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'a> {
    Message {
        role: &'static str,
        content: MessageContent<'a>,
    },
    /// Without the upstream's id of the item, by which it would look for what came before it. `call_id` is enough.
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
pub(super) enum MessageContent<'a> {
    Parts(Vec<Content<'a>>),
    /// The one form in which an earlier answer needs no upstream id and status.
    Text(&'a str),
}

#[derive(Serialize)]
#[serde(tag = "type")]
pub(super) enum Content<'a> {
    #[serde(rename = "input_text")]
    Text { text: &'a str },
    #[serde(rename = "input_image")]
    Image { image_url: Cow<'a, str> },
    #[serde(rename = "input_file")]
    File(File<'a>),
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum File<'a> {
    Url { file_url: &'a str },
    Data { filename: &'a str, file_data: Cow<'a, str> },
}

impl<'a> InputItem<'a> {
    /// The item; `None` for what a server of the other API said, which was asked before.
    pub(super) fn read(input: &'a Input) -> Option<Self> {
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

/// The part; `None` for a file that cannot be reached, which no request has.
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
