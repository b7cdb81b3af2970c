use serde::Deserialize;

use super::input::{Item, Role};

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
