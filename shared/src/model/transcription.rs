//! `POST /audio/transcriptions`, which has the same shape with OpenAI and with the servers that imitate it.

use bytes::Bytes;
use http::HeaderValue;
use http::header::ACCEPT;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::Value;

use super::audio::AudioType;
use super::client::Model;
use super::error::{ModelError, ModelErrorKind};
use super::event::TokenUsage;
use super::tokens::estimate_tokens;

/// Tokens that a second of a recording is: OpenAI's models count one for each 100 ms.
const TOKENS_OF_A_SECOND: u64 = 10;
/// Tokens of what a person says in a second, at most.
const TOKENS_SAID_IN_A_SECOND: u64 = 5;
/// Bytes of a second as browsers record speech (Opus at 32 kbit/s).
const BYTES_OF_A_SECOND: u64 = 4_000;
/// Bytes of a second at least (Opus at 6 kbit/s; RFC 6716, section 2.1.1).
const FEWEST_BYTES_OF_A_SECOND: u64 = 750;

/// What a recording says, and what that took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcription {
    /// What it says; empty if it says nothing.
    pub text: String,
    /// By the model's own word, else estimated.
    pub usage: TokenUsage,
}

impl Transcription {
    /// The most tokens that a recording of so many bytes can take.
    pub const fn worst_case(bytes: u64) -> u64 {
        bytes.div_ceil(FEWEST_BYTES_OF_A_SECOND) * (TOKENS_OF_A_SECOND + TOKENS_SAID_IN_A_SECOND)
    }
}

/// The answer, as far as it is used.
#[derive(Deserialize)]
struct Answer {
    text: String,
    /// `{"type": "tokens", "input_tokens", "output_tokens"}`, `{"type": "duration", "seconds"}`, or nothing of use.
    #[serde(default)]
    usage: Value,
}

impl Answer {
    fn usage(&self, bytes: u64) -> TokenUsage {
        let number = |name: &str| self.usage.get(name).and_then(Value::as_u64);
        if let (Some(input), Some(output)) = (number("input_tokens"), number("output_tokens")) {
            return TokenUsage { input, output, ..TokenUsage::default() };
        }
        let input = match self.usage.get("seconds").and_then(Value::as_f64) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast keeps within bounds")]
            Some(seconds) => (seconds.ceil() as u64).saturating_mul(TOKENS_OF_A_SECOND),
            None => (bytes * TOKENS_OF_A_SECOND).div_ceil(BYTES_OF_A_SECOND),
        };
        TokenUsage { input, output: estimate_tokens(&self.text), ..TokenUsage::default() }
    }
}

impl Model {
    /// The model that transcribes, if one is configured.
    pub fn transcription_model(&self) -> Option<&str> {
        self.transcription_model.as_deref()
    }

    /// What a recording says. Sent once more under the same conditions as a prompt.
    ///
    /// # Errors
    /// When the upstream gives no transcription; see [`ModelErrorKind`]. `Rejected` where no model is configured.
    pub async fn transcribe(&self, audio: Bytes, audio_type: AudioType) -> Result<Transcription, ModelError> {
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
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|_| ModelError::broken("it is not a transcription"))?;
        Ok(Transcription { text: answer.text.trim().to_owned(), usage: answer.usage(audio.len() as u64) })
    }
}
