use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

use crate::engine::{Document, Engine, Error, OnEnd, Outcome, TurnReport};
use crate::identity::Identity;
use crate::model::{AudioType, TokenUsage, Transcription};
use crate::protocol::Transcribe;

impl Engine {
    /// `input.transcribe`: dictation. It counts as a turn, with the tokens that the recording takes.
    pub(crate) async fn transcribe(
        &self,
        identity: &Identity,
        params: Transcribe,
        on_end: OnEnd,
    ) -> Result<Document, Error> {
        let Some(model) = self.model.transcription_model() else {
            return Err(Error::Invalid("dictation is not configured on this server: `TRANSCRIBE_MODEL`".to_owned()));
        };
        let Transcribe { audio_base64, mime_type } = params;
        let Some(audio_type) = AudioType::from_mime_type(&mime_type) else {
            return Err(Error::Invalid("`mime_type` is not a type of audio that can be transcribed".to_owned()));
        };
        let audio = match STANDARD.decode(audio_base64) {
            Ok(audio) if audio.is_empty() => return Err(Error::Invalid("`audio_base64` is empty".to_owned())),
            Ok(audio) => Bytes::from(audio),
            Err(_) => return Err(Error::Invalid("`audio_base64` is not base64".to_owned())),
        };
        let started = self.clock.now();
        let most = Transcription::MAX_USAGE;
        let admitted = self.admit(identity, None, None, most.total()).await?;
        let transcribed = self.model.transcribe(audio, audio_type).await;
        let outcome = if transcribed.is_ok() { Outcome::Ok } else { Outcome::Error };
        let usage = match &transcribed {
            Ok(transcription) => self.prices.priced(model, transcription.usage),
            // It may have been transcribed, and is paid for then.
            Err(error) if error.may_have_answered() => self.prices.upper_bound(model, most.input, most.output),
            Err(_) => TokenUsage::default(),
        };
        let record = self.usage_record(&identity.owner, "input.transcribe", model, started, outcome, usage);
        self.settle(admitted, &record).await;
        on_end(TurnReport { model: model.to_owned(), usage, first_event_at: None, outcome, failure: None });
        Ok(Document::Transcription { text: transcribed?.text })
    }
}
