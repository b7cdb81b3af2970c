use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{InferenceOptions, Paging, UserContent, lenient};

/// One ChatKit operation with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// `threads.create`, streamed.
    CreateThread(CreateThread),
    /// `threads.add_user_message`, streamed.
    AddUserMessage(AddUserMessage),
    /// `threads.add_client_tool_output`, streamed.
    AddClientToolOutput(AddClientToolOutput),
    /// `threads.add_structured_input`, streamed.
    AddStructuredInput(AddStructuredInput),
    /// `threads.retry_after_item`, streamed.
    RetryAfterItem(RetryAfterItem),
    /// `threads.custom_action`, streamed.
    CustomAction(CustomAction),
    /// `threads.sync_custom_action`, answered with `{"updated_item"?}`.
    SyncCustomAction(CustomAction),
    /// `threads.get_by_id`, answered with a thread and its items.
    GetThread(GetThread),
    /// `threads.list`, answered with a page of threads.
    ListThreads(ListThreads),
    /// `threads.update`, answered with the thread.
    UpdateThread(UpdateThread),
    /// `threads.delete`, answered with `{}`.
    DeleteThread(DeleteThread),
    /// `items.list`, answered with a page of items.
    ListItems(ListItems),
    /// `items.feedback`, answered with `{}`.
    Feedback(Feedback),
    /// `attachments.create`, answered with the attachment.
    AttachmentsCreate(AttachmentsCreate),
    /// `attachments.delete`, answered with `{}`.
    AttachmentsDelete(AttachmentsDelete),
    /// `input.transcribe`, answered with `{"text"}`.
    Transcribe(Transcribe),
}

/// Why a body is not an operation.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// Not JSON, or not an object with a `type`.
    #[error("the body is not a ChatKit request: {0}")]
    Envelope(String),
    /// A `type` that does not exist.
    #[error("unknown operation `{0}`")]
    UnknownOperation(String),
    /// Parameters that do not fit the operation.
    #[error("`{operation}`: {message}")]
    Params {
        /// The operation's wire name.
        operation: String,
        /// The path of the wrong field and what it wants.
        message: String,
    },
}

#[derive(Deserialize)]
struct Envelope<'a> {
    r#type: String,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

impl Request {
    /// Reads a request body. `metadata` is free and ignored, as are unknown keys anywhere.
    ///
    /// # Errors
    /// [`RequestError`], whose text is fit for the client: it names the field, never its value.
    pub fn parse(body: &[u8]) -> Result<Self, RequestError> {
        let lenient::ObjectOnly(envelope) = serde_json::from_slice::<lenient::ObjectOnly<Envelope<'_>>>(body)
            .map_err(|error| RequestError::Envelope(describe(&error)))?;
        let operation = envelope.r#type.as_str();
        let params = envelope.params.map_or("null", RawValue::get);
        match operation {
            "threads.create" => read(operation, params).map(Self::CreateThread),
            "threads.add_user_message" => read(operation, params).map(Self::AddUserMessage),
            "threads.add_client_tool_output" => read(operation, params).map(Self::AddClientToolOutput),
            "threads.add_structured_input" => read(operation, params).map(Self::AddStructuredInput),
            "threads.retry_after_item" => read(operation, params).map(Self::RetryAfterItem),
            "threads.custom_action" => read(operation, params).map(Self::CustomAction),
            "threads.sync_custom_action" => read(operation, params).map(Self::SyncCustomAction),
            "threads.get_by_id" => read(operation, params).map(Self::GetThread),
            "threads.list" => read(operation, params).map(Self::ListThreads),
            "threads.update" => read(operation, params).map(Self::UpdateThread),
            "threads.delete" => read(operation, params).map(Self::DeleteThread),
            "items.list" => read(operation, params).map(Self::ListItems),
            "items.feedback" => read(operation, params).map(Self::Feedback),
            "attachments.create" => read(operation, params).map(Self::AttachmentsCreate),
            "attachments.delete" => read(operation, params).map(Self::AttachmentsDelete),
            "input.transcribe" => read(operation, params).map(Self::Transcribe),
            unknown => Err(RequestError::UnknownOperation(unknown.chars().take(64).collect())),
        }
    }

