use serde::Deserialize;
use serde_json::Value;

use super::request::{File, FileData};

/// An item of the Responses API's input or a message of Chat Completions: what the demo model reads of either.
#[derive(Debug, Deserialize)]
pub(super) struct Item {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    role: Option<Role>,
    content: Option<Content>,
    #[serde(default)]
    call_id: Option<String>,
    /// Of a call.
    #[serde(default)]
    name: Option<String>,
    /// Of a call's output.
    #[serde(default)]
    output: Option<Content>,
    /// Calls in a message of Chat Completions.
    #[serde(default)]
    tool_calls: Option<Vec<ToolCall>>,
    #[serde(default)]
    tool_call_id: Option<String>,
}

/// Who says something to the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    User,
    Assistant,
    System,
    Developer,
    Tool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

/// Parts that are not text have none.
#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
    /// An address, or `{url}` in Chat Completions.
    #[serde(default)]
    image_url: Option<Value>,
    #[serde(default)]
    filename: Option<String>,
    #[serde(default)]
    file_data: Option<String>,
    #[serde(default)]
    file_url: Option<String>,
    /// `{filename, file_data}` in Chat Completions.
    #[serde(default)]
    file: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct ToolCall {
    id: String,
    function: CalledFunction,
}

#[derive(Debug, Deserialize)]
struct CalledFunction {
    name: String,
}

impl Item {
    /// Whether one of these wrote it.
    pub(super) fn is_of(&self, roles: &[Role]) -> bool {
        self.role.is_some_and(|role| roles.contains(&role))
    }

    /// Whether the model said it to the user.
    pub(super) fn is_answer(&self) -> bool {
        self.is_of(&[Role::Assistant]) && self.tool_calls.is_none()
    }

    /// Its text; empty if it has none.
    pub(super) fn text(&self) -> String {
        self.content.as_ref().map(Content::text).unwrap_or_default()
    }

    /// The calls in it, as id and name.
    pub(super) fn calls(&self) -> Vec<(&str, &str)> {
        match (self.kind.as_deref(), &self.call_id, &self.name, &self.tool_calls) {
            (Some("function_call"), Some(id), Some(name), _) => vec![(id, name)],
            (_, _, _, Some(calls)) => calls.iter().map(|call| (&*call.id, &*call.function.name)).collect(),
            _ => Vec::new(),
        }
    }

    /// If it is the output of a call: the call's id and the output's text.
    pub(super) fn output(&self) -> Option<(&str, String)> {
        match (self.kind.as_deref(), &self.call_id, &self.output, &self.tool_call_id) {
            (Some("function_call_output"), Some(id), Some(output), _) => Some((id, output.text())),
            (_, _, _, Some(id)) => Some((id, self.text())),
            _ => None,
        }
    }

    /// The pictures and files in it.
    pub(super) fn files(&self) -> Vec<File> {
        match &self.content {
            Some(Content::Parts(parts)) => parts.iter().filter_map(Part::file).collect(),
            Some(Content::Text(_)) | None => Vec::new(),
        }
    }
}

impl Content {
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts.iter().filter_map(|part| part.text.as_deref()).collect::<Vec<_>>().join("\n"),
        }
    }
}

impl Part {
    fn file(&self) -> Option<File> {
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        if let Some(image) = &self.image_url {
            let address = text(image).or_else(|| text(&image["url"]))?;
            return Some(File { name: None, data: read(&address) });
        }
        if let Some(file) = &self.file {
            return Some(File {
                name: text(&file["filename"]),
                data: text(&file["file_data"]).and_then(|data| read(&data)),
            });
        }
        let address = self.file_data.as_ref().or(self.file_url.as_ref())?;
        Some(File { name: self.filename.clone(), data: read(address) })
    }
}

/// What a `data:` address holds; nothing for another one.
fn read(address: &str) -> Option<FileData> {
    let (media_type, base64) = address.strip_prefix("data:")?.split_once(";base64,")?;
    let padding = base64.bytes().rev().take_while(|byte| *byte == b'=').count();
    let size = (base64.len() / 4 * 3).saturating_sub(padding);
    Some(FileData { media_type: media_type.to_owned(), size })
}
