use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Annotation, AssistantContent, GeneratedImage, Object, Task, Thread, ThreadItem};

/// One event of a streamed answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(missing_docs, reason = "the fields say what they are; their meaning is ChatKit's")]
pub enum Event {
    /// The first event of a new thread.
    #[serde(rename = "thread.created")]
    ThreadCreated { thread: Thread },
    /// The thread's title, status or the like has changed.
    #[serde(rename = "thread.updated")]
    ThreadUpdated { thread: Thread },
    /// An item starts; it is not stored yet.
    #[serde(rename = "thread.item.added")]
    ItemAdded { item: ThreadItem },
    /// An unfinished item changes.
    #[serde(rename = "thread.item.updated")]
    ItemUpdated { item_id: String, update: ItemUpdate },
    /// An item is complete and stored.
    #[serde(rename = "thread.item.done")]
    ItemDone { item: ThreadItem },
    /// An item is gone.
    #[serde(rename = "thread.item.removed")]
    ItemRemoved { item_id: String },
    /// A stored item has a new content.
    #[serde(rename = "thread.item.replaced")]
    ItemReplaced { item: ThreadItem },
    /// What the client may do with this stream.
    #[serde(rename = "stream_options")]
    StreamOptions { stream_options: StreamOptions },
    /// A line shown while something lasts; not kept.
    #[serde(rename = "progress_update")]
    ProgressUpdate {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
        text: String,
    },
    /// Something for the page to do; no answer is expected.
    #[serde(rename = "client_effect")]
    ClientEffect {
        name: String,
        #[serde(default)]
        data: Object,
    },
    /// The turn has failed; always the last event.
    #[serde(rename = "error")]
    Error {
        #[serde(default)]
        code: ErrorCode,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        #[serde(default)]
        allow_retry: bool,
    },
    /// A message in the conversation that is not part of it.
    #[serde(rename = "notice")]
    Notice {
        level: NoticeLevel,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
}

/// What the client may do with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamOptions {
    /// Whether the stop button is shown.
    pub allow_cancel: bool,
}

/// Why a stream failed. The list is not closed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorCode {
    /// The client shows a text of its own.
    #[serde(rename = "stream.error")]
    StreamError,
    /// The client shows the event's message.
    #[default]
    #[serde(rename = "custom")]
    Custom,
}

/// How a notice is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum NoticeLevel {
    Info,
    Warning,
    Danger,
}

/// How an item changes while it is being made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
#[expect(missing_docs, reason = "the fields say what they are; their meaning is ChatKit's")]
pub enum ItemUpdate {
    /// A part of an answer begins.
    #[serde(rename = "assistant_message.content_part.added")]
    ContentPartAdded { content_index: u64, content: AssistantContent },
    /// Text is appended.
    #[serde(rename = "assistant_message.content_part.text_delta")]
    ContentPartTextDelta { content_index: u64, delta: String },
    /// A source is marked.
    #[serde(rename = "assistant_message.content_part.annotation_added")]
    ContentPartAnnotationAdded { content_index: u64, annotation_index: u64, annotation: Annotation },
    /// The part is complete.
    #[serde(rename = "assistant_message.content_part.done")]
    ContentPartDone { content_index: u64, content: AssistantContent },
    /// Text of a widget's component is appended.
    #[serde(rename = "widget.streaming_text.value_delta")]
    WidgetTextDelta { component_id: String, delta: String, done: bool },
    /// The whole widget is replaced.
    #[serde(rename = "widget.root.updated")]
    WidgetRootUpdated { widget: Value },
    /// A task is appended.
    #[serde(rename = "workflow.task.added")]
    WorkflowTaskAdded { task_index: u64, task: Task },
    /// A task has a new content.
    #[serde(rename = "workflow.task.updated")]
    WorkflowTaskUpdated { task_index: u64, task: Task },
    /// An image takes shape.
    #[serde(rename = "generated_image.updated")]
    GeneratedImageUpdated {
        image: GeneratedImage,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        progress: Option<f64>,
    },
}
