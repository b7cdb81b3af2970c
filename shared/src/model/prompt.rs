use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A request to the model, before it takes the form of one of the two APIs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prompt {
    /// The model's name.
    pub model: String,
    /// What the assistant is and how it should answer.
    pub instructions: Option<String>,
    /// The conversation, oldest first.
    pub input: Vec<Input>,
    /// What the model may use, each in the Responses API's own shape.
    pub tools: Vec<Value>,
    /// The tool that the model must use, in the Responses API's own shape; it chooses itself where there is none.
    pub tool_choice: Option<Value>,
    /// The length at which the answer is cut, reasoning included.
    pub max_output_tokens: Option<u32>,
    /// How long to think, such as `low`. Models without reasoning refuse a request that says so.
    pub reasoning_effort: Option<String>,
    /// Whether to ask for summaries of the model's thoughts. Models without reasoning refuse such a request.
    pub reasoning_summaries: bool,
    /// The user's id, hashed: the upstream's abuse detection wants to tell users apart (`safety_identifier`).
    pub user: Option<String>,
    /// The same for requests with the same beginning, so that they use the same cache (`prompt_cache_key`).
    pub cache_key: Option<String>,
    /// What is known of its size.
    pub counted: CountedPart,
}

/// The beginning of a prompt that the model has counted before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CountedPart {
    /// The most tokens of the instructions, the tools and the first inputs.
    pub tokens: u64,
    /// How many inputs those are; where none are counted, the tokens are 0.
    pub inputs: usize,
    /// The item with which the inputs begin, if they do not begin with the thread.
    pub begins_at: Option<String>,
}

impl Prompt {
    /// The configuration of the tool that makes pictures, if the model may use it.
    pub(super) fn image_tool(&self) -> Option<&Value> {
        self.tools.iter().find(|tool| tool["type"] == "image_generation")
    }

    /// Whether the model may call functions.
    pub(crate) fn has_functions(&self) -> bool {
        self.tools.iter().any(|tool| tool["type"] == "function")
    }

    /// Whether a file is still in our own store, where the model's server cannot read it.
    pub(super) fn has_stored_files(&self) -> bool {
        files_of(&self.input).any(|file| matches!(file.source, FileSource::Stored(_)))
    }

    /// The model has counted all of it.
    pub(crate) const fn set_counted(&mut self, tokens: u64) {
        (self.counted.tokens, self.counted.inputs) = (tokens, self.input.len());
    }

    /// Whether the model has counted all of it.
    pub(crate) const fn is_counted(&self) -> bool {
        self.counted.inputs == self.input.len()
    }

    /// Whether the model is shown files that it has not counted yet, and whose bytes do not tell how much they are.
    pub(crate) fn has_uncounted_files(&self) -> bool {
        files_of(self.input.get(self.counted.inputs..).unwrap_or_default()).any(|file| !file.is_text())
    }
}

/// Whether files of this type are text.
pub(crate) fn is_text(media_type: &str) -> bool {
    media_type.starts_with("text/") || media_type == "application/json"
}

fn files_of(input: &[Input]) -> impl Iterator<Item = &InputFile> {
    let parts = input.iter().filter_map(|input| match input {
        Input::User(parts) => Some(parts),
        Input::Assistant(_) | Input::Opaque(_) | Input::Call(_) | Input::CallOutput { .. } => None,
    });
    parts.flatten().filter_map(|part| match part {
        InputPart::Text(_) => None,
        InputPart::Image(file) | InputPart::File(file) => Some(file),
    })
}

/// An entry of the conversation.
///
/// The store keeps this type, and the types of its fields, as JSON: a renamed field or variant makes threads
/// unreadable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// What the user said.
    User(Vec<InputPart>),
    /// What the assistant answered.
    Assistant(String),
    /// What the model wants back unchanged, such as encrypted thoughts. Never shown.
    Opaque(Value),
    /// A function that the model called.
    Call(FunctionCall),
    /// What the function returned.
    CallOutput {
        /// The call's id.
        call_id: String,
        /// Text, mostly JSON.
        output: String,
    },
}

/// A call of a function. Stored as JSON, as [`Input`] is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// Matches the call with its output: the upstream's id, or ours where it gives none.
    pub call_id: String,
    /// The function.
    pub name: String,
    /// What the model passes: it should be a JSON object, but may be any text.
    pub arguments: String,
    /// What the model's server wants back with the call, unchanged: Gemini's signature of the thoughts before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra_content: Option<Value>,
}

impl FunctionCall {
    /// The call with `{}` in place of arguments that are not a JSON object. Servers that parse the arguments in a
    /// prompt (vLLM, Ollama, gateways) would refuse the prompt, and every later one of the thread. The output of the
    /// call says what was wrong.
    #[must_use]
    pub(crate) fn with_valid_arguments(&self) -> Self {
        let is_object = serde_json::from_str::<Map<String, Value>>(&self.arguments).is_ok();
        let arguments = if is_object { self.arguments.clone() } else { "{}".to_owned() };
        Self { arguments, ..self.clone() }
    }
}

/// A part of what the user said. Stored as JSON, as [`Input`] is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InputPart {
    /// Text.
    Text(String),
    /// A picture.
    Image(InputFile),
    /// A document.
    File(InputFile),
}

/// A file that the model is shown. Stored as JSON, as [`Input`] is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    /// Its name.
    pub name: String,
    /// Its type, such as `image/png`.
    pub media_type: String,
    /// In bytes.
    pub size: u64,
    /// Where they are.
    pub source: FileSource,
}

/// Where the bytes of a file are. Stored as JSON, as [`Input`] is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileSource {
    /// In our own bucket, under this id. Replaced by one of the other two before the model is called.
    Stored(String),
    /// Where the model's server can fetch them.
    Url(String),
    /// In the request, in base64.
    Base64(String),
}

impl InputFile {
    /// Whether its bytes are what the model is shown.
    pub(crate) fn is_text(&self) -> bool {
        is_text(&self.media_type)
    }

    /// An address, or a `data:` URL with the whole file. `None` while it is in our own bucket.
    pub(super) fn url(&self) -> Option<Cow<'_, str>> {
        match &self.source {
            FileSource::Stored(_) => None,
            FileSource::Url(url) => Some(url.into()),
            FileSource::Base64(base64) => Some(format!("data:{};base64,{base64}", self.media_type).into()),
        }
    }
}
