use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::act::Act;
use super::answer::{Answer, Citation};
use super::request::Request;
use super::response::{fitting, id, response, usage};
use super::{picture, texts};

/// A long text comes in larger pieces, so that it takes seconds and not minutes.
const MAX_PIECES: usize = 300;

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
        Some(Act::Search { query }) => script.search(query),
        Some(Act::Draw { previews }) => script.draw(*previews),
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

/// The events so far.
struct Script {
    events: Vec<Value>,
    /// The finished items.
    output: Vec<Value>,
    /// What the ids of all items end in.
    id: String,
}

impl Script {
    fn push(&mut self, kind: &str, mut event: Value) {
        event["type"] = json!(format!("response.{kind}"));
        event["sequence_number"] = json!(self.events.len());
        self.events.push(event);
    }

    /// An event about a part of the current item.
    fn push_at(&mut self, kind: &str, part: &Part, mut event: Value) {
        event[part.key] = json!(part.index);
        self.push_about(kind, &part.item, event);
    }

    /// An event about the current item.
    fn push_about(&mut self, kind: &str, item: &str, mut event: Value) {
        event["item_id"] = json!(item);
        event["output_index"] = json!(self.output.len());
        self.push(kind, event);
    }

    fn start_item(&mut self, item: &Value) {
        self.push("output_item.added", json!({"output_index": self.output.len(), "item": item}));
    }

    fn finish_item(&mut self, item: Value) {
        self.push("output_item.done", json!({"output_index": self.output.len(), "item": item}));
        self.output.push(item);
    }

    fn think(&mut self, thoughts: &[&str]) {
        let item = format!("rs_{}", self.id);
        let summary = |text: &str| json!({"type": "summary_text", "text": text});
        self.start_item(&json!({"id": item, "type": "reasoning", "summary": []}));
        for (index, text) in thoughts.iter().enumerate() {
            let current = Part { item: item.clone(), key: "summary_index", index };
            self.push_at("reasoning_summary_part.added", &current, json!({"part": summary("")}));
            for piece in pieces(text) {
                self.push_at("reasoning_summary_text.delta", &current, json!({"delta": piece}));
            }
            self.push_at("reasoning_summary_text.done", &current, json!({"text": text}));
            self.push_at("reasoning_summary_part.done", &current, json!({"part": summary(text)}));
        }
        let summary: Vec<_> = thoughts.iter().map(|text| summary(text)).collect();
        self.finish_item(json!({"id": item, "type": "reasoning", "summary": summary}));
    }

    fn call(&mut self, name: &str, arguments: &str) {
        let item = format!("fc_{}", self.id);
        let call = |status: &str, arguments: &str| json!({"id": item, "type": "function_call", "status": status, "call_id": call_id(&self.id), "name": name, "arguments": arguments});
        let (started, done) = (call("in_progress", ""), call("completed", arguments));
        self.start_item(&started);
        for piece in pieces(arguments) {
            self.push_about("function_call_arguments.delta", &item, json!({"delta": piece}));
        }
        self.push_about("function_call_arguments.done", &item, json!({"name": name, "arguments": arguments}));
        self.finish_item(done);
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
        let current = Part { item: item.clone(), key: "content_index", index: 0 };
        self.start_item(&message("in_progress", json!([])));
        self.push_at("content_part.added", &current, json!({"part": part("", &[])}));
        for piece in pieces(text) {
            self.push_at(&format!("{kind}.delta"), &current, spoken("delta", &piece));
        }
        if answer.fails {
            return;
        }
        let annotations = annotations(answer, text);
        for (index, annotation) in annotations.iter().enumerate() {
            self.push_at(
                "output_text.annotation.added",
                &current,
                json!({"annotation": annotation, "annotation_index": index}),
            );
        }
        self.push_at(&format!("{kind}.done"), &current, spoken(key, text));
        self.push_at("content_part.done", &current, json!({"part": part(text, &annotations)}));
        let status = if text.len() < answer.text.len() { "incomplete" } else { "completed" };
        self.finish_item(message(status, json!([part(text, &annotations)])));
    }

    /// A search in the web, which finds what the answer cites.
    fn search(&mut self, query: &str) {
        let item = format!("ws_{}", self.id);
        let sources = texts::SOURCES.map(|(_, url)| json!({"type": "url", "url": url}));
        let call = |status: &str, sources: &[Value]| {
            let action = json!({"type": "search", "query": query, "queries": [query], "sources": sources});
            json!({"id": item, "type": "web_search_call", "status": status, "action": action})
        };
        self.start_item(&call("in_progress", &[]));
        for state in ["in_progress", "searching", "completed"] {
            self.push_about(&format!("web_search_call.{state}"), &item, json!({}));
        }
        self.finish_item(call("completed", &sources));
    }

    /// A picture that becomes clearer with each preview.
    fn draw(&mut self, previews: usize) {
        let item = format!("ig_{}", self.id);
        let call = |status: &str, result: Option<String>| {
            let mut call = json!({"id": item, "type": "image_generation_call", "status": status, "result": result});
            if result.is_some() {
                call["output_format"] = json!("png");
                call["revised_prompt"] = json!("An evening by the sea.");
            }
            call
        };
        self.start_item(&call("in_progress", None));
        for state in ["in_progress", "generating"] {
            self.push_about(&format!("image_generation_call.{state}"), &item, json!({}));
        }
        let squares = [24, 8, 4].into_iter().take(previews);
        for (index, square) in squares.enumerate() {
            let preview = json!({
                "partial_image_index": index,
                "partial_image_b64": STANDARD.encode(picture::paint(square)),
                "output_format": "png",
            });
            self.push_about("image_generation_call.partial_image", &item, preview);
        }
        self.push_about("image_generation_call.completed", &item, json!({}));
        self.finish_item(call("completed", Some(STANDARD.encode(picture::paint(1)))));
    }
}

/// A part of an item.
struct Part {
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
    let least = text.len() / MAX_PIECES;
    let mut pieces = vec![String::new()];
    for word in text.split_inclusive(' ') {
        match pieces.last_mut() {
            Some(piece) if piece.len() < least || piece.is_empty() => piece.push_str(word),
            _ => pieces.push(word.to_owned()),
        }
    }
    pieces
}
