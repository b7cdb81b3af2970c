//! The same answers through the Chat Completions API.

use axum::body::Bytes;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use super::act::Act;
use super::answer::Answer;
use super::events::{annotations, call_id, pieces};
use super::request::{Input, Item, Request, Role, Tool, ToolChoice};
use super::response::{fitting, id, usage};

/// The body of `POST /v1/chat/completions`, as far as the demo model cares.
#[derive(Debug, Deserialize)]
pub(super) struct CompletionRequest {
    model: String,
    messages: Vec<Item>,
    #[serde(default)]
    tools: Vec<Tool>,
    #[serde(default)]
    tool_choice: Option<ToolChoice>,
    #[serde(default, alias = "max_completion_tokens")]
    max_tokens: Option<u32>,
    #[serde(default)]
    pub(super) stream: bool,
    #[serde(default)]
    stream_options: StreamOptions,
}

#[derive(Debug, Default, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

/// The answer to a request, in the shape of this API.
#[derive(Debug)]
pub(super) struct Completion {
    request: Request,
    answer: Answer,
    /// In Unix seconds.
    created: i64,
    is_counted: bool,
}

impl Completion {
    pub(super) fn to(request: CompletionRequest, created: i64) -> Self {
        let (system, messages): (Vec<_>, Vec<_>) =
            request.messages.into_iter().partition(|message| message.is_of(&[Role::System, Role::Developer]));
        let instructions: Vec<_> = system.iter().map(Item::text).collect();
        let is_counted = request.stream_options.include_usage;
        let request = Request {
            model: request.model,
            instructions: (!instructions.is_empty()).then(|| instructions.join("\n")),
            input: Input::Items(messages),
            tools: request.tools,
            tool_choice: request.tool_choice,
            max_output_tokens: request.max_tokens,
            prompt_cache_key: None,
            safety_identifier: None,
            stream: request.stream,
        };
        Self { answer: Answer::to(&request), request, created, is_counted }
    }

    pub(super) const fn is_slow(&self) -> bool {
        self.answer.is_slow
    }

    /// The answer as one document, and its status.
    pub(super) fn document(&self) -> (StatusCode, Value) {
        if self.answer.fails {
            return (StatusCode::INTERNAL_SERVER_ERROR, self.failure());
        }
        let text = self.text();
        let mut message = json!({"role": "assistant", "content": text, "refusal": null});
        if self.answer.is_refusal {
            message = json!({"role": "assistant", "content": null, "refusal": text});
        }
        if !self.answer.thoughts.is_empty() {
            message["reasoning_content"] = json!(self.answer.thoughts.join("\n\n"));
        }
        message["annotations"] = self.annotations();
        if let Some((name, arguments)) = self.call() {
            message["content"] = Value::Null;
            message["tool_calls"] =
                json!([{"id": self.call_id(), "type": "function", "function": {"name": name, "arguments": arguments}}]);
        }
        let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": self.finish_reason()});
        let mut document = self.envelope("chat.completion", &json!([choice]));
        document["usage"] = self.usage();
        (StatusCode::OK, document)
    }

    /// The answer as a stream of chunks, each with whether it has text; `[DONE]` is not among them.
    pub(super) fn chunks(&self) -> Vec<(bool, Value)> {
        let chunk = |delta: Value, finish_reason: Value| {
            let choice = json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason});
            self.envelope("chat.completion.chunk", &json!([choice]))
        };
        let said = |key: &str, text: &str| {
            pieces(text).into_iter().map(|piece| (true, chunk(json!({key: piece}), Value::Null))).collect::<Vec<_>>()
        };
        let mut chunks = vec![(false, chunk(json!({"role": "assistant", "content": ""}), Value::Null))];
        if !self.answer.thoughts.is_empty() {
            chunks.extend(said("reasoning_content", &self.answer.thoughts.join("\n\n")));
        }
        if let Some((name, arguments)) = self.call() {
            let start = json!({"index": 0, "id": self.call_id(), "type": "function", "function": {"name": name, "arguments": ""}});
            chunks.push((false, chunk(json!({"tool_calls": [start]}), Value::Null)));
            for piece in pieces(&arguments) {
                let more = json!({"index": 0, "function": {"arguments": piece}});
                chunks.push((true, chunk(json!({"tool_calls": [more]}), Value::Null)));
            }
        } else {
            chunks.extend(said(if self.answer.is_refusal { "refusal" } else { "content" }, self.text()));
        }
        if self.answer.fails {
            chunks.push((false, self.failure()));
            return chunks;
        }
        if self.annotations() != json!([]) {
            chunks.push((false, chunk(json!({"annotations": self.annotations()}), Value::Null)));
        }
        chunks.push((false, chunk(json!({}), json!(self.finish_reason()))));
        if self.is_counted {
            let mut count = self.envelope("chat.completion.chunk", &json!([]));
            count["usage"] = self.usage();
            chunks.push((false, count));
        }
        chunks
    }

    fn envelope(&self, object: &str, choices: &Value) -> Value {
        json!({
            "id": format!("chatcmpl-{}", id(&self.request)),
            "object": object,
            "created": self.created,
            "model": self.request.model,
            "system_fingerprint": null,
            "choices": choices,
            "usage": null,
        })
    }

    fn text(&self) -> &str {
        fitting(&self.request, &self.answer.text)
    }

    /// The function that is called, and the arguments as JSON. What OpenAI runs itself does not exist in this API.
    fn call(&self) -> Option<(&'static str, String)> {
        match &self.answer.act {
            Some(Act::Call { name, arguments }) => Some((name, arguments.to_string())),
            Some(Act::Search { .. } | Act::Draw { .. }) | None => None,
        }
    }

    fn call_id(&self) -> String {
        call_id(&id(&self.request))
    }

    fn finish_reason(&self) -> &'static str {
        if self.answer.is_silent() {
            "tool_calls"
        } else if self.text().len() < self.answer.text.len() {
            "length"
        } else {
            "stop"
        }
    }

    fn annotations(&self) -> Value {
        let annotations = annotations(&self.answer, self.text()).into_iter();
        annotations.map(|citation| json!({"type": "url_citation", "url_citation": citation})).collect()
    }

    fn usage(&self) -> Value {
        let usage = usage(&self.request, &self.answer, self.text());
        json!({
            "prompt_tokens": usage["input_tokens"],
            "completion_tokens": usage["output_tokens"],
            "total_tokens": usage["total_tokens"],
            "prompt_tokens_details": usage["input_tokens_details"],
            "completion_tokens_details": usage["output_tokens_details"],
        })
    }

    fn failure(&self) -> Value {
        json!({"error": {"message": "The demo model fails when it is asked to.", "type": "server_error", "code": null}})
    }
}

/// A chunk in the stream.
pub(super) fn encode(chunk: &Value) -> Bytes {
    format!("data: {chunk}\n\n").into()
}

/// What ends the stream.
pub(super) const DONE: Bytes = Bytes::from_static(b"data: [DONE]\n\n");
