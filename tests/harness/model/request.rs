use axum::body::Bytes;
use axum::http::HeaderMap;
use serde_json::Value;

/// What the model was asked.
#[derive(Debug, Clone)]
pub(crate) struct ModelRequest {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    /// The body as JSON; null for a form.
    pub(crate) body: Value,
    pub(crate) bytes: Bytes,
}

impl ModelRequest {
    /// Whether a title is wanted, not an answer.
    pub(crate) fn is_title(&self) -> bool {
        self.body["instructions"].as_str().is_some_and(|instructions| instructions.starts_with("Write a title"))
    }

    /// Whether a count of tokens is wanted, not an answer.
    pub(crate) fn is_count(&self) -> bool {
        self.path == "/v1/responses/input_tokens"
    }

    /// Whether the summary of a thread is wanted.
    pub(crate) fn is_summary(&self) -> bool {
        self.body["instructions"]
            .as_str()
            .is_some_and(|instructions| instructions.starts_with("Below is the older part"))
    }

    /// The conversation, one line each: `role: text`, `call: name(arguments)` and `output: text`.
    pub(crate) fn conversation(&self) -> Vec<String> {
        let items = [&self.body["input"], &self.body["messages"]].into_iter().filter_map(Value::as_array).flatten();
        items.flat_map(lines).collect()
    }
}

/// An item or a message of a conversation.
fn lines(item: &Value) -> Vec<String> {
    let text = |key: &str| match &item[key] {
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join(" "),
        text => text.as_str().unwrap_or_default().to_owned(),
    };
    let call = |call: &Value| {
        let [name, arguments] = ["name", "arguments"].map(|key| call[key].as_str().unwrap_or_default());
        format!("call: {name}({arguments})")
    };
    let calls = || item["tool_calls"].as_array().into_iter().flatten().map(|tool| call(&tool["function"]));
    match (item["role"].as_str(), item["type"].as_str()) {
        (Some("tool"), _) => vec![format!("output: {}", text("content"))],
        (Some(_), _) if item["content"].is_null() => calls().collect(),
        (Some(role), _) => [format!("{role}: {}", text("content"))].into_iter().chain(calls()).collect(),
        (None, Some("function_call")) => vec![call(item)],
        (None, Some("function_call_output")) => vec![format!("output: {}", text("output"))],
        (None, kind) => vec![kind.unwrap_or_default().to_owned()],
    }
}
