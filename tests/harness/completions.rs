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

/// What is wrong with a request, by the reference and by what we mean to send to servers that are not OpenAI's.
pub(super) fn fault(body: &Value) -> Option<String> {
    const KEYS: [&str; 5] = ["model", "messages", "max_tokens", "stream", "stream_options"];
    let is_message =
        |message: &Value| *message == json!({"role": message["role"].as_str(), "content": message["content"].as_str()});
    let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let turns = messages.strip_prefix(&messages[..usize::from(body["messages"][0]["role"] == "system")]);
    let expected = ["user", "assistant"].into_iter().cycle();
    let takes_turns = turns.is_some_and(|turns| {
        !turns.is_empty() && turns.iter().zip(expected).all(|(message, role)| message["role"] == role)
    });
    match body.as_object().and_then(|body| body.keys().find(|key| !KEYS.contains(&key.as_str()))) {
        Some(key) => Some(format!("an unknown key `{key}`")),
        None if body["stream"] != true || body["stream_options"] != json!({"include_usage": true}) => {
            Some(format!("`stream` in {body}"))
        }
        None if !body["model"].is_string() || !messages.iter().all(is_message) || !takes_turns => {
            Some(format!("`model` or `messages` in {body}"))
        }
        None => None,
    }
}
