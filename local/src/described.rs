//! An assistant in one line, for whoever checks its document.

use chatkit_shared::assistant::{Assistant, Run, Tool};
use serde_json::Value;

/// What an assistant is made of, as in "the document is good: model `m`; tools: `web_search`, `find_order` (endpoint)".
pub fn described(assistant: &Assistant) -> String {
    let tools: Vec<_> = assistant.tools.iter().map(tool).collect();
    let tools = if tools.is_empty() { "none".to_owned() } else { tools.join(", ") };
    let actions = if assistant.actions.is_some() { "; actions go to an endpoint" } else { "" };
    format!("the document is good: model `{}`; tools: {tools}{actions}", assistant.model)
}

fn tool(tool: &Tool) -> String {
    match tool {
        Tool::Hosted(tool) => format!("`{}`", tool.get("type").and_then(Value::as_str).unwrap_or_default()),
        Tool::Function(function) => match function.run {
            Run::Client => format!("`{}` (page)", function.name),
            Run::Server(_) => format!("`{}` (endpoint)", function.name),
        },
    }
}
