//! What a model does besides talking: calls of functions, searches, programs, remote tools, pictures.

use serde_json::{Value, json};

use super::{Event, answer_events, completed, created, item_added, item_done, sse, usage};
use crate::harness::model::Answer;

/// An answer that is nothing but a call of a function; the arguments are JSON, or whatever a model makes of it.
pub(crate) fn function_call(call_id: &str, name: &str, arguments: &str) -> Answer {
    function_calls(&[(call_id, name, arguments)])
}

/// An answer of several calls: the id, the function and the arguments of each. 12 tokens in, 8 out for each call.
pub(crate) fn function_calls(calls: &[(&str, &str, &str)]) -> Answer {
    let items = (0..).zip(calls).flat_map(|(place, (call_id, name, arguments))| {
        call_events(call_id, name, arguments).map(|event| event.item(place))
    });
    let end = completed(usage(12, 5, 8 * calls.len() as u64, 0));
    sse([created("resp_1")].into_iter().chain(items).chain([end]))
}

/// Thoughts that only the model's server can read, then a call.
pub(crate) fn encrypted_thoughts_and_call(thoughts: &str, call_id: &str, name: &str, arguments: &str) -> Answer {
    let reasoning = json!({"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": thoughts});
    let start = [created("resp_1"), item_added(&reasoning), item_done(&reasoning)];
    let call = call_events(call_id, name, arguments).map(|event| event.item(1));
    sse(start.into_iter().chain(call).chain([completed(usage(12, 5, 16, 8))]))
}

/// Everything of one call, at the first place.
pub(crate) fn call_events(call_id: &str, name: &str, arguments: &str) -> [Event; 4] {
    let item = |status: &str, arguments: &str| function_call_item(call_id, name, arguments).with("status", status);
    [
        item_added(&item("in_progress", "")),
        arguments_delta(arguments),
        arguments_done(arguments),
        item_done(&item("completed", arguments)),
    ]
}

pub(crate) fn function_call_item(call_id: &str, name: &str, arguments: &str) -> Value {
    let id = format!("fc_{call_id}");
    json!({"id": id, "type": "function_call", "call_id": call_id, "name": name, "arguments": arguments})
}

pub(crate) fn arguments_delta(text: &str) -> Event {
    in_item("response.function_call_arguments.delta").set("delta", json!(text))
}

pub(crate) fn arguments_done(text: &str) -> Event {
    in_item("response.function_call_arguments.done").set("arguments", json!(text))
}

/// A search of the web that finds these pages, then an answer.
pub(crate) fn web_search(query: &str, pages: &[&str], text: &str) -> Answer {
    let sources: Vec<_> = pages.iter().map(|url| json!({"type": "url", "url": url})).collect();
    let action = json!({"type": "search", "query": query, "queries": [query], "sources": sources});
    let started = json!({"id": "ws_1", "type": "web_search_call", "status": "in_progress"});
    let done = json!({"id": "ws_1", "type": "web_search_call", "status": "completed", "action": action});
    then_answer(hosted_events("web_search_call", "searching", &started, &done), text)
}

/// A search of files that finds these, then an answer.
pub(crate) fn file_search(query: &str, files: &[&str], text: &str) -> Answer {
    let found =
        |name: &&str| json!({"file_id": "file_1", "filename": name, "score": 0.9, "text": "…", "attributes": {}});
    let results: Vec<_> = files.iter().map(found).collect();
    let item = json!({"id": "fs_1", "type": "file_search_call", "queries": [], "results": null});
    let started = item.clone().with("status", "in_progress");
    let done = item.with("status", "completed").with("queries", json!([query])).with("results", json!(results));
    then_answer(hosted_events("file_search_call", "searching", &started, &done), text)
}

/// A picture in base64, after earlier states of it, then an answer.
pub(crate) fn image_generation(partials: &[&str], result: &str, text: &str) -> Answer {
    then_answer(image_events(partials, result), text)
}

/// Everything of one picture, at the first place.
pub(crate) fn image_events(partials: &[&str], result: &str) -> Vec<Event> {
    let item = json!({"id": "ig_1", "type": "image_generation_call", "status": "in_progress", "result": null});
    let mut events = vec![
        item_added(&item),
        in_item("response.image_generation_call.in_progress"),
        in_item("response.image_generation_call.generating"),
    ];
    events.extend((0..).zip(partials).map(|(number, partial)| image_partial(number, partial)));
    let done = item.with("status", "completed").with("result", result).with("output_format", "png");
    events.extend([in_item("response.image_generation_call.completed"), item_done(&done)]);
    events
}

pub(crate) fn image_partial(number: u64, base64: &str) -> Event {
    let event = in_item("response.image_generation_call.partial_image").set("partial_image_index", json!(number));
    event.set("partial_image_b64", json!(base64)).set("output_format", json!("png"))
}

/// Everything of something that the model's server does, at the first place: `kind` is the item's type, `phase` what
/// the server says while it is at it.
pub(crate) fn hosted_events(kind: &str, phase: &str, started: &Value, done: &Value) -> Vec<Event> {
    let phases = ["in_progress", phase, "completed"].map(|phase| in_item(&format!("response.{kind}.{phase}")));
    [item_added(started)].into_iter().chain(phases).chain([item_done(done)]).collect()
}

/// These events of the first item, then an answer in the second.
pub(crate) fn then_answer(events: Vec<Event>, text: &str) -> Answer {
    let (message, end) = answer_events(text);
    sse([created("resp_1")]
        .into_iter()
        .chain(events)
        .chain(message.into_iter().map(|event| event.item(1)))
        .chain([end]))
}

/// An event about the first item.
pub(crate) fn in_item(kind: &str) -> Event {
    Event::new(json!({"type": kind, "item_id": "item_1", "output_index": 0}))
}

/// An item with other fields.
pub(crate) trait With {
    fn with(self, key: &str, value: impl Into<Value>) -> Self;
}

impl With for Value {
    fn with(mut self, key: &str, value: impl Into<Self>) -> Self {
        self[key] = value.into();
        self
    }
}