    /// Whether the answer is a stream of events, and may take as long as a model talks.
    pub const fn is_streamed(&self) -> bool {
        match self {
            Self::CreateThread(_)
            | Self::AddUserMessage(_)
            | Self::AddClientToolOutput(_)
            | Self::AddStructuredInput(_)
            | Self::RetryAfterItem(_)
            | Self::CustomAction(_) => true,
            Self::SyncCustomAction(_)
            | Self::GetThread(_)
            | Self::ListThreads(_)
            | Self::UpdateThread(_)
            | Self::DeleteThread(_)
            | Self::ListItems(_)
            | Self::Feedback(_)
            | Self::AttachmentsCreate(_)
            | Self::AttachmentsDelete(_)
            | Self::Transcribe(_) => false,
        }
    }

    /// The operation's wire name.
    pub const fn operation(&self) -> &'static str {
        match self {
            Self::CreateThread(_) => "threads.create",
            Self::AddUserMessage(_) => "threads.add_user_message",
            Self::AddClientToolOutput(_) => "threads.add_client_tool_output",
            Self::AddStructuredInput(_) => "threads.add_structured_input",
            Self::RetryAfterItem(_) => "threads.retry_after_item",
            Self::CustomAction(_) => "threads.custom_action",
            Self::SyncCustomAction(_) => "threads.sync_custom_action",
            Self::GetThread(_) => "threads.get_by_id",
            Self::ListThreads(_) => "threads.list",
            Self::UpdateThread(_) => "threads.update",
            Self::DeleteThread(_) => "threads.delete",
            Self::ListItems(_) => "items.list",
            Self::Feedback(_) => "items.feedback",
            Self::AttachmentsCreate(_) => "attachments.create",
            Self::AttachmentsDelete(_) => "attachments.delete",
            Self::Transcribe(_) => "input.transcribe",
        }
    }
}

fn read<T: DeserializeOwned>(operation: &str, params: &str) -> Result<T, RequestError> {
    let mut deserializer = serde_json::Deserializer::from_str(params);
    let read = serde_path_to_error::deserialize(&mut deserializer).map(|lenient::ObjectOnly(params)| params);
    read.map_err(|error| {
        let path = error.path().to_string();
        let reason = describe(error.inner());
        let message = if path == "." { format!("params: {reason}") } else { format!("params.{path}: {reason}") };
        RequestError::Params { operation: operation.to_owned(), message }
    })
}

/// `serde_json`'s message without its values and positions: what a user wrote must not come back in an error or a log.
fn describe(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.strip_suffix(&format!(" at line {} column {}", error.line(), error.column())).unwrap_or(&text);
    match text.split_once("invalid type: ").or_else(|| text.split_once("invalid value: ")) {
        Some((_, rest)) => rest
            .rsplit_once("expected ")
            .map_or_else(|| "wrong type".to_owned(), |(_, expected)| format!("wrong type, expected {expected}")),
        None if text.starts_with("unknown variant") => text
            .rsplit_once(", expected ")
            .map_or_else(|| "unknown value".to_owned(), |(_, known)| format!("unknown value, expected {known}")),
        None => text.to_owned(),
    }
}

/// A message as the composer sends it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct UserMessageInput {
    /// Text and tags, in order.
    pub content: Vec<UserContent>,
    /// Ids of attachments.
    #[serde(default, deserialize_with = "lenient::null_as_default")]
    pub attachments: Vec<String>,
    /// The part of an answer to which the message refers.
    #[serde(default)]
    pub quoted_text: Option<String>,
    /// The user's choices in the composer.
    #[serde(default, deserialize_with = "lenient::object_or_default")]
    pub inference_options: InferenceOptions,
}

/// Parameters of `threads.create`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CreateThread {
    /// The first message.
    #[serde(deserialize_with = "lenient::object")]
    pub input: UserMessageInput,
}

