use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use super::{InferenceOptions, Paging, UserContent, lenient};

/// Lists the operations, each once: its wire name, and the variant that holds its parameters.
macro_rules! operations {
    ($($(#[$doc:meta])* $kind:ident of $request:ident { $($(#[$answer:meta])* $name:literal => $operation:ident($params:ty),)+ })+) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq)]
            pub enum $request {
                $($(#[$answer])* #[doc = concat!("`", $name, "`.")] $operation($params),)+
            }
        )+

        impl Request {
            fn read(operation: &str, params: &str) -> Result<Self, RequestError> {
                match operation {
                    $($($name => read(operation, params).map($request::$operation).map(Self::$kind),)+)+
                    unknown => Err(RequestError::UnknownOperation(quotable(unknown))),
                }
            }

            /// The operation's wire name.
            pub const fn operation(&self) -> &'static str {
                match self {
                    $($(Self::$kind($request::$operation(_)) => $name,)+)+
                }
            }
        }
    };
}

operations! {
    /// An operation that is answered with a stream of events, which may last as long as a model talks.
    Stream of StreamRequest {
        "threads.create" => CreateThread(CreateThread),
        "threads.add_user_message" => AddUserMessage(AddUserMessage),
        "threads.add_client_tool_output" => AddClientToolOutput(AddClientToolOutput),
        "threads.add_structured_input" => AddStructuredInput(AddStructuredInput),
        "threads.retry_after_item" => RetryAfterItem(RetryAfterItem),
        "threads.custom_action" => CustomAction(CustomAction),
    }

    /// An operation that is answered with one JSON document.
    Call of CallRequest {
        /// Answered with `{"updated_item"?}`:
        "threads.sync_custom_action" => SyncCustomAction(CustomAction),
        /// Answered with a thread and its items:
        "threads.get_by_id" => GetThread(GetThread),
        /// Answered with a page of threads:
        "threads.list" => ListThreads(ListThreads),
        /// Answered with the thread:
        "threads.update" => UpdateThread(UpdateThread),
        /// Answered with `{}`:
        "threads.delete" => DeleteThread(DeleteThread),
        /// Answered with a page of items:
        "items.list" => ListItems(ListItems),
        /// Answered with `{}`:
        "items.feedback" => Feedback(Feedback),
        /// Answered with the attachment:
        "attachments.create" => AttachmentsCreate(AttachmentsCreate),
        /// Answered with `{}`:
        "attachments.delete" => AttachmentsDelete(AttachmentsDelete),
        /// Answered with `{"text"}`:
        "input.transcribe" => Transcribe(Transcribe),
    }
}

/// One ChatKit operation with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Answered with a stream of events.
    Stream(StreamRequest),
    /// Answered with one document.
    Call(CallRequest),
}

impl StreamRequest {
    /// The thread that the operation is for; none for one that begins a thread.
    pub fn thread_id(&self) -> Option<&str> {
        match self {
            Self::CreateThread(_) => None,
            Self::AddUserMessage(params) => Some(&params.thread_id),
            Self::AddClientToolOutput(params) => Some(&params.thread_id),
            Self::AddStructuredInput(params) => Some(&params.thread_id),
            Self::RetryAfterItem(params) => Some(&params.thread_id),
            Self::CustomAction(params) => Some(&params.thread_id),
        }
    }
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

/// The beginning of a `type` that can be an operation's name. Nothing else of a request is quoted in an answer.
fn quotable(operation: &str) -> String {
    let is_of_names = |char: &char| char.is_ascii_lowercase() || matches!(char, '_' | '.');
    operation.chars().take_while(is_of_names).take(64).collect()
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
        Self::read(&envelope.r#type, envelope.params.map_or("null", RawValue::get))
    }

    /// The thread that the operation names.
    pub fn thread_id(&self) -> Option<&str> {
        Some(match self {
            Self::Stream(request) => return request.thread_id(),
            Self::Call(request) => match request {
                CallRequest::SyncCustomAction(params) => &params.thread_id,
                CallRequest::GetThread(params) => &params.thread_id,
                CallRequest::UpdateThread(params) => &params.thread_id,
                CallRequest::DeleteThread(params) => &params.thread_id,
                CallRequest::ListItems(params) => &params.thread_id,
                CallRequest::Feedback(params) => &params.thread_id,
                CallRequest::ListThreads(_)
                | CallRequest::AttachmentsCreate(_)
                | CallRequest::AttachmentsDelete(_)
                | CallRequest::Transcribe(_) => return None,
            },
        })
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
