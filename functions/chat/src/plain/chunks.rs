//! The answer as Chat Completions streams it.

use bytes::Bytes;
use chatkit_shared::engine::{Engine, Events};
use chatkit_shared::http::sse;
use chatkit_shared::protocol::{Event, ItemUpdate, ThreadItem};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::answer::Whole;
use super::ending::Ending;

const DONE: Bytes = Bytes::from_static(b"data: [DONE]\n\n");

struct Chunks {
    events: Events,
    ending: oneshot::Receiver<Ending>,
    /// In every chunk.
    common: Value,
    finish_reason: &'static str,
    /// The message of a failure.
    failure: Option<String>,
}

/// A chunk with the role, one for each delta, one with the finish reason and the usage, then `[DONE]`. A failure is an
/// `error` in place of the finish reason. `sessionId` is in every chunk of a thread.
pub(super) fn chunks(
    events: Events,
    ending: oneshot::Receiver<Ending>,
    session_id: Option<String>,
    model: &str,
    engine: &Engine,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let chunks =
        Chunks { events, ending, common: common(session_id, model, engine), finish_reason: "stop", failure: None };
    stream::unfold(Some(chunks), |chunks| async move {
        let mut chunks = chunks?;
        while let Some(event) = chunks.events.recv().await {
            if let Some(chunk) = chunks.take(event.event) {
                return Some((vec![sse::encode(&chunk)], Some(chunks)));
            }
        }
        Some((chunks.end().await, None))
    })
    .flat_map(stream::iter)
}

/// The chunks of an answer that is whole already: all of its text is one delta.
pub(super) fn of_whole(whole: Whole, model: &str, engine: &Engine) -> Vec<Bytes> {
    let Whole { message, session_id, is_cut_off, failure, ending } = whole;
    let common = common(session_id, model, engine);
    let finish_reason = if is_cut_off { "length" } else { "stop" };
    let mut chunks = vec![chunk(&common, &json!({ "role": "assistant", "content": "" }), None)];
    if !message.is_empty() {
        chunks.push(chunk(&common, &json!({ "content": message }), None));
    }
    chunks.push(last(&common, failure, finish_reason, ending));
    chunks.iter().map(sse::encode).chain([DONE]).collect()
}

/// What is in every chunk of an answer.
fn common(session_id: Option<String>, model: &str, engine: &Engine) -> Value {
    let mut common = json!({
        "id": engine.ids.mint("chatcmpl"),
        "object": "chat.completion.chunk",
        "created": engine.clock.now().as_second(),
        "model": model,
    });
    if let Some(session_id) = session_id {
        common["sessionId"] = session_id.into();
    }
    common
}

fn chunk(common: &Value, delta: &Value, finish_reason: Option<&str>) -> Value {
    let mut chunk = common.clone();
    chunk["choices"] = json!([{ "index": 0, "delta": delta, "finish_reason": finish_reason }]);
    chunk
}

/// The last chunk: the usage, or what failed.
fn last(common: &Value, failure: Option<String>, finish_reason: &str, Ending { usage, code }: Ending) -> Value {
    let Some(message) = failure else {
        let mut chunk = chunk(common, &json!({}), Some(finish_reason));
        chunk["usage"] = json!(usage);
        return chunk;
    };
    let mut chunk = json!({ "error": { "code": code.as_str(), "message": message } });
    if let Some(session_id) = common.get("sessionId") {
        chunk["sessionId"] = session_id.clone();
    }
    chunk
}

impl Chunks {
    fn take(&mut self, event: Event) -> Option<Value> {
        match event {
            Event::ThreadCreated { thread } => {
                self.common["sessionId"] = thread.id.into();
                None
            }
            Event::ItemAdded { item: ThreadItem::AssistantMessage(_) } => {
                Some(chunk(&self.common, &json!({ "role": "assistant", "content": "" }), None))
            }
            Event::ItemUpdated { update: ItemUpdate::ContentPartTextDelta { delta, .. }, .. } => {
                Some(chunk(&self.common, &json!({ "content": delta }), None))
            }
            Event::Notice { .. } => {
                self.finish_reason = "length";
                None
            }
            Event::Error { message, .. } => {
                self.failure = Some(message.unwrap_or_default());
                None
            }
            _ => None,
        }
    }

    async fn end(self) -> Vec<Bytes> {
        let ending = self.ending.await.unwrap_or_default();
        vec![sse::encode(&last(&self.common, self.failure, self.finish_reason, ending)), DONE]
    }
}
