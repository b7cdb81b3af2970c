//! The words of the Chat Completions API, to write a model's answers with. Shapes from OpenAI's API reference.

use axum::body::Bytes;
use serde_json::{Value, json};

use super::model::Answer;

/// A chunk of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Chunk(Value);

impl Chunk {
    /// Any event.
    pub(crate) fn new(event: Value) -> Self {
        Self(event)
    }

    /// The same with the field set.
    pub(crate) fn set(mut self, key: &str, value: Value) -> Self {
        self.0[key] = value;
        self
    }

    /// The same with the field of its choice set.
    pub(crate) fn choice(mut self, key: &str, value: Value) -> Self {
        self.0["choices"][0][key] = value;
        self
    }

    /// What it is as JSON.
    pub(crate) fn json(self) -> Value {
        self.0
    }

    /// Its bytes in the stream.
    pub(crate) fn encode(&self) -> Bytes {
        format!("data: {}\n\n", self.0).into()
    }
}

/// A stream of these chunks, without `[DONE]`.
pub(crate) fn chunks(chunks: impl IntoIterator<Item = Chunk>) -> Answer {
    let start = Answer::start(200, "text/event-stream; charset=utf-8");
    chunks.into_iter().fold(start, |answer, chunk| answer.bytes(chunk.encode()))
}

/// What ends a stream.
pub(crate) const DONE: &str = "data: [DONE]\n\n";

/// A whole ordinary answer, a chunk a word: 12 tokens in, 5 of them cached, one out for each word.
pub(crate) fn answer(text: &str) -> Answer {
    let words: Vec<_> = text.split_inclusive(' ').collect();
    let end = [finish("stop"), counted(usage(12, 5, words.len() as u64, 0))];
    chunks([role()].into_iter().chain(words.into_iter().map(content)).chain(end)).bytes(DONE)
}

/// The first chunk, which only says who speaks.
pub(crate) fn role() -> Chunk {
    delta(&json!({"role": "assistant", "content": "", "refusal": null}))
}

pub(crate) fn content(text: &str) -> Chunk {
    delta(&json!({"content": text}))
}

pub(crate) fn delta(delta: &Value) -> Chunk {
    let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": null});
    chunk(&json!([choice]))
}

pub(crate) fn finish(reason: &str) -> Chunk {
    delta(&json!({})).choice("finish_reason", json!(reason))
}

/// The chunk that only counts.
pub(crate) fn counted(usage: Value) -> Chunk {
    chunk(&json!([])).set("usage", usage)
}

pub(crate) fn usage(input: u64, cached: u64, output: u64, reasoning: u64) -> Value {
    json!({
        "prompt_tokens": input,
        "completion_tokens": output,
        "total_tokens": input + output,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    })
}

fn chunk(choices: &Value) -> Chunk {
    Chunk(json!({
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "test-model",
        "system_fingerprint": null,
        "choices": choices,
        "usage": null,
    }))
}

/// An answer that is nothing but calls: the id, the function and the arguments of each. 12 tokens in, 8 out for each.
pub(crate) fn function_calls(calls: &[(&str, &str, &str)]) -> Answer {
    let pieces = (0..).zip(calls).flat_map(|(index, (id, name, arguments))| {
        [
            json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": ""}}),
            json!({"index": index, "function": {"arguments": arguments}}),
        ]
    });
    let end = [finish("tool_calls"), counted(usage(12, 5, 8 * calls.len() as u64, 0))];
    chunks([role()].into_iter().chain(pieces.map(|piece| tool_call(&piece))).chain(end)).bytes(DONE)
}

/// A piece of a call.
pub(crate) fn tool_call(piece: &Value) -> Chunk {
    delta(&json!({"tool_calls": [piece]}))
}

/// What is wrong with a request, by the reference and by what we mean to send to servers that are not OpenAI's.
pub(super) fn fault(body: &Value) -> Option<String> {
    const KEYS: [&str; 7] = ["model", "messages", "tools", "tool_choice", "max_tokens", "stream", "stream_options"];
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    match body.as_object().and_then(|body| body.keys().find(|key| !KEYS.contains(&key.as_str()))) {
        Some(key) => Some(format!("an unknown key `{key}`")),
        None if body["stream"] != true || body["stream_options"] != json!({"include_usage": true}) => {
            Some(format!("`stream` in {body}"))
        }
        None if !body["model"].is_string() || !messages.iter().all(is_message) || !take_turns(messages) => {
            Some(format!("`model` or `messages` in {body}"))
        }
        None => None,
    }
}

fn is_message(message: &Value) -> bool {
    let content = &message["content"];
    let is_content = match message["role"].as_str() {
        Some("system" | "tool") => content.is_string(),
        Some("user") => content.is_string() || content.as_array().is_some_and(|parts| !parts.is_empty()),
        Some("assistant") => content.is_string() || (content.is_null() && !message["tool_calls"].is_null()),
        Some(_) | None => false,
    };
    let keys: &[&str] = match message["role"].as_str() {
        Some("assistant") => &["role", "content", "tool_calls", "reasoning_content", "reasoning"],
        Some("tool") => &["role", "content", "tool_call_id"],
        Some(_) | None => &["role", "content"],
    };
    is_content && message.as_object().is_some_and(|message| message.keys().all(|key| keys.contains(&key.as_str())))
}

/// Whether the sides take turns, and each call has its output before anything else is said.
fn take_turns(messages: &[Value]) -> bool {
    let mut last = "";
    let mut open: Vec<&Value> = Vec::new();
    for message in messages {
        let role = message["role"].as_str().unwrap_or_default();
        if role == "tool" {
            let Some(position) = open.iter().position(|id| **id == message["tool_call_id"]) else { return false };
            open.remove(position);
        } else if role == last || !open.is_empty() || (role == "system" && !last.is_empty()) {
            return false;
        }
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        open.extend(calls.map(|call| &call["id"]));
        last = role;
    }
    open.is_empty() && !matches!(last, "" | "system")
}
