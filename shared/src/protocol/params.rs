//! What each operation is sent with.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{InferenceOptions, Paging, UserContent, lenient};

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
    /// A user message; everything after it is removed, and it is answered again.
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
