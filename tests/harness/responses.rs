//! The words of the Responses API, to write a model's answers with. Shapes from OpenAI's API reference.
//!
//! An event stands in the first part of the first item unless [`Event::item`] or [`Event::part`] moves it.

mod request;
mod tools;

use axum::body::Bytes;
use serde_json::{Value, json};

use super::model::Answer;

pub(super) use request::fault;
pub(crate) use tools::{
    With, arguments_delta, arguments_done, call_events, encrypted_thoughts_and_call, file_search, function_call,
    function_call_item, function_calls, hosted_events, image_events, image_generation, image_partial, in_item,
    then_answer, web_search,
};

/// A streaming event, without its `sequence_number`.
#[derive(Debug, Clone)]
pub(crate) struct Event(Value);

impl Event {
    /// Any event.
    pub(crate) fn new(event: Value) -> Self {
        Self(event)
    }

    /// The same of another output item.
    pub(crate) fn item(self, output_index: u64) -> Self {
        self.set("output_index", json!(output_index))
    }

    /// The same of another part of the item.
    pub(crate) fn part(self, index: u64) -> Self {
        let key = if self.0.get("summary_index").is_some() { "summary_index" } else { "content_index" };
        self.set(key, json!(index))
    }

    /// The same with the field set.
    pub(crate) fn set(mut self, key: &str, value: Value) -> Self {
        self.0[key] = value;
        self
    }

    /// The same with the field of its response set.
    pub(crate) fn response(mut self, key: &str, value: Value) -> Self {
        self.0["response"][key] = value;
        self
    }

    /// What it is as JSON.
    pub(crate) fn json(self) -> Value {
        self.0
    }

    /// Its bytes in the stream.
    pub(crate) fn encode(mut self, number: usize) -> Bytes {
        self.0["sequence_number"] = json!(number);
        format!("event: {}\ndata: {}\n\n", self.0["type"].as_str().unwrap_or_default(), self.0).into()
    }
}

/// A stream of these events.
pub(crate) fn sse(events: impl IntoIterator<Item = Event>) -> Answer {
    events.into_iter().fold(Answer::start(200, "text/event-stream; charset=utf-8"), Answer::event)
}

/// A whole ordinary answer, a delta a word: 12 tokens in, 5 of them cached, one out for each word.
pub(crate) fn answer(text: &str) -> Answer {
    let (message, end) = answer_events(text);
    sse([created("resp_1")].into_iter().chain(message).chain([end]))
}

/// Everything of the message of an ordinary answer, and the end of the answer.
fn answer_events(text: &str) -> (Vec<Event>, Event) {
    let words: Vec<_> = text.split_inclusive(' ').collect();
    let end = completed(usage(12, 5, words.len() as u64, 0));
    let start = [message_added("msg_1"), part_added()];
    let done = [text_done(text), part_done(text), message_done("msg_1", text)];
    (start.into_iter().chain(words.into_iter().map(delta)).chain(done).collect(), end)
}

/// An answer with an error status, as OpenAI writes it. The message quotes what must not leave the server.
pub(crate) fn upstream_error(status: u16, kind: &str, code: &str) -> Answer {
    let error = json!({"message": LEAK, "type": kind, "param": null, "code": code});
    Answer::with(status, "application/json", json!({"error": error}).to_string()).header("x-request-id", "req_upstream")
}

/// Text in the errors of the upstream that no one else may see.
pub(crate) const LEAK: &str = "upstream text that quotes the user";

pub(crate) fn created(id: &str) -> Event {
    let response = json!({"id": id, "object": "response", "status": "in_progress", "output": [], "usage": null});
    Event(json!({"type": "response.created", "response": response}))
}

pub(crate) fn message_added(id: &str) -> Event {
    item_added(&json!({"id": id, "type": "message", "status": "in_progress", "content": [], "role": "assistant"}))
}

