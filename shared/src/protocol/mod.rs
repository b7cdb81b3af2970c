//! The ChatKit wire types, and nothing else.
//!
//! The authority is the Python package `openai-chatkit` 1.6.5. What comes in is read leniently, as its models do and a
//! little more (a missing `data` on a tag is `{}`, `metadata: null` is `{}`); what goes out is exact: one line of JSON,
//! fields without a value left out, times in UTC with a `Z`.
//!
//! Architecture invariant: this module does no I/O, has no async code, and imports nothing of this crate.

#![warn(missing_docs)]

mod event;
mod icon;
mod item;
mod lenient;
mod page;
mod params;
mod request;
mod source;
mod structured_input;
mod thread;
mod workflow;

pub use event::{ErrorCode, Event, ItemUpdate, NoticeLevel, StreamOptions};
pub use icon::is_icon;
pub use item::{
    AssistantContent, AssistantMessage, Attachment, AttachmentKind, ClientToolCall, ClientToolCallStatus, EndOfTurn,
    GeneratedImage, GeneratedImageItem, HiddenContext, InferenceOptions, ItemHeader, SdkHiddenContext,
    StructuredInputItem, TaskItem, ThreadItem, ToolChoice, UploadDescriptor, UploadMethod, UserContent, UserMessage,
    WidgetItem, WorkflowItem,
};
pub use lenient::ObjectOnly;
pub use page::{Order, Page, Paging};
pub use params::{
    Action, AddClientToolOutput, AddStructuredInput, AddUserMessage, AttachmentsCreate, AttachmentsDelete,
    CreateThread, CustomAction, DeleteThread, Feedback, FeedbackKind, GetThread, ListItems, ListThreads,
    RetryAfterItem, StructuredAnswer, StructuredSubmission, SubmissionStatus, Transcribe, UpdateThread,
    UserMessageInput,
};
pub use request::{CallRequest, Request, RequestError, StreamRequest};
pub use source::{Annotation, Source};
pub use structured_input::{Answer, Choice, StructuredInput, StructuredInputStatus};
pub use thread::{Thread, ThreadStatus};
pub use workflow::{StatusIndicator, Task, Workflow, WorkflowKind, WorkflowSummary};

/// A JSON object whose content is free.
pub type Object = serde_json::Map<String, serde_json::Value>;
