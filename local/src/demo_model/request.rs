//! What the demo model reads of a request, of either API.

use serde::Deserialize;
use serde_json::Value;

/// The body of `POST /v1/responses`, as far as the demo model cares.
#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) model: String,
    #[serde(default)]
    pub(super) instructions: Option<String>,
    pub(super) input: Input,
    #[serde(default)]
    pub(super) tools: Vec<Tool>,
    #[serde(default)]
    pub(super) tool_choice: Option<ToolChoice>,
    #[serde(default)]
    pub(super) max_output_tokens: Option<u32>,
    #[serde(default)]
    pub(super) prompt_cache_key: Option<String>,
    #[serde(default)]
    pub(super) safety_identifier: Option<String>,
    #[serde(default)]
    pub(super) stream: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Input {
    Text(String),
    Items(Vec<Item>),
}

/// Something that the model may use, in the shape of either API.
#[derive(Debug, Deserialize)]
pub(super) struct Tool {
    /// `function`, or the type of one that OpenAI runs.
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(default)]
    name: Option<String>,
    /// Chat Completions has the name in here.
    #[serde(default)]
    function: Option<NamedFunction>,
    /// How many previews of a picture there are.
    #[serde(default)]
    pub(super) partial_images: usize,
}

#[derive(Debug, Deserialize)]
struct NamedFunction {
    name: String,
}

/// `auto`, `none` or `required`, or the tool that must be used.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ToolChoice {
    Mode(String),
    Tool(Tool),
}

impl Tool {
    /// A function's name, or the type of what OpenAI runs.
    pub(super) fn name(&self) -> &str {
        let function = self.function.as_ref().map(|function| &function.name);
        self.name.as_ref().or(function).unwrap_or(&self.kind)
    }
}

/// A file that came with a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) name: Option<String>,
    /// Unknown of a file that is only an address.
    pub(super) data: Option<FileData>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileData {
    pub(super) media_type: String,
    /// In bytes.
    pub(super) size: usize,
}

impl Request {
    /// Whether a title for the conversation is wanted, not an answer.
    pub(super) fn wants_title(&self) -> bool {
        self.instructions.as_deref().is_some_and(|instructions| instructions.starts_with("Write a title"))
    }

    /// How many messages there are, of the user and of the model.
    pub(super) fn message_count(&self) -> usize {
        match &self.input {
            Input::Text(_) => 1,
            Input::Items(items) => items.iter().filter(|item| item.is_of(&[Role::User]) || item.is_answer()).count(),
        }
    }

    /// How many items there are, of any kind.
    pub(super) fn item_count(&self) -> usize {
        self.items().len()
    }

    /// What the user said, oldest first.
    pub(super) fn user_texts(&self) -> Vec<String> {
        match &self.input {
            Input::Text(text) => vec![text.clone()],
            Input::Items(items) => items.iter().filter(|item| item.is_of(&[Role::User])).map(Item::text).collect(),
        }
    }

    /// What came after the newest answer: the question, and what was done about it so far.
    pub(super) fn turn(&self) -> &[Item] {
        let items = self.items();
        let start = items.iter().rposition(Item::is_answer).map_or(0, |answer| answer + 1);
        &items[start..]
    }

    /// The files of the newest message.
    pub(super) fn files(&self) -> Vec<File> {
        self.items().iter().rfind(|item| item.is_of(&[Role::User])).map(Item::files).unwrap_or_default()
    }

    /// What functions returned since the newest answer, as their names and the outputs.
    pub(super) fn outputs(&self) -> Vec<(&str, String)> {
        let calls: Vec<_> = self.turn().iter().flat_map(Item::calls).collect();
        let outputs = self.turn().iter().filter_map(Item::output);
        let named = outputs.map(|(id, output)| {
            let call = calls.iter().find(|(call, _)| *call == id);
            (call.map_or("a tool", |(_, name)| name), output)
        });
        named.collect()
    }

    /// What the user said since the newest output.
    pub(super) fn said_since(&self) -> Vec<String> {
        let since = self.turn().iter().rev().take_while(|item| item.output().is_none());
        let mut said: Vec<_> = since.filter(|item| item.is_of(&[Role::User])).map(Item::text).collect();
        said.reverse();
        said
    }

    fn items(&self) -> &[Item] {
        match &self.input {
            Input::Text(_) => &[],
            Input::Items(items) => items,
        }
    }

    /// All text there is to read, instructions included, in characters.
    pub(super) fn length(&self) -> usize {
        let input = match &self.input {
            Input::Text(text) => text.chars().count(),
            Input::Items(items) => items.iter().map(|item| item.text().chars().count()).sum(),
        };
        input + self.instructions.as_deref().unwrap_or_default().chars().count()
    }
}

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
