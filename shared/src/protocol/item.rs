use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Annotation, Object, StructuredInput, StructuredInputStatus, Task, Workflow, lenient};

/// An entry of a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ThreadItem {
    /// What the user wrote.
    UserMessage(UserMessage),
    /// What the model answered.
    AssistantMessage(AssistantMessage),
    /// A call that the page answers.
    ClientToolCall(ClientToolCall),
    /// A tree of components.
    Widget(WidgetItem),
    /// An image that the model made.
    GeneratedImage(GeneratedImageItem),
    /// Questions to the user.
    StructuredInput(StructuredInputItem),
    /// Tasks in a block.
    Workflow(WorkflowItem),
    /// A task on its own.
    Task(TaskItem),
    /// A hint that the assistant has finished.
    EndOfTurn(EndOfTurn),
    /// For the model only; never sent to the client.
    HiddenContextItem(HiddenContext),
    /// As the one above, written by the server itself.
    SdkHiddenContext(SdkHiddenContext),
}

impl ThreadItem {
    /// What every item has.
    pub const fn header(&self) -> &ItemHeader {
        match self {
            Self::UserMessage(item) => &item.header,
            Self::AssistantMessage(item) => &item.header,
            Self::ClientToolCall(item) => &item.header,
            Self::Widget(item) => &item.header,
            Self::GeneratedImage(item) => &item.header,
            Self::StructuredInput(item) => &item.header,
            Self::Workflow(item) => &item.header,
            Self::Task(item) => &item.header,
            Self::EndOfTurn(item) => &item.header,
            Self::HiddenContextItem(item) => &item.header,
            Self::SdkHiddenContext(item) => &item.header,
        }
    }

    /// The item's id.
    pub fn id(&self) -> &str {
        &self.header().id
    }

    /// Whether the item waits for the page or the person.
    pub const fn is_pending(&self) -> bool {
        match self {
            Self::ClientToolCall(call) => matches!(call.status, ClientToolCallStatus::Pending),
            Self::StructuredInput(item) => matches!(item.status, StructuredInputStatus::Pending),
            Self::UserMessage(_)
            | Self::AssistantMessage(_)
            | Self::Widget(_)
            | Self::GeneratedImage(_)
            | Self::Workflow(_)
            | Self::Task(_)
            | Self::EndOfTurn(_)
            | Self::HiddenContextItem(_)
            | Self::SdkHiddenContext(_) => false,
        }
    }

    /// Whether the page or the person has answered the item.
    pub const fn is_answer(&self) -> bool {
        matches!(self, Self::ClientToolCall(_) | Self::StructuredInput(_)) && !self.is_pending()
    }

    /// The ids of the files that the item shows: attachments by their own, a generated image by its.
    pub fn files(&self) -> Vec<&str> {
        match self {
            Self::UserMessage(message) => message.attachments.iter().map(|attachment| attachment.id.as_str()).collect(),
            Self::GeneratedImage(GeneratedImageItem { image: Some(image), .. }) => vec![image.id.as_str()],
            Self::GeneratedImage(_)
            | Self::AssistantMessage(_)
            | Self::ClientToolCall(_)
            | Self::Widget(_)
            | Self::StructuredInput(_)
            | Self::Workflow(_)
            | Self::Task(_)
            | Self::EndOfTurn(_)
            | Self::HiddenContextItem(_)
            | Self::SdkHiddenContext(_) => Vec::new(),
        }
    }

    /// Whether the item must never reach a client.
    pub const fn is_hidden(&self) -> bool {
        matches!(self, Self::HiddenContextItem(_) | Self::SdkHiddenContext(_))
    }
}

