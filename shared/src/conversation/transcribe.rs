//! Dictation: a recording in, its text out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;

use super::{Document, Engine, Error, OnEnd, Outcome, TurnReport};
use crate::identity::{Identity, Owner};
use crate::ids;
use crate::model::{AudioType, TokenUsage, Transcription};
use crate::protocol::Transcribe;
use crate::store::UsageRecord;

impl Engine {
    /// `input.transcribe`. It counts as a turn, with the tokens that the recording takes.
    pub(super) async fn transcribe(
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
        let worst_case = Transcription::worst_case(audio.len() as u64);
        let reservation = Box::pin(self.admit(identity, worst_case)).await?;
        let transcribed = self.model.transcribe(audio, audio_type).await;
        let outcome = if transcribed.is_ok() { Outcome::Ok } else { Outcome::Error };
        let usage = transcribed.as_ref().map(|transcription| transcription.usage).unwrap_or_default();
        let record = self.transcription(&identity.owner, model, outcome, usage, started);
        let (settled, recorded) = tokio::join!(
            self.store.budgets.settle(&reservation, usage.input + usage.output),
            self.store.usage.record(&record, self.limits.usage_retention_days)
        );
        for (what, result) in [("budget", settled), ("usage", recorded)] {
            // It costs the operator's statistics, not the person's text.
            if let Err(error) = result {
                tracing::error!(error = &error as &dyn std::error::Error, "a transcription's {what} was not settled");
            }
        }
        on_end(TurnReport { model: model.to_owned(), usage, first_event_at: None, outcome, cause: None });
        Ok(Document::Transcription { text: transcribed?.text })
    }

    fn transcription(
        &self,
        owner: &Owner,
        model: &str,
        outcome: Outcome,
        usage: TokenUsage,
        started: Timestamp,
    ) -> UsageRecord {
        let duration_ms = self.clock.now().as_millisecond() - started.as_millisecond();
        UsageRecord {
            id: self.ids.mint(ids::REQUEST),
            at: started,
            tenant: owner.tenant().to_owned(),
            user: owner.user().to_owned(),
            thread_id: None,
            operation: "input.transcribe".to_owned(),
            model: model.to_owned(),
            outcome,
            input_tokens: usage.input,
            cached_tokens: usage.cached,
            output_tokens: usage.output,
            reasoning_tokens: usage.reasoning,
            duration_ms: u64::try_from(duration_ms).unwrap_or_default(),
            first_token_ms: None,
        }
    }
}
