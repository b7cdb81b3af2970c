//! The loop of a turn: what the model does is told as it comes, stored when it is complete, and counted at the end.

use std::error::Error as StdError;
use std::pin::Pin;

use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::{Stream, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::answer::{Answer, Finished, Step};
use super::assistant::estimate_tokens;
use super::{Engine, OnEnd, title};
use crate::identity::Owner;
use crate::ids;
use crate::model::{IncompleteReason, ModelError, ModelEvent, TokenUsage};
use crate::protocol::{ErrorCode, Event, NoticeLevel, Page};
use crate::store::{Outcome, Reservation, Run, StoreError, StoredItem, ThreadRecord, UsageRecord};

/// How a turn ended, for the log.
pub struct TurnReport {
    /// Who answered.
    pub model: String,
    /// What it took, the title included.
    pub usage: TokenUsage,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub cause: Option<Box<dyn StdError + Send + Sync>>,
}

/// What the model sends.
pub(super) type ModelEvents = Pin<Box<dyn Stream<Item = Result<ModelEvent, ModelError>> + Send>>;

/// A title that is being made, and the message it is for.
pub(super) struct PendingTitle {
    pub(super) job: BoxFuture<'static, Result<(String, TokenUsage), ModelError>>,
    pub(super) message: String,
}

/// A turn whose message is stored.
pub(super) struct Turn {
    pub(super) engine: Engine,
    pub(super) owner: Owner,
    pub(super) thread: ThreadRecord,
    pub(super) run: Run,
    /// The user's message that is answered.
    pub(super) question: String,
    /// The items that the turn has stored.
    pub(super) stored: Vec<String>,
    pub(super) operation: &'static str,
    pub(super) started: Timestamp,
    pub(super) reservation: Reservation,
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
    pub(super) async fn run(mut self, mut model: ModelEvents, title: Option<PendingTitle>, on_end: OnEnd) {
        let mut title = title;
        let mut usage = TokenUsage::default();
        let ended = self.respond(&mut model, &mut title, &mut usage).await;
        drop(model);
        let Ended { mut outcome, mut cause, last, mut epilogue, usage: answered, first_token_at } = ended;
        add(&mut usage, answered);

        let stored = self.store_last(last).await;
        if let Some(title) = title.take() {
            self.wait_for_title(title, &mut usage).await;
        }
        if let Err(error) = stored {
            (outcome, epilogue) = (Outcome::Error, Some(not_stored()));
            cause.get_or_insert(error.into());
        }
        Box::pin(self.settle(outcome, usage, first_token_at)).await;
        if let Some(event) = epilogue {
            self.emit(event);
        }
        on_end(TurnReport { model: self.model.clone(), usage, outcome, cause });
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
        let (clock, ids) = (self.engine.clock.clone(), self.engine.ids.clone());
        let mut answer = Answer::new(clock, ids, &self.thread.id, &self.question);
        let mut held = None;
        let mut first_token_at = None;
        loop {
            let event = tokio::select! {
                event = model.next() => event,
                result = OptionFuture::from(title.as_mut().map(|title| &mut title.job)), if title.is_some() => {
                    if let (Some(PendingTitle { message, .. }), Some(result)) = (title.take(), result) {
                        self.name_thread(result, &message, usage).await;
                    }
                    continue;
                }
            };
            let (steps, end) = match event {
                Some(Ok(ModelEvent::Completed(tokens))) => {
                    (answer.take(ModelEvent::Completed(tokens)), Some((Outcome::Ok, None, None, tokens)))
                }
                Some(Ok(ModelEvent::Incomplete { reason, usage })) => {
                    let steps = answer.take(ModelEvent::Incomplete { reason, usage });
                    (steps, Some((Outcome::Incomplete, None, Some(cut_off(reason)), usage)))
                }
                Some(Ok(event)) => {
                    if matches!(event, ModelEvent::TextDelta { .. }) {
                        first_token_at.get_or_insert(self.engine.clock.now());
                    }
                    (answer.take(event), None)
                }
                Some(Err(error)) => {
                    let epilogue = failed(&error);
                    (answer.complete(), Some((Outcome::Error, Some(error.into()), Some(epilogue), None)))
                }
                None => (answer.complete(), Some((Outcome::Error, None, Some(nothing_came()), None))),
            };
            if let Err(error) = self.perform(steps, &mut held).await {
                let usage = self.estimate(answer.characters());
                let (cause, epilogue) = (Some(error.into()), Some(not_stored()));
                return Ended { outcome: Outcome::Error, cause, last: None, epilogue, usage, first_token_at };
            }
            if let Some((outcome, cause, epilogue, tokens)) = end {
                let nothing = outcome == Outcome::Ok && held.is_none();
                let (outcome, epilogue) =
                    if nothing { (Outcome::Error, Some(nothing_came())) } else { (outcome, epilogue) };
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
                self.finish(finished, None).await?;
            }
            match step {
                Step::Emit(event) => self.emit(event),
                Step::Finish(finished) => *held = Some(finished),
            }
        }
        Ok(())
    }

    /// Stores an item, then says that it is done: what the person has seen complete is never lost.
    async fn finish(&mut self, finished: Finished, ends_run: Option<String>) -> Result<(), StoreError> {
        let Finished { item, upstream_id } = finished;
        let stored = StoredItem { item, upstream_id, ends_run };
        Box::pin(self.engine.threads.put_item(&self.owner, &self.thread.id, &stored)).await?;
        self.stored.push(stored.item.id().to_owned());
        self.emit(Event::ItemDone { item: stored.item });
        Ok(())
    }

    async fn store_last(&mut self, last: Option<Finished>) -> Result<(), StoreError> {
        match last {
            Some(finished) => self.finish(finished, Some(self.run.id.clone())).await,
            None => Box::pin(self.engine.threads.end_run(&self.owner, &self.thread.id, &self.run.id)).await,
        }
    }

    async fn wait_for_title(&self, title: PendingTitle, usage: &mut TokenUsage) {
        match tokio::time::timeout(title::PATIENCE, title.job).await {
            Ok(result) => self.name_thread(result, &title.message, usage).await,
            Err(_) => self.set_title(&title::from_message(&title.message)).await,
        }
    }

    async fn name_thread(
        &self,
        result: Result<(String, TokenUsage), ModelError>,
        message: &str,
        usage: &mut TokenUsage,
    ) {
        let title = match result {
            Ok((title, tokens)) => {
                add(usage, tokens);
                title
            }
            // The answer fails for the same reason and says so; the thread gets a name all the same.
            Err(_) => String::new(),
        };
        self.set_title(if title.is_empty() { title::from_message(message) } else { title }.as_str()).await;
    }

    /// Names the thread, unless the person has done so meanwhile.
    async fn set_title(&self, title: &str) {
        match Box::pin(self.engine.threads.set_first_title(&self.owner, &self.thread.id, title)).await {
            Ok(Some(thread)) => self.emit(Event::ThreadUpdated { thread: thread.into_thread(Page::empty()) }),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(thread = self.thread.id, error = &error as &dyn StdError, "a title was not stored")
            }
        }
    }

    /// Tokens of an answer whose count never came: what was asked and what has come.
    fn estimate(&self, characters: u64) -> TokenUsage {
        if characters == 0 {
            return TokenUsage::default();
        }
        TokenUsage { input: self.prompt_tokens, output: characters.div_ceil(4), ..TokenUsage::default() }
    }

    /// Takes back what the turn has stored if meanwhile the thread was deleted, or the same message asked again.
    async fn withdraw(&self) -> Result<(), StoreError> {
        let threads = &self.engine.threads;
        let head = threads.thread(&self.owner, &self.thread.id).await?;
        let retried = |run: &Run| run.digest == self.run.digest && run.id != self.run.id;
        match head {
            None => {
                threads.remove_items(&self.owner, &self.thread.id, std::slice::from_ref(&self.question)).await?;
                threads.remove_items(&self.owner, &self.thread.id, &self.stored).await
            }
            Some(head) if head.run.as_ref().is_some_and(retried) => {
                threads.remove_items(&self.owner, &self.thread.id, &self.stored).await
            }
            Some(_) => Ok(()),
        }
    }

    /// Gives back what was reserved too much and writes down what was used. A failure here costs the operator's
    /// statistics, not the person's answer.
    async fn settle(&self, outcome: Outcome, usage: TokenUsage, first_token_at: Option<Timestamp>) {
        let Engine { clock, counters, limits, .. } = &self.engine;
        let now = clock.now();
        let since_start =
            |at: Timestamp| u64::try_from(at.as_millisecond() - self.started.as_millisecond()).unwrap_or(0);
        let record = UsageRecord {
            id: self.engine.ids.mint(ids::REQUEST),
            at: self.started,
            tenant: self.owner.tenant().to_owned(),
            user: self.owner.user().to_owned(),
            thread_id: Some(self.thread.id.clone()),
            operation: self.operation.to_owned(),
            model: self.model.clone(),
            outcome,
            input_tokens: usage.input,
            cached_tokens: usage.cached,
            output_tokens: usage.output,
            reasoning_tokens: usage.reasoning,
            duration_ms: since_start(now),
            first_token_ms: first_token_at.map(since_start),
        };
        let (settled, recorded, kept) = tokio::join!(
            counters.settle(&self.reservation, usage.input + usage.output),
            self.engine.usage.record(&record, limits.usage_retention_days),
            self.withdraw(),
        );
        for (what, result) in [("budget", settled), ("usage", recorded), ("withdrawn items", kept)] {
            if let Err(error) = result {
                tracing::error!(
                    thread = self.thread.id,
                    error = &error as &dyn StdError,
                    "a turn's {what} was not settled"
                );
            }
        }
    }
}