/// What every item has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemHeader {
    /// Minted by the server; items sort by it. A turn's items follow the message that they answer.
    pub id: String,
    /// The item's thread.
    pub thread_id: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What the user wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UserMessage {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
    /// Text and tags, in order.
    pub content: Vec<UserContent>,
    /// Files and images.
    #[serde(default)]
    pub attachments: Vec<Attachment>,
    /// The part of an answer to which the message refers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quoted_text: Option<String>,
    /// The user's choices in the composer.
    #[serde(default)]
    pub inference_options: InferenceOptions,
}

/// A part of a user's message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields say what they are; their meaning is ChatKit's")]
pub enum UserContent {
    /// Text as typed.
    InputText { text: String },
    /// An @-mention.
    InputTag {
        id: String,
        text: String,
        #[serde(default, deserialize_with = "lenient::null_as_default")]
        data: Object,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<String>,
        #[serde(default, deserialize_with = "lenient::null_as_default")]
        interactive: bool,
    },
}

/// The user's choices in the composer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InferenceOptions {
    /// The tool that the model must use.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::optional_object")]
    pub tool_choice: Option<ToolChoice>,
    /// The model that should answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// A tool picked in the composer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolChoice {
    /// The tool's id.
    pub id: String,
}

/// A file or image of a user's message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// `atc_…`.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// Its type.
    pub mime_type: String,
    /// Where to send the bytes; only in the answer to `attachments.create`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload_descriptor: Option<UploadDescriptor>,
    /// The thread it was sent in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// Its bytes. Kept with the message, never sent: ChatKit has no such field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// File or image.
    #[serde(flatten)]
    pub kind: AttachmentKind,
}

/// What an attachment is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum AttachmentKind {
    /// Anything.
    File,
    /// Something the client can show.
    Image {
        /// Where the client loads the preview.
        preview_url: String,
    },
}

/// How the client uploads the bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadDescriptor {
    /// Where to.
    pub url: String,
    /// `PUT` is the raw body, `POST` a multipart form with the field `file`.
    pub method: UploadMethod,
    /// Headers to send along.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// The method of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "HTTP's own")]
pub enum UploadMethod {
    Post,
    Put,
}

/// What the model answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssistantMessage {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
    /// The parts, in order.
    pub content: Vec<AssistantContent>,
}

/// A part of an answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename = "output_text")]
pub struct AssistantContent {
    /// Where something in the text comes from.
    #[serde(default)]
    pub annotations: Vec<Annotation>,
    /// Markdown.
    pub text: String,
}

/// A call that the page answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientToolCall {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
    /// Whether the page has answered.
    #[serde(default)]
    pub status: ClientToolCallStatus,
    /// The model's id of the call.
    pub call_id: String,
    /// The tool.
    pub name: String,
    /// What it is called with.
    pub arguments: Object,
    /// What the page answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
}

/// Whether the page has answered a call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientToolCallStatus {
    /// Not yet.
    #[default]
    Pending,
    /// It has.
    Completed,
}

/// A tree of components, passed on unchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WidgetItem {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
    /// The root component.
    pub widget: Value,
    /// What the copy button copies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy_text: Option<String>,
}

/// An image that the model made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedImageItem {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
    /// None while it is being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<GeneratedImage>,
}

/// Where an image is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GeneratedImage {
    /// Its id.
    pub id: String,
    /// Where the client loads it.
    pub url: String,
}

/// Questions to the user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StructuredInputItem {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
    /// Whether the user has answered.
    #[serde(default)]
    pub status: StructuredInputStatus,
    /// The questions.
    pub inputs: Vec<StructuredInput>,
}

/// Tasks in a block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkflowItem {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
    /// The block.
    pub workflow: Workflow,
}

/// A task on its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskItem {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
    /// The task.
    pub task: Task,
}

/// A hint that the assistant has finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndOfTurn {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
}

/// For the model only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HiddenContext {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
    /// Anything.
    pub content: Value,
}

/// For the model only, written by the server itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SdkHiddenContext {
    /// Id, thread, time.
    #[serde(flatten)]
    pub header: ItemHeader,
    /// What the model is told.
    pub content: String,
}