pub(crate) fn message_done(id: &str, text: &str) -> Event {
    item_done(&message(id, &json!([output_text(text)])))
}

pub(crate) fn reasoning_added(id: &str) -> Event {
    item_added(&json!({"id": id, "type": "reasoning", "summary": []}))
}

pub(crate) fn reasoning_done(id: &str, summary: &[&str]) -> Event {
    let summary: Vec<_> = summary.iter().map(|text| json!({"type": "summary_text", "text": text})).collect();
    item_done(&json!({"id": id, "type": "reasoning", "summary": summary}))
}

pub(crate) fn item_added(item: &Value) -> Event {
    Event(json!({"type": "response.output_item.added", "output_index": 0, "item": item}))
}

pub(crate) fn item_done(item: &Value) -> Event {
    Event(json!({"type": "response.output_item.done", "output_index": 0, "item": item}))
}

pub(crate) fn part_added() -> Event {
    in_part("response.content_part.added").set("part", output_text(""))
}

pub(crate) fn part_done(text: &str) -> Event {
    in_part("response.content_part.done").set("part", output_text(text))
}

pub(crate) fn delta(text: &str) -> Event {
    in_part("response.output_text.delta").set("delta", json!(text)).set("logprobs", json!([]))
}

pub(crate) fn text_done(text: &str) -> Event {
    in_part("response.output_text.done").set("text", json!(text)).set("logprobs", json!([]))
}

pub(crate) fn refusal_delta(text: &str) -> Event {
    in_part("response.refusal.delta").set("delta", json!(text))
}

pub(crate) fn refusal_done(text: &str) -> Event {
    in_part("response.refusal.done").set("refusal", json!(text))
}

pub(crate) fn annotation_added(annotation: Value) -> Event {
    in_part("response.output_text.annotation.added").set("annotation_index", json!(0)).set("annotation", annotation)
}

pub(crate) fn reasoning_delta(text: &str) -> Event {
    in_summary("response.reasoning_summary_text.delta").set("delta", json!(text))
}

pub(crate) fn reasoning_text_done(text: &str) -> Event {
    in_summary("response.reasoning_summary_text.done").set("text", json!(text))
}

pub(crate) fn completed(usage: Value) -> Event {
    ended("completed").response("usage", usage)
}

pub(crate) fn incomplete(reason: &str, usage: Value) -> Event {
    ended("incomplete").response("incomplete_details", json!({"reason": reason})).response("usage", usage)
}

pub(crate) fn failed(code: &str) -> Event {
    ended("failed").response("error", json!({"code": code, "message": LEAK}))
}

pub(crate) fn error(code: &str) -> Event {
    Event(json!({"type": "error", "code": code, "message": LEAK, "param": null}))
}

/// A finished message with these parts.
pub(crate) fn message(id: &str, content: &Value) -> Value {
    json!({"id": id, "type": "message", "status": "completed", "content": content, "role": "assistant"})
}

pub(crate) fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "annotations": [], "logprobs": [], "text": text})
}

pub(crate) fn url_citation(url: &str, title: &str, start: u64, end: u64) -> Value {
    json!({"type": "url_citation", "url": url, "title": title, "start_index": start, "end_index": end})
}

pub(crate) fn usage(input: u64, cached: u64, output: u64, reasoning: u64) -> Value {
    json!({
        "input_tokens": input,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": output,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": input + output,
    })
}

fn in_part(kind: &str) -> Event {
    Event(json!({"type": kind, "item_id": "msg_1", "output_index": 0, "content_index": 0}))
}

fn in_summary(kind: &str) -> Event {
    Event(json!({"type": kind, "item_id": "rs_1", "output_index": 0, "summary_index": 0}))
}

fn ended(status: &str) -> Event {
    let response = json!({"id": "resp_1", "object": "response", "status": status, "output": [], "usage": null});
    Event(json!({"type": format!("response.{status}"), "response": response}))
}
