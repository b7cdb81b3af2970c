//! How deep JSON that others write may be nested where it is stored.

use serde_json::Value;

/// Levels of lists and objects. `serde_json` reads no more than 127, and a stored value lies some levels down in a
/// document of ours: a value that could be written but not read again would make its whole thread unreadable.
const MAX_LEVELS: usize = 64;

/// Whether a value has more levels than are stored.
pub(crate) fn is_too_deep(value: &Value) -> bool {
    has_more_levels_than(value, MAX_LEVELS)
}

fn has_more_levels_than(value: &Value, levels: usize) -> bool {
    let is_deep = |inner: &Value| has_more_levels_than(inner, levels - 1);
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => true,
        Value::Array(elements) => elements.iter().any(is_deep),
        Value::Object(fields) => fields.values().any(is_deep),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
