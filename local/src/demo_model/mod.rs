//! The model when there is no key: a stand-in for OpenAI that understands nothing and says so. The same question in the
//! same conversation gets the same answer, so that tests and benchmarks can use it, too.
//!
//! ```text
//! request.rs      a request of either API
//! act.rs          which tool to use             answer.rs   what to say;  texts.rs  the longer texts
//! response.rs     the Responses API's response  events.rs   the same as a stream of events;  picture.rs  its picture
//! completions.rs  the Chat Completions API
//! ```

mod act;
mod answer;
mod completions;
mod events;
mod picture;
mod request;
mod response;
mod texts;

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Multipart, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chatkit_shared::clock::Clock;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use answer::Answer;
use completions::{Completion, CompletionRequest};
use events::events;
use request::Request;

/// The pause before each piece of text, as with a real model.
pub const PACE: Duration = Duration::from_millis(15);

/// How many pauses come before an event. Tools take long enough to be seen.
fn pauses(kind: &str) -> u32 {
    let is_work = [".web_search_call.completed", ".partial_image", ".image_generation_call.completed"];
    match kind {
        kind if kind.ends_with(".delta") => 1,
        kind if is_work.iter().any(|ending| kind.ends_with(ending)) => 60,
        _ => 0,
    }
}

#[derive(Clone)]
struct Demo {
    clock: Clock,
    pace: Duration,
}

/// The demo model's `POST /v1/responses` and `POST /v1/chat/completions`, both with and without `stream`, and
/// `POST /v1/audio/transcriptions`. `pace` is the pause before each piece of text: [`PACE`], or zero for tests and
/// benchmarks.
pub fn router(clock: Clock, pace: Duration) -> Router {
    Router::new()
        .route("/v1/responses", post(respond))
        .route("/v1/chat/completions", post(complete))
        .route("/v1/audio/transcriptions", post(transcribe))
        .with_state(Demo { clock, pace })
}

async fn respond(State(demo): State<Demo>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Request>(&body) else { return unreadable() };
    let answer = Answer::to(&request);
    let mut events = events(&request, &answer, demo.clock.now().as_second());
    if !request.stream {
        let last = events.pop().unwrap_or_default();
        return json(&last["response"]).into_response();
    }
    let pieces = events.into_iter().map(|event| {
        let kind = event["type"].as_str().unwrap_or_default();
        (pauses(kind), encode(kind, &event))
    });
    demo.stream(pieces, answer.is_slow)
}

async fn complete(State(demo): State<Demo>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<CompletionRequest>(&body) else { return unreadable() };
    let is_streamed = request.stream;
    let completion = Completion::to(request, demo.clock.now().as_second());
    if !is_streamed {
        let (status, document) = completion.document();
        return (status, json(&document)).into_response();
    }
    let chunks =
        completion.chunks().into_iter().map(|(is_text, chunk)| (u32::from(is_text), completions::encode(&chunk)));
    demo.stream(chunks.chain([(0, completions::DONE)]), completion.is_slow())
}

async fn transcribe(form: Multipart) -> Response {
    transcription(form).await.map_or_else(unreadable, |answer| json(&answer).into_response())
}

/// The answer to `POST /v1/audio/transcriptions`: what was received, since nothing is understood. `None` for a form
/// without a model or a file.
async fn transcription(mut form: Multipart) -> Option<Value> {
    let (mut file, mut model) = (None, None);
    while let Some(field) = form.next_field().await.ok()? {
        match field.name() {
            Some("file") => {
                let media_type = field.content_type().unwrap_or("no type").to_owned();
                file = Some((media_type, field.bytes().await.ok()?));
            }
            Some("model") => model = Some(field.text().await.ok()?),
            Some(_) | None => {}
        }
    }
    let ((media_type, audio), _) = file.zip(model)?;
    let text = format!("The demo model cannot hear, but it received {} bytes of {media_type}.", audio.len());
    Some(json!({ "text": text }))
}

impl Demo {
    /// Streams these pieces, each with how many pauses come before it, at the pace of a model.
    fn stream(&self, pieces: impl Iterator<Item = (u32, Bytes)>, is_slow: bool) -> Response {
        let pace = if is_slow { self.pace * 20 } else { self.pace };
        let body = stream::iter(pieces.collect::<Vec<_>>()).then(move |(pauses, piece)| async move {
            if pauses > 0 && !pace.is_zero() {
                sleep(pace * pauses).await;
            }
            Ok::<_, Infallible>(piece)
        });
        ([(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")], Body::from_stream(body)).into_response()
    }
}

fn unreadable() -> Response {
    let error = json!({
        "message": "The demo model cannot read this request.",
        "type": "invalid_request_error",
        "param": null,
        "code": null,
    });
    (StatusCode::BAD_REQUEST, json(&json!({ "error": error }))).into_response()
}

fn json(body: &Value) -> impl IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string())
}

fn encode(kind: &str, event: &Value) -> Bytes {
    format!("event: {kind}\ndata: {event}\n\n").into()
}
