//! What an effect may be: what the client can show, in amounts that a thread can hold.

use std::collections::HashSet;

use serde_json::Value;

use super::{Effect, EndpointError};
use crate::json_depth::is_too_deep;
use crate::protocol::{StructuredInput, is_icon};

/// Effects of one call, each step of a progress and each state of a widget included.
const MOST_EFFECTS: usize = 1_000;

/// Effects of one call that leave something in the thread.
const MOST_KEPT: usize = 50;

/// Characters of a line.
const LONGEST_LINE: usize = 500;

/// Characters of a text of several lines.
const LONGEST_TEXT: usize = 10_000;

/// Questions at a time.
const MOST_QUESTIONS: usize = 10;

/// Choices of a question.
const MOST_CHOICES: usize = 100;

/// Looks at the effects of one call, one after the other.
#[derive(Debug, Default)]
pub(super) struct Checks {
    effects: usize,
    kept: usize,
    widgets: HashSet<String>,
}

impl Checks {
    /// The effect as it may be carried out.
    pub(super) fn check(&mut self, mut effect: Effect) -> Result<Effect, EndpointError> {
        self.effects += 1;
        self.kept += usize::from(match &effect {
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
        let fault = if self.effects > MOST_EFFECTS || self.kept > MOST_KEPT {
            Some("asks for too much at once")
        } else if has_too_deep(&effect) {
            Some("has something in it that is nested too deeply")
        } else {
            fault(&mut effect)
        };
        fault.map_or(Ok(effect), |fault| Err(EndpointError::Malformed(fault)))
    }
}

/// Whether something in an effect that is kept is nested too deeply. An output is kept as text.
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

/// What is wrong with an effect. Takes out of widgets what has no value.
fn fault(effect: &mut Effect) -> Option<&'static str> {
    let is_line = |text: &str| !text.trim().is_empty() && text.chars().count() <= LONGEST_LINE;
    let is_text = |text: &str| !text.trim().is_empty() && text.chars().count() <= LONGEST_TEXT;
    let (holds, fault) = match effect {
        Effect::Output { .. } | Effect::HiddenContext { .. } | Effect::Respond => (true, ""),
        Effect::Widget { key: id, widget, copy_text } | Effect::ReplaceWidget { item_id: id, widget, copy_text } => {
            drop_nulls(widget);
            let holds = is_root(widget)
                && id.as_deref().is_none_or(is_line)
                && copy_text.as_deref().is_none_or(|text| text.chars().count() <= LONGEST_TEXT);
            (holds, "has a widget that is none")
        }
        Effect::ClientEffect { name, .. } => (is_line(name), "has an effect for the page without a name"),
        Effect::ProgressUpdate { text, icon } => {
            (is_line(text) && icon.as_deref().is_none_or(is_icon), "has a progress that cannot be shown")
        }
        Effect::Notice { message, title, .. } => {
            (is_text(message) && title.as_deref().is_none_or(is_line), "has a notice that cannot be shown")
        }
        Effect::ThreadTitle { title } => (is_line(title), "has a title that cannot be shown"),
        Effect::StructuredInput { inputs } => (are_questions(inputs), "has questions that cannot be asked"),
    };
    (!holds).then_some(fault)
}

/// Whether a value is what ChatKit shows as a widget.
fn is_root(widget: &Value) -> bool {
    matches!(widget.get("type").and_then(Value::as_str), Some("Card" | "ListView" | "Basic"))
}

/// As the official server does: fields without a value are left out, but for `children`.
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
    let is_line = |text: &str| !text.trim().is_empty() && text.chars().count() <= LONGEST_LINE;
    let mut ids = HashSet::new();
    (1..=MOST_QUESTIONS).contains(&inputs.len())
        && inputs.iter().all(|input| match input {
            StructuredInput::MultipleChoice { id, question, answer: None, options, multiple: _ } => {
                is_line(id)
                    && ids.insert(id)
                    && is_line(question)
                    && (1..=MOST_CHOICES).contains(&options.len())
                    && options.iter().all(|choice| is_line(&choice.value))
            }
            StructuredInput::Freeform { id, question, answer: None, description } => {
                is_line(id) && ids.insert(id) && is_line(question) && description.as_deref().is_none_or(is_line)
            }
            // Nobody has been asked yet.
            StructuredInput::MultipleChoice { answer: Some(_), .. }
            | StructuredInput::Freeform { answer: Some(_), .. } => false,
        })
}
