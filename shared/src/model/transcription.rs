//! `POST /audio/transcriptions`, which has the same shape with OpenAI and with the servers that imitate it.

use bytes::Bytes;
use http::HeaderValue;
use http::header::ACCEPT;
use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::Value;

use super::client::Model;
use super::error::{ModelError, ModelErrorKind};
use super::tokens::{HostedCalls, TokenUsage, max_tokens};

/// OpenAI's models count one token for each 100 ms of a recording.
const AUDIO_TOKENS_PER_SECOND: u64 = 10;
/// A person does not say more than that.
const MAX_TEXT_TOKENS_PER_SECOND: u64 = 5;
/// Opus at 6 kbit/s (RFC 6716, section 2.1.1).
const MIN_BYTES_PER_SECOND: u64 = 750;
/// OpenAI's models take no longer recording; silence has next to no bytes.
const MAX_SECONDS: u64 = 1_500;

/// The text of a recording, and the tokens that it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transcription {
    /// Empty if nothing is said.
    pub text: String,
    /// As the model counts them, or as many as that much speech can have.
    pub usage: TokenUsage,
}

impl Transcription {
    /// The most that a recording can use: how long it is, only who decodes it knows.
    pub const MAX_USAGE: TokenUsage = TokenUsage {
        input: MAX_SECONDS * AUDIO_TOKENS_PER_SECOND,
        cached: 0,
        output: MAX_SECONDS * MAX_TEXT_TOKENS_PER_SECOND,
        reasoning: 0,
        cache_write: 0,
        calls: HostedCalls { web_search: 0, file_search: 0, code_interpreter: 0, image_generation: 0 },
        picodollars: 0,
        unpriced: false,
    };
}

/// The fields of the answer that are used.
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
            Some(seconds) => (seconds.ceil() as u64).saturating_mul(AUDIO_TOKENS_PER_SECOND),
            None => bytes.div_ceil(MIN_BYTES_PER_SECOND).min(MAX_SECONDS) * AUDIO_TOKENS_PER_SECOND,
        };
        TokenUsage { input, output: max_tokens(&self.text), ..TokenUsage::default() }
    }
}

impl Model {
    /// The model that transcribes, if one is configured.
    pub fn transcription_model(&self) -> Option<&str> {
        self.transcription_model.as_deref()
    }

    /// Sends a recording, and once more under the same conditions as a prompt. `Rejected` where no model is configured.
    pub async fn transcribe(&self, audio: Bytes, audio_type: AudioType) -> Result<Transcription, ModelError> {
        let rejected = || ModelError::new(ModelErrorKind::Rejected);
        let model = self.transcription_model().ok_or_else(rejected)?;
        let url = self.url("audio/transcriptions");
        let request = || {
            let length = audio.len() as u64;
            let file = Part::stream_with_length(audio.clone(), length).file_name(audio_type.file_name());
            // `AudioType` has valid media types only.
            let file = file.mime_str(audio_type.media_type()).map_err(|_| rejected())?;
            let form = Form::new().part("file", file).text("model", model.to_owned()).text("response_format", "json");
            let accept = HeaderValue::from_static("application/json");
            Ok(self.client.post(url.clone()).header(ACCEPT, accept).multipart(form))
        };
        let response = self.send(request).await?;
        let body = self.body(response).await.map_err(|error| match error.kind {
            // It had begun to answer.
            ModelErrorKind::Unavailable => ModelError::cut_off(),
            _ => error,
        })?;
        let answer: Answer =
            serde_json::from_slice(&body).map_err(|_| ModelError::broken("it is not a transcription"))?;
        Ok(Transcription { text: answer.text.trim().to_owned(), usage: answer.usage(audio.len() as u64) })
    }
}

/// The types of recordings that browsers make, and the others that OpenAI's transcription takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum AudioType {
    Flac,
    Mp3,
    Mp4,
    Ogg,
    Wav,
    Webm,
}

impl AudioType {
    /// The type of a MIME type, with or without parameters, such as `audio/webm;codecs=opus`.
    pub fn from_mime_type(mime_type: &str) -> Option<Self> {
        let media_type = mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match media_type.as_str() {
            "audio/flac" | "audio/x-flac" => Some(Self::Flac),
            "audio/mpeg" | "audio/mp3" => Some(Self::Mp3),
            "audio/mp4" | "audio/m4a" | "audio/x-m4a" => Some(Self::Mp4),
            "audio/ogg" => Some(Self::Ogg),
            "audio/wav" | "audio/wave" | "audio/x-wav" | "audio/vnd.wave" => Some(Self::Wav),
            "audio/webm" => Some(Self::Webm),
            _ => None,
        }
    }

    /// The media type that is sent.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Flac => "audio/flac",
            Self::Mp3 => "audio/mpeg",
            Self::Mp4 => "audio/mp4",
            Self::Ogg => "audio/ogg",
            Self::Wav => "audio/wav",
            Self::Webm => "audio/webm",
        }
    }

    /// The file name that is sent: servers take the type from its extension.
    pub(super) const fn file_name(self) -> &'static str {
        match self {
            Self::Flac => "audio.flac",
            Self::Mp3 => "audio.mp3",
            Self::Mp4 => "audio.mp4",
            Self::Ogg => "audio.ogg",
            Self::Wav => "audio.wav",
            Self::Webm => "audio.webm",
        }
    }
}
