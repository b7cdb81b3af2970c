//! What an endpoint asks for: what the client can show, in amounts that a thread can hold.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::EndpointError;
use crate::json::is_too_deep;
use crate::protocol::{NoticeLevel, Object, StructuredInput, is_icon};

/// One thing that an endpoint asks for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Effect {
    /// For the model. The last one counts.
    Output { output: Output },
    /// A widget in the thread. With the same key again, it changes; its last state is stored.
    Widget {
        #[serde(default)]
        key: Option<String>,
        widget: Value,
        #[serde(default)]
        copy_text: Option<String>,
    },
    /// New content for the widget that an action came from, or for the one with this id.
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
    /// A line that is shown until the next event.
    ProgressUpdate {
        text: String,
        #[serde(default)]
        icon: Option<String>,
    },
    /// A message that is shown, but not stored.
    Notice {
        level: NoticeLevel,
        message: String,
        #[serde(default)]
        title: Option<String>,
    },
    /// Questions to the person; the turn ends with them.
    StructuredInput { inputs: Vec<StructuredInput> },
    /// Hidden context for the model, from the next turn on.
    HiddenContext { content: Value },
    /// The thread's new title.
    ThreadTitle { title: String },
    /// After an action: the model answers.
    Respond,
}

/// An output for the model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Output {
    Text(String),
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

/// Per call, each progress line and each state of a widget included.
const MAX_EFFECTS: usize = 1_000;

/// Effects of one call that leave something in the thread.
const MAX_STORED_EFFECTS: usize = 50;

const MAX_LINE_CHARS: usize = 500;

const MAX_TEXT_CHARS: usize = 10_000;

const MAX_QUESTIONS: usize = 10;

/// Per question.
const MAX_CHOICES: usize = 100;

/// Checks the effects of one call, one after the other.
#[derive(Debug, Default)]
pub(super) struct EffectChecks {
    effects: usize,
    stored: usize,
    widgets: HashSet<String>,
}

impl EffectChecks {
    /// Returns the effect as it is carried out.
    pub(super) fn check(&mut self, mut effect: Effect) -> Result<Effect, EndpointError> {
        self.effects += 1;
        self.stored += usize::from(match &effect {
            Effect::Widget { key: Some(key), .. } => self.widgets.insert(key.clone()),
            Effect::Widget { key: None, .. }
            | Effect::ReplaceWidget { .. }
            | Effect::StructuredInput { .. }
            | Effect::HiddenContext { .. } => true,
            Effect::Output { .. }
            | Effect::ClientEffect { .. }
            | Effect::ProgressUpdate { .. }
            | Effect::Notice { .. }
            | Effect::ThreadTitle { .. }
            | Effect::Respond => false,
        });
        let fault = if self.effects > MAX_EFFECTS || self.stored > MAX_STORED_EFFECTS {
            Some("has too many effects")
        } else if has_too_deep(&effect) {
            Some("has a value that is nested too deeply")
        } else {
            fault(&mut effect)
        };
        fault.map_or(Ok(effect), |fault| Err(EndpointError::Malformed(fault)))
    }
}

/// Whether a stored value of the effect is nested too deeply. An output is stored as text.
fn has_too_deep(effect: &Effect) -> bool {
    match effect {
        Effect::Widget { widget: value, .. }
        | Effect::ReplaceWidget { widget: value, .. }
        | Effect::HiddenContext { content: value } => is_too_deep(value),
        Effect::Output { .. }
        | Effect::ClientEffect { .. }
        | Effect::ProgressUpdate { .. }
        | Effect::Notice { .. }
        | Effect::StructuredInput { .. }
        | Effect::ThreadTitle { .. }
        | Effect::Respond => false,
    }
}

/// What is wrong with an effect. Removes nulls from widgets.
fn fault(effect: &mut Effect) -> Option<&'static str> {
    let is_line = |text: &str| !text.trim().is_empty() && text.chars().count() <= MAX_LINE_CHARS;
    let is_text = |text: &str| !text.trim().is_empty() && text.chars().count() <= MAX_TEXT_CHARS;
    let (holds, fault) = match effect {
        Effect::Output { .. } | Effect::HiddenContext { .. } | Effect::Respond => (true, ""),
        Effect::Widget { key: id, widget, copy_text } | Effect::ReplaceWidget { item_id: id, widget, copy_text } => {
            drop_nulls(widget);
            let holds = is_root(widget)
                && id.as_deref().is_none_or(is_line)
                && copy_text.as_deref().is_none_or(|text| text.chars().count() <= MAX_TEXT_CHARS);
            (holds, "has a widget that is not valid")
        }
        Effect::ClientEffect { name, .. } => (is_line(name), "has a client effect without a valid name"),
        Effect::ProgressUpdate { text, icon } => {
            (is_line(text) && icon.as_deref().is_none_or(is_icon), "has a progress line that cannot be shown")
        }
        Effect::Notice { message, title, .. } => {
            (is_text(message) && title.as_deref().is_none_or(is_line), "has a notice that cannot be shown")
        }
        Effect::ThreadTitle { title } => (is_line(title), "has a title that cannot be shown"),
        Effect::StructuredInput { inputs } => (are_questions(inputs), "has questions that cannot be asked"),
    };
    (!holds).then_some(fault)
}

/// Whether ChatKit can show the value as a widget.
fn is_root(widget: &Value) -> bool {
    matches!(widget.get("type").and_then(Value::as_str), Some("Card" | "ListView" | "Basic"))
}

/// As the official server does: null fields are left out, except `children`.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, field| name == "children" || !field.is_null());
            fields.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => {
            items.retain(|item| !item.is_null());
            items.iter_mut().for_each(drop_nulls);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn are_questions(inputs: &[StructuredInput]) -> bool {
    let is_line = |text: &str| !text.trim().is_empty() && text.chars().count() <= MAX_LINE_CHARS;
    let mut ids = HashSet::new();
    (1..=MAX_QUESTIONS).contains(&inputs.len())
        && inputs.iter().all(|input| match input {
            StructuredInput::MultipleChoice { id, question, answer: None, options, multiple: _ } => {
                is_line(id)
                    && ids.insert(id)
                    && is_line(question)
                    && (1..=MAX_CHOICES).contains(&options.len())
                    && options.iter().all(|choice| is_line(&choice.value))
            }
            StructuredInput::Freeform { id, question, answer: None, description } => {
                is_line(id) && ids.insert(id) && is_line(question) && description.as_deref().is_none_or(is_line)
            }
            // A question cannot have an answer before it is asked.
            StructuredInput::MultipleChoice { answer: Some(_), .. }
            | StructuredInput::Freeform { answer: Some(_), .. } => false,
        })
}
