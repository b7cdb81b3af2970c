//! `POST /audio/transcriptions`, which has the same shape with OpenAI and with the servers that imitate it.

use bytes::Bytes;
use http::HeaderValue;
use http::header::ACCEPT;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;

use super::audio::AudioType;
use super::client::Model;
use super::error::{ModelError, ModelErrorKind};

/// The answer, as far as it is used.
#[derive(Deserialize)]
struct Transcription {
    text: String,
}

impl Model {
    /// The model that transcribes, if one is configured.
    pub fn transcription_model(&self) -> Option<&str> {
        self.transcription_model.as_deref()
    }

    /// What a recording says; empty if it says nothing. Sent once more under the same conditions as a prompt.
    ///
    /// # Errors
    /// When the upstream gives no transcription; see [`ModelErrorKind`]. `Rejected` where no model is configured.
    pub async fn transcribe(&self, audio: Bytes, audio_type: AudioType) -> Result<String, ModelError> {
        let rejected = || ModelError::new(ModelErrorKind::Rejected);
        let model = self.transcription_model().ok_or_else(rejected)?;
        let url = self.url("audio/transcriptions");
        let request = || {
            let length = audio.len() as u64;
            let file = Part::stream_with_length(audio.clone(), length).file_name(audio_type.file_name());
            // Our own media types always are media types.
            let file = file.mime_str(audio_type.media_type()).map_err(|_| rejected())?;
            let form = Form::new().part("file", file).text("model", model.to_owned()).text("response_format", "json");
            let accept = HeaderValue::from_static("application/json");
            Ok(self.client.post(url.clone()).header(ACCEPT, accept).multipart(form))
        };
        let response = self.send(request).await?;
        let body = self.body(response).await?;
        let transcription: Transcription =
            serde_json::from_slice(&body).map_err(|_| ModelError::broken("it is not a transcription"))?;
        Ok(transcription.text.trim().to_owned())
    }
}
