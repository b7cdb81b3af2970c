use serde_json::{Value, json};

use super::act::Act;
use super::answer::{Answer, Citation};
use super::hosted;
use super::request::Request;
use super::response::{fitting, id, response, usage};

/// The most pieces a text comes in: a long answer comes in larger ones, so that it takes seconds and not minutes.
const PIECES: usize = 300;

/// The answer as OpenAI streams it, from `response.created` to the event that ends it, which holds all of it.
/// `created_at` in Unix seconds.
pub(super) fn events(request: &Request, answer: &Answer, created_at: i64) -> Vec<Value> {
    let mut response = response(request, created_at);
    let mut script = Script { events: Vec::new(), output: Vec::new(), id: id(request) };
    script.push("created", json!({"response": response}));
    script.push("in_progress", json!({"response": response}));
    if !answer.thoughts.is_empty() {
        script.think(&answer.thoughts);
    }
    let text = fitting(request, &answer.text);
    match &answer.act {
        Some(Act::Call { name, arguments }) => script.call(name, &arguments.to_string()),
        Some(Act::Search { query }) => hosted::search(&mut script, query),
        Some(Act::Draw { previews }) => hosted::draw(&mut script, *previews),
        None => {}
    }
    if !answer.is_silent() {
        script.say(answer, text);
    }
    let status = if answer.fails {
        script.output.clear();
        response["error"] = json!({"code": "server_error", "message": "The demo model fails when it is asked to."});
        "failed"
    } else {
        response["usage"] = usage(request, answer, text);
        if text.len() < answer.text.len() {
            response["incomplete_details"] = json!({"reason": "max_output_tokens"});
            "incomplete"
        } else {
            response["completed_at"] = json!(created_at);
            "completed"
        }
    };
    response["status"] = json!(status);
    response["output"] = json!(script.output);
    script.push(status, json!({"response": response}));
    script.events
}

/// A stream in the making.
pub(super) struct Script {
    events: Vec<Value>,
    /// The items that are whole.
    output: Vec<Value>,
    /// What the ids of all items end in.
    pub(super) id: String,
}

impl Script {
    fn push(&mut self, kind: &str, mut event: Value) {
        event["type"] = json!(format!("response.{kind}"));
        event["sequence_number"] = json!(self.events.len());
        self.events.push(event);
    }

    /// An event about a place in the item that comes now.
    fn push_at(&mut self, kind: &str, place: &Place, mut event: Value) {
        event[place.key] = json!(place.index);
        self.push_about(kind, &place.item, event);
    }

    /// An event about the item that comes now.
    pub(super) fn push_about(&mut self, kind: &str, item: &str, mut event: Value) {
        event["item_id"] = json!(item);
        event["output_index"] = json!(self.output.len());
        self.push(kind, event);
    }

    pub(super) fn begin(&mut self, item: &Value) {
        self.push("output_item.added", json!({"output_index": self.output.len(), "item": item}));
    }

    pub(super) fn end(&mut self, item: Value) {
        self.push("output_item.done", json!({"output_index": self.output.len(), "item": item}));
        self.output.push(item);
    }

    fn think(&mut self, thoughts: &[&str]) {
        let item = format!("rs_{}", self.id);
        let summary = |text: &str| json!({"type": "summary_text", "text": text});
        self.begin(&json!({"id": item, "type": "reasoning", "summary": []}));
        for (index, text) in thoughts.iter().enumerate() {
            let place = Place { item: item.clone(), key: "summary_index", index };
            self.push_at("reasoning_summary_part.added", &place, json!({"part": summary("")}));
            for piece in pieces(text) {
                self.push_at("reasoning_summary_text.delta", &place, json!({"delta": piece}));
            }
            self.push_at("reasoning_summary_text.done", &place, json!({"text": text}));
            self.push_at("reasoning_summary_part.done", &place, json!({"part": summary(text)}));
        }
        let summary: Vec<_> = thoughts.iter().map(|text| summary(text)).collect();
        self.end(json!({"id": item, "type": "reasoning", "summary": summary}));
    }

    fn call(&mut self, name: &str, arguments: &str) {
        let item = format!("fc_{}", self.id);
        let call = |status: &str, arguments: &str| json!({"id": item, "type": "function_call", "status": status, "call_id": call_id(&self.id), "name": name, "arguments": arguments});
        let (begun, done) = (call("in_progress", ""), call("completed", arguments));
        self.begin(&begun);
        for piece in pieces(arguments) {
            self.push_about("function_call_arguments.delta", &item, json!({"delta": piece}));
        }
        self.push_about("function_call_arguments.done", &item, json!({"name": name, "arguments": arguments}));
        self.end(done);
    }

    fn say(&mut self, answer: &Answer, text: &str) {
        let item = format!("msg_{}", self.id);
        let message = |status: &str, content: Value| json!({"id": item, "type": "message", "status": status, "content": content, "role": "assistant"});
        let (kind, key) = if answer.is_refusal { ("refusal", "refusal") } else { ("output_text", "text") };
        let spoken = |key: &str, text: &str| {
            if answer.is_refusal { json!({key: text}) } else { json!({key: text, "logprobs": []}) }
        };
        let part = |text: &str, annotations: &[Value]| {
            let mut part = spoken(key, text);
            part["type"] = json!(kind);
            if !answer.is_refusal {
                part["annotations"] = json!(annotations);
            }
            part
        };
        let place = Place { item: item.clone(), key: "content_index", index: 0 };
        self.begin(&message("in_progress", json!([])));
        self.push_at("content_part.added", &place, json!({"part": part("", &[])}));
        for piece in pieces(text) {
            self.push_at(&format!("{kind}.delta"), &place, spoken("delta", &piece));
        }
        if answer.fails {
            return;
        }
        let annotations = annotations(answer, text);
        for (index, annotation) in annotations.iter().enumerate() {
            self.push_at(
                "output_text.annotation.added",
                &place,
                json!({"annotation": annotation, "annotation_index": index}),
            );
        }
        self.push_at(&format!("{kind}.done"), &place, spoken(key, text));
        self.push_at("content_part.done", &place, json!({"part": part(text, &annotations)}));
        let status = if text.len() < answer.text.len() { "incomplete" } else { "completed" };
        self.end(message(status, json!([part(text, &annotations)])));
    }
}

/// A part of an item.
struct Place {
    item: String,
    /// What the API calls its index.
    key: &'static str,
    index: usize,
}

/// The id of the one call that an answer may have.
pub(super) fn call_id(id: &str) -> String {
    format!("call_{id}")
}

/// The sources of the text, as far as it goes.
pub(super) fn annotations(answer: &Answer, text: &str) -> Vec<Value> {
    let length = text.chars().count();
    let citations = answer.citations.iter().filter(|citation| citation.end <= length);
    let annotation = |citation: &Citation| {
        json!({
            "type": "url_citation",
            "start_index": citation.start,
            "end_index": citation.end,
            "title": citation.title,
            "url": citation.url,
        })
    };
    citations.map(annotation).collect()
}

/// The text in words, or in groups of words if there are many.
pub(super) fn pieces(text: &str) -> Vec<String> {
    let least = text.len() / PIECES;
    let mut pieces = vec![String::new()];
    for word in text.split_inclusive(' ') {
        match pieces.last_mut() {
            Some(piece) if piece.len() < least || piece.is_empty() => piece.push_str(word),
            _ => pieces.push(word.to_owned()),
        }
    }
    pieces
}
