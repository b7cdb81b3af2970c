use axum::extract::Multipart;
use serde_json::{Value, json};

/// The answer to `POST /v1/audio/transcriptions`: what was received, since nothing is understood. `None` for a form
/// without a model or a file.
pub(super) async fn transcription(mut form: Multipart) -> Option<Value> {
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
