//! What is wrong with a request, by the reference of the Responses API and by what we mean to send.

use serde_json::{Value, json};

const KEYS: [&str; 12] = [
    "model",
    "instructions",
    "input",
    "tools",
    "tool_choice",
    "include",
    "max_output_tokens",
    "reasoning",
    "safety_identifier",
    "prompt_cache_key",
    "store",
    "stream",
];

/// What is wrong with a request; `None` if it is right.
pub(crate) fn fault(body: &Value) -> Option<String> {
    let Some(keys) = body.as_object().map(|body| body.keys()) else { return Some(format!("a body like {body}")) };
    if let Some(key) = keys.into_iter().find(|key| !KEYS.contains(&key.as_str())) {
        return Some(format!("an unknown key `{key}`"));
    }
    if body["store"] != json!(false) || body["stream"] != json!(true) || !body["model"].is_string() {
        return Some(format!("`store`, `stream` or `model` in {body}"));
    }
    match body["input"].as_array() {
        Some(items) if !items.is_empty() => {
            items.iter().find(|item| !is_item(item)).map(|item| format!("the item {item}"))
        }
        _ => Some(format!("`input` in {body}")),
    }
    .or_else(|| unanswered_call(body))
}

fn is_item(item: &Value) -> bool {
    let text = |key: &str| item[key].as_str();
    match item["type"].as_str() {
        Some("message") => is_message(item),
        Some("function_call") => {
            let [call_id, name, arguments] = ["call_id", "name", "arguments"].map(text);
            *item == json!({"type": "function_call", "call_id": call_id, "name": name, "arguments": arguments})
        }
        Some("function_call_output") => {
            *item == json!({"type": "function_call_output", "call_id": text("call_id"), "output": text("output")})
        }
        // Only what the model said itself.
        Some("reasoning") => item.get("status").is_none(),
        Some(_) | None => false,
    }
}

fn is_message(item: &Value) -> bool {
    *item == json!({"type": "message", "role": item["role"], "content": item["content"]})
        && match item["role"].as_str() {
            Some("user") => item["content"].as_array().is_some_and(|c| !c.is_empty() && c.iter().all(is_part)),
            Some("assistant") => item["content"].is_string(),
            _ => false,
        }
}

fn is_part(part: &Value) -> bool {
    let text = |key: &str| part[key].as_str();
    match part["type"].as_str() {
        Some("input_text") => *part == json!({"type": "input_text", "text": text("text")}),
        Some("input_image") => *part == json!({"type": "input_image", "image_url": text("image_url")}),
        Some("input_file") => {
            *part == json!({"type": "input_file", "file_url": text("file_url")})
                || *part == json!({"type": "input_file", "filename": text("filename"), "file_data": text("file_data")})
        }
        Some(_) | None => false,
    }
}

/// Each output needs its call before it, and each call its output behind it.
fn unanswered_call(body: &Value) -> Option<String> {
    let mut open = Vec::new();
    for item in body["input"].as_array().into_iter().flatten() {
        let id = &item["call_id"];
        match item["type"].as_str() {
            Some("function_call") => open.push(id),
            Some("function_call_output") => match open.iter().position(|call| *call == id) {
                Some(position) => drop(open.remove(position)),
                None => return Some(format!("an output without its call {id}")),
            },
            Some(_) | None => {}
        }
    }
    open.first().map(|id| format!("a call without its output {id}"))
}
