//! The loop of a turn: what the model does is told as it comes, stored when it is complete, and counted at the end.

use std::error::Error as StdError;
use std::pin::Pin;

use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::answer::{Answer, Finished, Step};
use super::place::Place;
use super::{Engine, OnEnd, Outcome, TurnReport, messages, title};
use crate::identity::Owner;
use crate::ids;
use crate::model::{ModelError, ModelEvent, TokenUsage};
use crate::protocol::Event;
use crate::store::{Reservation, StoreError, UsageRecord};

/// What the model sends.
pub(super) type ModelEvents = Pin<Box<dyn Stream<Item = Result<ModelEvent, ModelError>> + Send>>;

/// A title that is being made, and the message it is for.
pub(super) struct PendingTitle {
    pub(super) job: BoxFuture<'static, Result<(String, TokenUsage), ModelError>>,
    pub(super) message: String,
}

/// A turn that has begun.
pub(super) struct Turn {
    pub(super) engine: Engine,
    pub(super) owner: Owner,
    /// None for a conversation that is not kept here.
    pub(super) place: Option<Place>,
    pub(super) operation: &'static str,
    pub(super) started: Timestamp,
    pub(super) reservation: Reservation,
    /// Estimated, for answers whose count never comes.
    pub(super) prompt_tokens: u64,
    pub(super) model: String,
    pub(super) events: UnboundedSender<Event>,
}

/// How the model's part ended.
struct Ended {
    outcome: Outcome,
    cause: Option<Box<dyn StdError + Send + Sync>>,
    /// The item that ends the turn.
    last: Option<Finished>,
    /// What the person is told at the very end.
    epilogue: Option<Event>,
    usage: TokenUsage,
    first_token_at: Option<Timestamp>,
}

impl Turn {
    /// Runs to the end, whoever is still listening.
    pub(super) async fn run(mut self, mut model: ModelEvents, mut title: Option<PendingTitle>, on_end: OnEnd) {
        let mut usage = TokenUsage::default();
        let mut ended = self.respond(&mut model, &mut title, &mut usage).await;
        drop(model);
        add(&mut usage, ended.usage);

        if let Err(error) = self.end(ended.last.take()).await {
            (ended.outcome, ended.epilogue) = (Outcome::Error, Some(messages::not_stored()));
            ended.cause.get_or_insert(error.into());
        }
        match title.take() {
            // Whoever waits to hear what went wrong does not wait for a title too.
            Some(title) if ended.outcome == Outcome::Error => {
                self.set_title(&title::from_message(&title.message)).await
            }
            Some(title) => self.wait_for_title(title, &mut usage).await,
            None => {}
        }
        Box::pin(self.settle(ended.outcome, usage, ended.first_token_at)).await;
        if let Some(event) = ended.epilogue {
            self.emit(event);
        }
        on_end(TurnReport { model: self.model.clone(), usage, outcome: ended.outcome, cause: ended.cause });
    }

    fn emit(&self, event: Event) {
        // Whoever listened may have left; the turn goes on.
        let _ = self.events.send(event);
    }

    async fn respond(
        &mut self,
        model: &mut ModelEvents,
        title: &mut Option<PendingTitle>,
        usage: &mut TokenUsage,
    ) -> Ended {
        let (thread_id, question) =
            self.place.as_ref().map_or(("", ""), |place| (place.thread_id.as_str(), place.question.as_str()));
        let mut answer = Answer::new(self.engine.clock.clone(), self.engine.ids.clone(), thread_id, question);
        let mut held = None;
        let mut first_token_at = None;
        loop {
            let event = tokio::select! {
                event = model.next() => event,
                named = OptionFuture::from(title.as_mut().map(|title| &mut title.job)), if title.is_some() => {
                    if let (Some(PendingTitle { message, .. }), Some(named)) = (title.take(), named) {
                        self.name_thread(named, &message, usage).await;
                    }
                    continue;
                }
            };
            if matches!(event, Some(Ok(ModelEvent::TextDelta { .. }))) {
                first_token_at.get_or_insert(self.engine.clock.now());
            }
            let end = match &event {
                Some(Ok(ModelEvent::Completed(tokens))) => Some((Outcome::Ok, None, *tokens)),
                Some(Ok(ModelEvent::Incomplete { reason, usage })) => {
                    Some((Outcome::Incomplete, Some(messages::cut_off(*reason)), *usage))
                }
                Some(Ok(_)) => None,
                Some(Err(error)) => Some((Outcome::Error, Some(messages::failed(error)), None)),
                None => Some((Outcome::Error, Some(messages::no_answer()), None)),
            };
            let (steps, cause) = match event {
                Some(Ok(event)) => (answer.take(event), None),
                Some(Err(error)) => (answer.complete(), Some(error.into())),
                None => (answer.complete(), None),
            };
            if let Err(error) = self.perform(steps, &mut held).await {
                let usage = self.estimate(answer.characters());
                let (cause, epilogue) = (Some(error.into()), Some(messages::not_stored()));
                return Ended { outcome: Outcome::Error, cause, last: None, epilogue, usage, first_token_at };
            }
            if let Some((outcome, epilogue, tokens)) = end {
                let silent = outcome == Outcome::Ok && !answer.has_words();
                let (outcome, epilogue) =
                    if silent { (Outcome::Error, Some(messages::no_answer())) } else { (outcome, epilogue) };
                let usage = tokens.unwrap_or_else(|| self.estimate(answer.characters()));
                return Ended { outcome, cause, last: held, epilogue, usage, first_token_at };
            }
        }
    }

