//! The updates of a widget that changes: text that grows is sent as what was added, any other change as the whole
//! widget.
//!
//! These are the rules of `diff_widget` in the Python package. Where that fails or loses a change, the whole widget is
//! sent, too (see `tests/widgets/cases.json`).

use std::collections::HashMap;

use serde_json::Value;

use crate::protocol::{ItemUpdate, Object};

/// The updates that turn the widget `before` into `after`.
pub fn diff(before: &Value, after: &Value) -> Vec<ItemUpdate> {
    let mut deltas = TextDeltas::default();
    match deltas.compare(before, after) {
        Ok(()) if deltas.are_unambiguous() => deltas.updates,
        Ok(()) | Err(NotJustText) => vec![ItemUpdate::WidgetRootUpdated { widget: after.clone() }],
    }
}

/// Something differs that is not text that grew.
struct NotJustText;

/// What was added to texts.
#[derive(Default)]
struct TextDeltas<'a> {
    updates: Vec<ItemUpdate>,
    /// For each id how many texts have it, and whether one of them grew.
    ids: HashMap<&'a str, (usize, bool)>,
}

impl<'a> TextDeltas<'a> {
    /// Compares two components and their children.
    fn compare(&mut self, before: &'a Value, after: &'a Value) -> Result<(), NotJustText> {
        let (Value::Object(old), Value::Object(new)) = (before, after) else { return same(before, after) };
        let is_text = text(old).is_some() && text(new).is_some();
        let names = old.keys().chain(new.keys().filter(|name| !old.contains_key(*name)));
        for name in names {
            // A null field counts as absent.
            let (old, new) = (old.get(name).unwrap_or(&Value::Null), new.get(name).unwrap_or(&Value::Null));
            match (name.as_str(), old, new) {
                ("children", Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
                    old.iter().zip(new).try_for_each(|(old, new)| self.compare(old, new))?;
                }
                ("value", Value::String(_), Value::String(_)) if is_text => {}
                _ => same(old, new)?,
            }
        }
        match (text(old), text(new)) {
            (Some(old), Some(text)) => self.record(old, text, new),
            _ => Ok(()),
        }
    }

    /// Records what was added to a text.
    fn record(&mut self, old: &str, text: &str, component: &'a Object) -> Result<(), NotJustText> {
        let delta = text.strip_prefix(old).ok_or(NotJustText)?;
        let Some(id) = component.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()) else {
            // Without an id the client cannot find the text to add to.
            return if delta.is_empty() { Ok(()) } else { Err(NotJustText) };
        };
        let (count, grew) = self.ids.entry(id).or_default();
        *count += 1;
        if !delta.is_empty() {
            *grew = true;
            let done = component.get("streaming") != Some(&Value::Bool(true));
            let (component_id, delta) = (id.to_owned(), delta.to_owned());
            self.updates.push(ItemUpdate::WidgetTextDelta { component_id, delta, done });
        }
        Ok(())
    }

    /// Whether each text that grew is the only one with its id.
    fn are_unambiguous(&self) -> bool {
        self.ids.values().all(|(count, grew)| *count == 1 || !grew)
    }
}

fn same(before: &Value, after: &Value) -> Result<(), NotJustText> {
    if before == after { Ok(()) } else { Err(NotJustText) }
}

/// The text of a component that text can be added to.
fn text(component: &Object) -> Option<&str> {
    let is_text = matches!(component.get("type").and_then(Value::as_str), Some("Text" | "Markdown"));
    component.get("value").and_then(Value::as_str).filter(|_| is_text)
}
