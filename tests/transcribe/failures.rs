//! Recordings that are none, and an upstream that fails.

use std::time::Duration;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chatkit_shared::engine::Failure;
use chatkit_shared::http::{Code, Error};
use chatkit_shared::model::{AudioType, Model, ModelConfig};
use http::Method;
use serde_json::{Value, json};

use super::{app, heard, recording, transcribe};
use crate::harness::app::{App, request};
use crate::harness::model::{Answer, ScriptedModel};
use crate::harness::outside::client;
use crate::harness::responses::{LEAK, upstream_error};

#[tokio::test]
async fn transcribe_when_not_configured_is_refused() {
    let app = App::start().await;
    let message = app.chatkit("alice", &recording()).await.error(400, "bad_request");
    assert_eq!(message, "dictation is not configured on this server: `TRANSCRIBE_MODEL`");
    assert_eq!(app.dynamo.reset().units(), (0.0, 0.0));
}

#[tokio::test]
async fn transcribe_with_an_invalid_recording_is_refused_at_no_cost() {
    let app = app().await;
    let sound = STANDARD.encode("sound");
    for (operation, message) in [
        (transcribe("", "audio/webm"), "`audio_base64` is empty"),
        (transcribe("!!!", "audio/webm"), "`audio_base64` is not base64"),
        (transcribe("c291bmQ", "audio/webm"), "`audio_base64` is not base64"),
        (transcribe("c291bmR=", "audio/webm"), "`audio_base64` is not base64"),
        (transcribe("c291\nbmQ=", "audio/webm"), "`audio_base64` is not base64"),
        (transcribe("data:audio/webm;base64,c291bmQ=", "audio/webm"), "`audio_base64` is not base64"),
        (transcribe(&sound, "video/mp4"), "`mime_type` is not a type of audio that can be transcribed"),
        (transcribe(&sound, ""), "`mime_type` is not a type of audio that can be transcribed"),
        (
            json!({"type": "input.transcribe", "params": {"mime_type": "audio/webm"}}),
            "`input.transcribe`: params: missing field `audio_base64`",
        ),
        (
            json!({"type": "input.transcribe", "params": {"audio_base64": 1, "mime_type": "audio/webm"}}),
            "`input.transcribe`: params.audio_base64: wrong type, expected a string",
        ),
    ] {
        assert_eq!(app.chatkit("alice", &operation).await.error(400, "bad_request"), message, "{operation}");
    }
    let large = transcribe(&"A".repeat(1 << 20), "audio/webm");
    app.chatkit("alice", &large).await.error(413, "payload_too_large");
    assert_eq!(app.dynamo.reset().units(), (0.0, 0.0));
}

#[tokio::test]
async fn transcribe_when_the_model_fails_answers_upstream_error() {
    // What was not transcribed costs nothing; where that is not known, it costs the most that it can.
    for (answer, message, charged) in [
        (upstream_error(500, "server_error", ""), "The assistant cannot be reached. Please try again in a moment.", 0),
        (
            upstream_error(401, "invalid_request_error", "invalid_api_key"),
            "The assistant is out of order. Please tell the owner of this site.",
            0,
        ),
        (upstream_error(429, "requests", ""), "The assistant is very busy. Please try again in a moment.", 0),
        (Answer::with(200, "text/html", LEAK), "The answer broke off. Please try again.", 22_500),
        (
            Answer::start(200, "application/json").bytes("{\"te").abort(),
            "The answer broke off. Please try again.",
            22_500,
        ),
    ] {
        let app = app().await;
        app.model.then(answer);
        assert_eq!(app.chatkit("alice", &recording()).await.error(502, "upstream_error"), message);

        let day =
            request(Method::GET, "/api/analytics?startDate=2026-11-20&endDate=2026-11-20", "alice", Body::empty());
        let row = app.send(day).await.json()[0].clone();
        assert_eq!((&row["total_requests"], &row["failed_requests"]), (&json!(1), &json!(1)));
        let own: Value = app.send(request(Method::GET, "/api/usage/me", "alice", Body::empty())).await.json();
        assert_eq!(own["tokens"]["used"], charged);

        app.model.then(heard("Hello"));
        assert_eq!(app.chatkit("alice", &recording()).await.status, 200);
    }
}

#[tokio::test]
async fn transcribe_when_the_model_is_silent_times_out() {
    for answer in [Answer::start(200, "application/json").bytes("{\"te").hang(), Answer::with(504, "text/html", "")] {
        let upstream = ScriptedModel::start().await;
        upstream.then(answer);
        let config = ModelConfig {
            idle_timeout: Duration::from_millis(50),
            transcription_model: Some("ears".to_owned()),
            ..upstream.config()
        };
        let error = Model::new(&config, client()).transcribe("sound".into(), AudioType::Wav).await.unwrap_err();
        assert_eq!(Error::from(Failure::from(error)).code, Code::UpstreamTimeout);
    }
}
