//! `input.transcribe`: a recording becomes text.

mod client;
mod failures;
mod operation;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::harness::app::App;
use crate::harness::model::Answer;

/// The functions with a model that transcribes.
async fn app() -> App {
    App::with([("TRANSCRIBE_MODEL", "ears")]).await
}

/// The operation.
fn transcribe(audio_base64: &str, mime_type: &str) -> Value {
    json!({"type": "input.transcribe", "params": {"audio_base64": audio_base64, "mime_type": mime_type}})
}

/// The operation with a recording as browsers make it.
fn recording() -> Value {
    transcribe(&STANDARD.encode(b"\x1aE\xdf\xa3 sound"), "audio/webm;codecs=opus")
}

/// What the upstream heard.
fn heard(text: &str) -> Answer {
    Answer::with(
        200,
        "application/json",
        json!({"text": text, "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 45}}).to_string(),
    )
}