/// Estimated tokens of a prompt's text.
pub(super) fn prompt_tokens(prompt: &crate::model::Prompt) -> u64 {
    use crate::model::{Input, InputPart};
    let inputs = prompt.input.iter().map(|input| match input {
        Input::User(parts) => parts.iter().map(|InputPart::Text(text)| estimate_tokens(text)).sum(),
        Input::Assistant(text) => estimate_tokens(text),
    });
    inputs.sum::<u64>() + prompt.instructions.as_deref().map_or(0, estimate_tokens)
}

fn add(total: &mut TokenUsage, more: TokenUsage) {
    total.input += more.input;
    total.cached += more.cached;
    total.output += more.output;
    total.reasoning += more.reasoning;
}

fn error(message: &str, allow_retry: bool) -> Event {
    Event::Error { code: ErrorCode::Custom, message: Some(message.to_owned()), allow_retry }
}

fn failed(cause: &ModelError) -> Event {
    error(cause.public_message(), cause.retryable())
}

fn nothing_came() -> Event {
    error("The assistant gave no answer. Please try again.", true)
}

/// The event for a turn that could not be written down.
pub(super) fn not_stored() -> Event {
    error("The conversation could not be saved. Please try again in a moment.", true)
}

fn cut_off(reason: IncompleteReason) -> Event {
    let message = match reason {
        IncompleteReason::MaxOutputTokens => "The answer was cut off because it became too long.",
        IncompleteReason::ContentFilter => "The answer was stopped by the content filter.",
        IncompleteReason::Other => "The answer is incomplete.",
    };
    Event::Notice { level: NoticeLevel::Warning, message: message.to_owned(), title: None }
}
