//! What the model's client sends and reads.

use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::model::{AudioType, Model, ModelConfig, ModelErrorKind, ModelKey, Transcription};
use chatkit_shared::secrets::Secret;
use serde_json::json;

use super::heard;
use crate::harness::model::{Answer, ScriptedModel};
use crate::harness::outside;
use crate::harness::responses::upstream_error;

async fn client() -> (ScriptedModel, Model) {
    let upstream = ScriptedModel::start().await;
    let transcription_model = Some("ears".to_owned());
    let config = ModelConfig {
        transcription_model,
        key: Some(Secret::fixed(ModelKey::new("sk-test").unwrap())),
        ..upstream.config()
    };
    let model = Model::new(&config, outside::client());
    (upstream, model)
}

#[tokio::test]
async fn transcribe_sends_the_recording_as_a_form() {
    let (upstream, model) = client().await;
    upstream.then(heard(" Hello there.\n"));
    assert_eq!(model.transcribe("sound".into(), AudioType::Ogg).await.unwrap().text, "Hello there.");

    let request = upstream.single_request();
    assert_eq!(request.path, "/v1/audio/transcriptions");
    assert_eq!(request.headers["authorization"], "Bearer sk-test");
    assert_eq!(request.headers["accept"], "application/json");
    assert_eq!(request.headers["content-length"], request.bytes.len().to_string());
    let content_type = request.headers["content-type"].to_str().unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let field = |name: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    assert_eq!(
        request.bytes,
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"audio.ogg\"\r\nContent-Type: \
             audio/ogg\r\n\r\nsound\r\n{}{}--{boundary}--\r\n",
            field("model", "ears"),
            field("response_format", "json"),
        )
    );
}

#[tokio::test]
async fn transcription_usage_is_reported_or_bounded() {
    let (upstream, model) = client().await;
    for (usage, expected) in [
        (json!({ "type": "tokens", "input_tokens": 14, "output_tokens": 45 }), (14, 45)),
        // A second is ten tokens; what was said are twelve bytes.
        (json!({ "type": "duration", "seconds": 8.2 }), (90, 12)),
        (json!({ "type": "duration", "seconds": 1e300 }), (u64::MAX, 12)),
        (json!({ "type": "duration", "seconds": -1 }), (0, 12)),
        // Speech has at least 750 bytes a second.
        (json!({ "type": "tokens" }), (110, 12)),
        (json!("nothing of use"), (110, 12)),
        (json!(null), (110, 12)),
    ] {
        let body = json!({ "text": "Hello there.", "usage": usage });
        upstream.then(Answer::with(200, "application/json", body.to_string()));
        let heard = model.transcribe(vec![0; 8_000].into(), AudioType::Ogg).await.unwrap();
        assert_eq!((heard.usage.input, heard.usage.output), expected, "{usage}");
    }
    assert_eq!((Transcription::MAX_USAGE.input, Transcription::MAX_USAGE.output), (15_000, 7_500));
}

#[test]
fn audio_type_is_one_of_the_allowed_ones() {
    for (mime_type, audio_type, media_type) in [
        ("audio/webm", AudioType::Webm, "audio/webm"),
        ("audio/webm;codecs=opus", AudioType::Webm, "audio/webm"),
        ("Audio/OGG ; codecs=\"opus\"", AudioType::Ogg, "audio/ogg"),
        ("audio/mp4", AudioType::Mp4, "audio/mp4"),
        ("audio/x-m4a", AudioType::Mp4, "audio/mp4"),
        ("audio/x-wav", AudioType::Wav, "audio/wav"),
        ("audio/mp3", AudioType::Mp3, "audio/mpeg"),
        ("audio/flac", AudioType::Flac, "audio/flac"),
    ] {
        assert_eq!(AudioType::from_mime_type(mime_type), Some(audio_type), "{mime_type}");
        assert_eq!(audio_type.media_type(), media_type);
    }
    for mime_type in ["", ";", "audio", "audio/", "audio/midi", "video/webm", "text/plain", "audio/webm\r\nx: y"] {
        assert_eq!(AudioType::from_mime_type(mime_type), None, "{mime_type}");
    }
}

#[tokio::test]
async fn transcribe_is_retried_once_if_that_can_help() {
    let (upstream, model) = client().await;
    upstream.then(upstream_error(503, "", ""));
    upstream.then(heard("Hello"));
    assert_eq!(model.transcribe("sound".into(), AudioType::Wav).await.unwrap().text, "Hello");
    let [first, second] = &upstream.requests()[..] else { panic!("{:?}", upstream.requests()) };
    assert_eq!(first.bytes.len(), second.bytes.len());
}

#[tokio::test]
async fn response_that_is_no_transcription_is_broken() {
    let large = json!({"text": "x".repeat(2 << 20)}).to_string();
    for (answer, what) in [
        (Answer::with(200, "text/plain", "Hello"), "it is not a transcription"),
        (Answer::with(200, "application/json", "{\"text\":null}"), "it is not a transcription"),
        (Answer::with(200, "application/json", ""), "it is not a transcription"),
        (Answer::with(200, "application/json", large), "it is too large"),
    ] {
        let (upstream, model) = client().await;
        upstream.then(answer);
        let error = model.transcribe("sound".into(), AudioType::Wav).await.unwrap_err();
        assert_eq!(error.kind, ModelErrorKind::Broken(what));
    }
}

#[tokio::test]
async fn transcribe_without_a_model_is_rejected() {
    let upstream = ScriptedModel::start().await;
    let model = Model::new(&upstream.config(), outside::client());
    assert_eq!(model.transcription_model(), None);
    let error = model.transcribe("sound".into(), AudioType::Wav).await.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Rejected);

    let model_of = |pairs: &[(&str, &str)]| {
        let env = [("AWS_REGION", "here"), ("AWS_ACCESS_KEY_ID", "id"), ("AWS_SECRET_ACCESS_KEY", "secret")];
        let env: Env = env.iter().chain(pairs).copied().collect();
        let secrets = outside::outside(&env, &Clock::system()).secrets;
        ModelConfig::from_env(&env, &secrets).unwrap().transcription_model
    };
    assert_eq!(model_of(&[]), None);
    assert_eq!(model_of(&[("TRANSCRIBE_MODEL", "ears")]).as_deref(), Some("ears"));
}
