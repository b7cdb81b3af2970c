//! What OpenAI runs itself, as events of the Responses API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::events::Script;
use super::{picture, texts};

/// A search in the web, which finds what the answer cites.
pub(super) fn search(script: &mut Script, query: &str) {
    let item = format!("ws_{}", script.id);
    let sources = texts::SOURCES.map(|(_, url)| json!({"type": "url", "url": url}));
    let call = |status: &str, sources: &[Value]| {
        let action = json!({"type": "search", "query": query, "queries": [query], "sources": sources});
        json!({"id": item, "type": "web_search_call", "status": status, "action": action})
    };
    script.begin(&call("in_progress", &[]));
    for state in ["in_progress", "searching", "completed"] {
        script.push_about(&format!("web_search_call.{state}"), &item, json!({}));
    }
    script.end(call("completed", &sources));
}

/// A picture that becomes clearer with each preview.
pub(super) fn draw(script: &mut Script, previews: usize) {
    let item = format!("ig_{}", script.id);
    let call = |status: &str, result: Option<String>| {
        let mut call = json!({"id": item, "type": "image_generation_call", "status": status, "result": result});
        if result.is_some() {
            call["output_format"] = json!("png");
            call["revised_prompt"] = json!("An evening by the sea.");
        }
        call
    };
    script.begin(&call("in_progress", None));
    for state in ["in_progress", "generating"] {
        script.push_about(&format!("image_generation_call.{state}"), &item, json!({}));
    }
    let squares = [24, 8, 4].into_iter().take(previews);
    for (index, square) in squares.enumerate() {
        let preview = json!({
            "partial_image_index": index,
            "partial_image_b64": STANDARD.encode(picture::paint(square)),
            "output_format": "png",
        });
        script.push_about("image_generation_call.partial_image", &item, preview);
    }
    script.push_about("image_generation_call.completed", &item, json!({}));
    script.end(call("completed", Some(STANDARD.encode(picture::paint(1)))));
}
