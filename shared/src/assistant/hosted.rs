//! The tools that the model's server runs itself.

use serde_json::{Value, json};

use super::error::DocumentError;
use crate::protocol::Object;

/// What ChatKit can show. Source: OpenAI's API reference, "Create a model response", `tools`.
const TYPES: [&str; 6] =
    ["web_search", "web_search_preview", "file_search", "code_interpreter", "image_generation", "mcp"];

/// Checks a tool that stands at `place`; what else it says is between the site and the model's server. Returns how the
/// model is told that it must use this one.
pub(super) fn check(tool: &Object, kind: &str, place: &str) -> Result<Value, DocumentError> {
    if !TYPES.contains(&kind) {
        let wants = format!("must be `function` or one of `{}`", TYPES.join("`, `"));
        return Err(DocumentError::at(&format!("{place}.type"), wants));
    }
    if kind != "mcp" {
        return Ok(json!({ "type": kind }));
    }
    let text = |name: &str| tool.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if text("require_approval") != Some("never") {
        let wants = "must be `never`: there is nobody to ask";
        return Err(DocumentError::at(&format!("{place}.require_approval"), wants));
    }
    match text("server_label") {
        Some(label) => Ok(json!({ "type": kind, "server_label": label })),
        None => Err(DocumentError::at(&format!("{place}.server_label"), "must be a name")),
    }
}
