use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::lenient;
use super::params::{
    AddClientToolOutput, AddStructuredInput, AddUserMessage, AttachmentsCreate, AttachmentsDelete, CreateThread,
    CustomAction, DeleteThread, Feedback, GetThread, ListItems, ListThreads, RetryAfterItem, Transcribe, UpdateThread,
};

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

impl CallRequest {
    /// Whether the operation changes something, or costs something that counts.
    pub const fn has_effect(&self) -> bool {
        !matches!(self, Self::GetThread(_) | Self::ListThreads(_) | Self::ListItems(_))
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
