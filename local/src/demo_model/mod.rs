//! What talks when there is no key: a stand-in for OpenAI that speaks the Responses API, understands nothing and says
//! so. The same question in the same conversation gets the same answer, so that it serves tests and benchmarks too.
//!
//! ```text
//! request.rs   what was asked             answer.rs  what to say to it, texts.rs  the longer pieces of it
//! response.rs  the answer as a response   events.rs  the response as a stream of events
//! ```

mod answer;
mod events;
mod request;
mod response;
mod texts;

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use chatkit_shared::clock::Clock;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::time::sleep;

use answer::Answer;
use events::events;
use request::Request;

/// The pause before each piece of text that looks like a model at work.
pub const PACE: Duration = Duration::from_millis(15);

#[derive(Clone)]
struct Demo {
    clock: Clock,
    pace: Duration,
}

/// The demo model's `POST /v1/responses`, with and without `stream`. `pace` is the pause before each piece of text:
/// [`PACE`], or zero for tests and benchmarks.
pub fn router(clock: Clock, pace: Duration) -> Router {
    Router::new().route("/v1/responses", post(respond)).with_state(Demo { clock, pace })
}

async fn respond(State(demo): State<Demo>, body: Bytes) -> Response {
    let Ok(request) = serde_json::from_slice::<Request>(&body) else {
        let error = json!({
            "message": "The demo model cannot read this request.",
            "type": "invalid_request_error",
            "param": null,
            "code": null,
        });
        return (StatusCode::BAD_REQUEST, json(&json!({ "error": error }))).into_response();
    };
    let answer = Answer::to(&request);
    let pace = if answer.is_slow { demo.pace * 20 } else { demo.pace };
    let mut events = events(&request, &answer, demo.clock.now().as_second());
    if !request.stream {
        let last = events.pop().unwrap_or_default();
        return json(&last["response"]).into_response();
    }
    let body = stream::iter(events).then(move |event| async move {
        let kind = event["type"].as_str().unwrap_or_default();
        if kind.ends_with(".delta") && !pace.is_zero() {
            sleep(pace).await;
        }
        Ok::<_, Infallible>(encode(kind, &event))
    });
    ([(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")], Body::from_stream(body)).into_response()
}

fn json(body: &Value) -> impl IntoResponse + use<> {
    ([(header::CONTENT_TYPE, "application/json")], body.to_string())
}

fn encode(kind: &str, event: &Value) -> Bytes {
    format!("event: {kind}\ndata: {event}\n\n").into()
}
