use serde::Deserialize;
use serde_json::Value;

use crate::protocol::{NoticeLevel, Object, StructuredInput};

/// One thing that an endpoint asks for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// What the model is told. The last one counts.
    Output { output: Output },
    /// A widget in the thread. Sent again under the same key, it changes; it is stored as it is at the end.
    Widget {
        #[serde(default)]
        key: Option<String>,
        widget: Value,
        #[serde(default)]
        copy_text: Option<String>,
    },
    /// The widget that an action came from, or the one with this id, has a new content.
    ReplaceWidget {
        #[serde(default)]
        item_id: Option<String>,
        widget: Value,
        #[serde(default)]
        copy_text: Option<String>,
    },
    /// Something for the page to do.
    ClientEffect {
        name: String,
        #[serde(default)]
        data: Object,
    },
    /// A line shown while it lasts.
    ProgressUpdate {
        text: String,
        #[serde(default)]
        icon: Option<String>,
    },
    /// A message in the conversation that is not part of it.
    Notice {
        level: NoticeLevel,
        message: String,
        #[serde(default)]
        title: Option<String>,
    },
    /// Questions to the person; the turn ends with them.
    StructuredInput { inputs: Vec<StructuredInput> },
    /// Something that the model knows from the next turn on, and nobody sees.
    HiddenContext { content: Value },
    /// The thread's new title.
    ThreadTitle { title: String },
    /// After an action: the model answers now.
    Respond,
}

/// What the model is told.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Output {
    /// As it is.
    Text(String),
    /// As JSON.
    Json(Value),
}

impl From<Value> for Output {
    fn from(value: Value) -> Self {
        match value {
            Value::String(text) => Self::Text(text),
            other => Self::Json(other),
        }
    }
}