    /// Does what the answer asks for. The newest complete item is held back until something follows it, because the
    /// item that ends the turn also ends the thread's run, in the same write.
    async fn perform(&mut self, steps: Vec<Step>, held: &mut Option<Finished>) -> Result<(), StoreError> {
        for step in steps {
            if let Some(finished) = held.take() {
                self.finish(finished, false).await?;
            }
            match step {
                Step::Emit(event) => self.emit(event),
                Step::Finish(finished) => *held = Some(finished),
            }
        }
        Ok(())
    }

    /// Stores an item, then says that it is done: what the person has seen complete is never lost.
    async fn finish(&mut self, finished: Finished, ends_turn: bool) -> Result<(), StoreError> {
        let item = match &mut self.place {
            Some(place) => place.store(finished, ends_turn).await?,
            None => finished.item,
        };
        self.emit(Event::ItemDone { item });
        Ok(())
    }

    async fn end(&mut self, last: Option<Finished>) -> Result<(), StoreError> {
        let stored = match last {
            Some(finished) => Some(self.finish(finished, true).await),
            None => None,
        };
        match (stored, &self.place) {
            (Some(Err(error)), Some(place)) => {
                // Best effort: the lease ends by itself.
                let _ = place.end().await;
                Err(error)
            }
            (Some(stored), _) => stored,
            (None, Some(place)) => place.end().await,
            (None, None) => Ok(()),
        }
    }

    async fn wait_for_title(&self, title: PendingTitle, usage: &mut TokenUsage) {
        match tokio::time::timeout(title::PATIENCE, title.job).await {
            Ok(named) => self.name_thread(named, &title.message, usage).await,
            Err(_) => self.set_title(&title::from_message(&title.message)).await,
        }
    }

    async fn name_thread(
        &self,
        named: Result<(String, TokenUsage), ModelError>,
        message: &str,
        usage: &mut TokenUsage,
    ) {
        let title = match named {
            Ok((title, tokens)) => {
                add(usage, tokens);
                title
            }
            // The answer fails for the same reason and says so; the thread gets a name all the same.
            Err(_) => String::new(),
        };
        self.set_title(if title.is_empty() { title::from_message(message) } else { title }.as_str()).await;
    }

    async fn set_title(&self, title: &str) {
        // A message of marks only gives no name; a later one may.
        let Some(place) = self.place.as_ref().filter(|_| !title.is_empty()) else { return };
        match place.name(title).await {
            Ok(Some(thread)) => self.emit(Event::ThreadUpdated { thread }),
            Ok(None) => {}
            Err(error) => tracing::warn!(error = &error as &dyn StdError, "a title was not stored"),
        }
    }

    /// Tokens of an answer whose count never came: what was asked and what has come.
    fn estimate(&self, characters: u64) -> TokenUsage {
        if characters == 0 {
            return TokenUsage::default();
        }
        TokenUsage { input: self.prompt_tokens, output: characters.div_ceil(4), ..TokenUsage::default() }
    }

    /// Gives back what was reserved too much and writes down what was used. A failure here costs the operator's
    /// statistics, not the person's answer.
    async fn settle(&self, outcome: Outcome, usage: TokenUsage, first_token_at: Option<Timestamp>) {
        let Engine { clock, counters, limits, .. } = &self.engine;
        let record = self.record(outcome, usage, first_token_at, clock.now());
        let withdraw = OptionFuture::from(self.place.as_ref().map(Place::withdraw));
        let (settled, recorded, withdrawn) = tokio::join!(
            counters.settle(&self.reservation, usage.input + usage.output),
            self.engine.usage.record(&record, limits.usage_retention_days),
            withdraw,
        );
        for (what, result) in [("budget", settled), ("usage", recorded), ("place", withdrawn.unwrap_or(Ok(())))] {
            if let Err(error) = result {
                tracing::error!(error = &error as &dyn StdError, "a turn's {what} was not settled");
            }
        }
    }

    fn record(
        &self,
        outcome: Outcome,
        usage: TokenUsage,
        first_token_at: Option<Timestamp>,
        now: Timestamp,
    ) -> UsageRecord {
        let since_start =
            |at: Timestamp| u64::try_from(at.as_millisecond() - self.started.as_millisecond()).unwrap_or_default();
        UsageRecord {
            id: self.engine.ids.mint(ids::REQUEST),
            at: self.started,
            tenant: self.owner.tenant().to_owned(),
            user: self.owner.user().to_owned(),
            thread_id: self.place.as_ref().map(|place| place.thread_id.clone()),
            operation: self.operation.to_owned(),
            model: self.model.clone(),
            outcome,
            input_tokens: usage.input,
            cached_tokens: usage.cached,
            output_tokens: usage.output,
            reasoning_tokens: usage.reasoning,
            duration_ms: since_start(now),
            first_token_ms: first_token_at.map(since_start),
        }
    }
}

fn add(total: &mut TokenUsage, more: TokenUsage) {
    total.input += more.input;
    total.cached += more.cached;
    total.output += more.output;
    total.reasoning += more.reasoning;
}
