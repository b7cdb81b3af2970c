//! The loop of a turn: what the model does is told as it comes, stored when it is complete, and counted at the end.

use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::time::Duration;

use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::{FutureExt, Stream, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::{Answer, Finished, Step};
use super::place::Place;
use super::title::{PATIENCE, Title};
use super::{Engine, OnEnd, Outcome, TurnReport, messages, task};
use crate::identity::Owner;
use crate::ids;
use crate::model::{ModelError, ModelEvent, TokenUsage};
use crate::protocol::{Event, Thread};
use crate::store::{Reservation, StoreError, UsageRecord};
use crate::telemetry::chain;

/// What the model sends.
pub(super) type ModelEvents = Pin<Box<dyn Stream<Item = Result<ModelEvent, ModelError>> + Send>>;

/// How long the model's part of a turn may take: Lambda ends the whole after 15 minutes, without a word.
const LONGEST: Duration = Duration::from_mins(14);

/// A title that is being made.
struct PendingTitle {
    title: Title,
    made: BoxFuture<'static, (Option<Thread>, TokenUsage)>,
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

impl Ended {
    /// The store failed.
    fn unstored(error: StoreError, usage: TokenUsage, first_token_at: Option<Timestamp>) -> Self {
        let (cause, epilogue) = (Some(error.into()), Some(messages::not_stored()));
        Self { outcome: Outcome::Error, cause, last: None, epilogue, usage, first_token_at }
    }
}

impl Turn {
    /// Lets the turn run beside the answer that is read. Even a panic, which is a bug, ends with an event.
    pub(super) fn launch(self, model: ModelEvents, title: Option<Title>, on_end: OnEnd) {
        let events = self.events.clone();
        let run = AssertUnwindSafe(self.run(model, title, on_end)).catch_unwind();
        drop(task::beside(async move {
            if run.await.is_err() {
                tracing::error!("a turn panicked");
                let _ = events.send(messages::no_answer());
            }
        }));
    }

    /// Runs to the end, whoever is still listening.
    async fn run(mut self, mut model: ModelEvents, title: Option<Title>, on_end: OnEnd) {
        let mut title = title.map(|title| PendingTitle { made: title.clone().make().boxed(), title });
        let mut usage = TokenUsage::default();
        let mut ended = match self.clear().await {
            Ok(()) => self.respond(&mut model, &mut title, &mut usage).await,
            Err(error) => Ended::unstored(error, self.estimate(true, 0), None),
        };
        drop(model);
        add(&mut usage, ended.usage);

        if let Err(error) = self.end(ended.last.take()).await {
            (ended.outcome, ended.epilogue) = (Outcome::Error, Some(messages::not_stored()));
            ended.cause.get_or_insert(error.into());
        }
        if let Some(pending) = title.take() {
            self.finish_title(pending, ended.outcome, &mut usage).await;
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

    /// While the model thinks, so that nobody waits for it.
    async fn clear(&self) -> Result<(), StoreError> {
        if let Some(place) = &self.place {
            let files = place.clear().await?;
            Box::pin(self.drop_files(&files)).await;
        }
        Ok(())
    }

    /// What a removed item showed. Nothing leads there any more, so a failure costs the operator's storage only.
    async fn drop_files(&self, file_ids: &[String]) {
        if let Err(error) = self.engine.remove_files(&self.owner, file_ids).await {
            tracing::error!(error = chain(&error), "the files of removed items were not removed");
        }
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
        let deadline = Instant::now() + LONGEST;
        let mut held = None;
        let mut first_token_at = None;
        let mut accepted = false;
        loop {
            let event = tokio::select! {
                event = timeout_at(deadline, model.next()) => event,
                Some((thread, tokens)) = OptionFuture::from(title.as_mut().map(|title| &mut title.made)) => {
                    *title = None;
                    self.named(thread, tokens, usage);
                    continue;
                }
            };
            let Ok(event) = event else {
                let steps = answer.complete();
                let performed = self.perform(steps, &mut held).await;
                let usage = self.estimate(accepted, answer.characters());
                let epilogue = Some(if performed.is_ok() { messages::took_too_long() } else { messages::not_stored() });
                let cause = performed.err().map(Into::into);
                return Ended { outcome: Outcome::Error, cause, last: held, epilogue, usage, first_token_at };
            };
            accepted |= matches!(event, Some(Ok(_)));
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
                return Ended::unstored(error, self.estimate(accepted, answer.characters()), first_token_at);
            }
            if let Some((outcome, epilogue, tokens)) = end {
                let silent = outcome == Outcome::Ok && !answer.has_words();
                let (outcome, epilogue) =
                    if silent { (Outcome::Error, Some(messages::no_answer())) } else { (outcome, epilogue) };
                let usage = tokens.unwrap_or_else(|| self.estimate(accepted, answer.characters()));
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

    /// The end of the turn waits a little for a title. Whoever waits to hear what went wrong does not.
    async fn finish_title(&self, pending: PendingTitle, outcome: Outcome, usage: &mut TokenUsage) {
        let PendingTitle { title, made } = pending;
        let patience = if outcome == Outcome::Error { Duration::ZERO } else { PATIENCE };
        let (thread, tokens) = match timeout(patience, made).await {
            Ok(named) => named,
            Err(_) => (title.make_plain().await, title.estimate()),
        };
        self.named(thread, tokens, usage);
    }

    fn named(&self, thread: Option<Thread>, tokens: TokenUsage, usage: &mut TokenUsage) {
        add(usage, tokens);
        if let Some(thread) = thread {
            self.emit(Event::ThreadUpdated { thread });
        }
    }

    /// Tokens of an answer whose count never came: what was asked, if the model took it, and what has come.
    fn estimate(&self, accepted: bool, characters: u64) -> TokenUsage {
        if !accepted {
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
        let withdrawn = match withdrawn.unwrap_or(Ok(Vec::new())) {
            Ok(files) => {
                Box::pin(self.drop_files(&files)).await;
                Ok(())
            }
            Err(error) => Err(error),
        };
        for (what, result) in [("budget", settled), ("usage", recorded), ("place", withdrawn)] {
            if let Err(error) = result {
                tracing::error!(error = chain(&error), "a turn's {what} was not settled");
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