/// Parameters of `threads.add_user_message`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AddUserMessage {
    /// The thread.
    pub thread_id: String,
    /// The message.
    #[serde(deserialize_with = "lenient::object")]
    pub input: UserMessageInput,
}

/// Parameters of `threads.add_client_tool_output`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct AddClientToolOutput {
    /// The thread.
    pub thread_id: String,
    /// What the page's tool returned; the key must be there, the value may be null.
    #[serde(deserialize_with = "any")]
    pub result: Value,
}

/// With `deserialize_with` a missing key is an error even where null is a value.
fn any<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
    Value::deserialize(deserializer)
}

/// Parameters of `threads.add_structured_input`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AddStructuredInput {
    /// The thread.
    pub thread_id: String,
    /// The questions' item.
    pub item_id: String,
    /// The answers.
    #[serde(deserialize_with = "lenient::object")]
    pub input: StructuredSubmission,
}

/// Answers to structured input.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct StructuredSubmission {
    /// Whether the user answered at all.
    #[serde(default)]
    pub status: SubmissionStatus,
    /// By question id.
    #[serde(default, deserialize_with = "lenient::objects")]
    pub answers: BTreeMap<String, StructuredAnswer>,
}

/// Whether the user answered at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SubmissionStatus {
    /// Yes.
    #[default]
    Answered,
    /// No.
    Skipped,
}

/// The answer to one question.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct StructuredAnswer {
    /// Chosen or written values.
    #[serde(default)]
    pub values: Vec<String>,
    /// Whether the question was passed over.
    #[serde(default)]
    pub skipped: bool,
}

/// Parameters of `threads.retry_after_item`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RetryAfterItem {
    /// The thread.
    pub thread_id: String,
    /// A user message; everything after it is dropped and answered anew.
    pub item_id: String,
}

/// Parameters of `threads.custom_action` and `threads.sync_custom_action`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct CustomAction {
    /// The thread.
    pub thread_id: String,
    /// The widget that sent it.
    #[serde(default)]
    pub item_id: Option<String>,
    /// What was sent.
    #[serde(deserialize_with = "lenient::object")]
    pub action: Action,
}

/// What a widget or the page asks for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Action {
    /// The action's name.
    pub r#type: String,
    /// Anything.
    #[serde(default)]
    pub payload: Value,
}

/// Parameters of `threads.get_by_id`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GetThread {
    /// The thread.
    pub thread_id: String,
}

/// Parameters of `threads.list`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListThreads {
    /// Which part.
    #[serde(flatten)]
    pub paging: Paging,
}

/// Parameters of `threads.update`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct UpdateThread {
    /// The thread.
    pub thread_id: String,
    /// The new title; may be empty.
    pub title: String,
}

/// Parameters of `threads.delete`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct DeleteThread {
    /// The thread.
    pub thread_id: String,
}

/// Parameters of `items.list`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListItems {
    /// The thread.
    pub thread_id: String,
    /// Which part.
    #[serde(flatten)]
    pub paging: Paging,
}

/// Parameters of `items.feedback`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Feedback {
    /// The thread.
    pub thread_id: String,
    /// What the feedback is on.
    pub item_ids: Vec<String>,
    /// Thumb up or down.
    pub kind: FeedbackKind,
}

/// Thumb up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum FeedbackKind {
    Positive,
    Negative,
}

impl FeedbackKind {
    /// The wire name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
        }
    }
}

/// Parameters of `attachments.create`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AttachmentsCreate {
    /// The file's name.
    pub name: String,
    /// Bytes.
    #[serde(deserialize_with = "lenient::integer")]
    pub size: i64,
    /// The file's type.
    pub mime_type: String,
}

/// Parameters of `attachments.delete`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct AttachmentsDelete {
    /// `atc_…`.
    pub attachment_id: String,
}

/// Parameters of `input.transcribe`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Transcribe {
    /// The recording.
    pub audio_base64: String,
    /// Its type, with parameters.
    pub mime_type: String,
}
