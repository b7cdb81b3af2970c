use serde::{Deserialize, Serialize};

use super::Source;

/// A group of tasks shown as one collapsible block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workflow {
    /// `custom` or `reasoning`.
    #[serde(rename = "type")]
    pub kind: WorkflowKind,
    /// The tasks, in order.
    pub tasks: Vec<Task>,
    /// Shown when the workflow has ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<WorkflowSummary>,
    /// Whether the block is shown open.
    #[serde(default)]
    pub expanded: bool,
}

/// What a workflow shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkflowKind {
    /// Steps named by the server.
    Custom,
    /// The model's own summaries of its reasoning.
    Reasoning,
}

/// The title of a workflow that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WorkflowSummary {
    /// A title of the server's choice.
    Custom {
        /// The title.
        title: String,
        /// An icon's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
    },
    /// "Thought for … seconds".
    Duration {
        /// Whole seconds.
        duration: u64,
    },
}

/// How far a task is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatusIndicator {
    /// Nothing is shown.
    #[default]
    None,
    /// Under way.
    Loading,
    /// Done.
    Complete,
}

/// One step of a workflow, or an item of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the fields say what they are; their meaning is ChatKit's")]
pub enum Task {
    /// Anything.
    Custom {
        #[serde(default)]
        status_indicator: StatusIndicator,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        icon: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        content: Option<String>,
    },
    /// A web search.
    WebSearch {
        #[serde(default)]
        status_indicator: StatusIndicator,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title_query: Option<String>,
        #[serde(default)]
        queries: Vec<String>,
        #[serde(default)]
        sources: Vec<Source>,
    },
    /// A summary of the model's reasoning.
    Thought {
        #[serde(default)]
        status_indicator: StatusIndicator,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        content: String,
    },
    /// Files that were read.
    File {
        #[serde(default)]
        status_indicator: StatusIndicator,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
        #[serde(default)]
        sources: Vec<Source>,
    },
    /// An image that is being made.
    Image {
        #[serde(default)]
        status_indicator: StatusIndicator,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
}

impl Task {
    /// What every kind of task has.
    pub const fn status_mut(&mut self) -> &mut StatusIndicator {
        match self {
            Self::Custom { status_indicator, .. }
            | Self::WebSearch { status_indicator, .. }
            | Self::Thought { status_indicator, .. }
            | Self::File { status_indicator, .. }
            | Self::Image { status_indicator, .. } => status_indicator,
        }
    }
}
