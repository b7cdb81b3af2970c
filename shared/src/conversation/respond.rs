//! The loop of a turn: what the model does is told as it comes, stored when it is complete, and counted at the end.

use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::{FutureExt, Stream, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, timeout, timeout_at};

use super::answer::{Answer, Finished, Replacement, Shown, Stage, Step};
use super::heard::{Heard, ModelEvents};
use super::place::Place;
use super::prompt::tokens;
use super::title::{self, PATIENCE, Title};
use super::trail::Trail;
use super::{Engine, OnEnd, Outcome, TurnReport, messages, task};
use crate::identity::Identity;
use crate::ids;
use crate::model::{FunctionCall, IncompleteReason, Input, ModelEvent, Prompt, TokenUsage};
use crate::protocol::{Event, GeneratedImageItem, ItemUpdate, Thread, ThreadItem};
use crate::store::{Refusal, Reservation, StoreError, UsageRecord};
use crate::telemetry::chain;

/// How long a turn's work may take: Lambda ends the whole after 15 minutes, without a word.
const LONGEST: Duration = Duration::from_mins(14);

/// A title that is being made.
pub(super) struct PendingTitle {
    title: Title,
    made: BoxFuture<'static, (Option<Thread>, TokenUsage)>,
}

/// A turn that has begun.
pub(super) struct Turn {
    pub(super) engine: Engine,
    pub(super) identity: Identity,
    /// None for a conversation that is not kept here.
    pub(super) place: Option<Place>,
    /// What the site's endpoints are told of the thread.
    pub(super) thread_title: Option<String>,
    pub(super) operation: &'static str,
    pub(super) started: Timestamp,
    /// None while no model is asked.
    pub(super) reservation: Option<Reservation>,
    pub(super) prompt: Prompt,
    pub(super) events: UnboundedSender<Event>,
    pub(super) progress: Progress,
}

/// How far a turn is.
#[derive(Default)]
pub(super) struct Progress {
    /// When the turn has to be over.
    pub(super) deadline: Option<Instant>,
    /// The newest complete item, which is stored when something follows: the one that ends the turn also ends the
    /// thread's run, in the same write.
    held: Option<Finished>,
    pub(super) trail: Trail,
    pub(super) title: Option<PendingTitle>,
    usage: TokenUsage,
    first_token_at: Option<Timestamp>,
    /// When the client was sent the first of what the model made.
    first_event_at: Option<Timestamp>,
}

/// What a turn begins with.
pub(super) enum Start {
    /// The model answers.
    Model(ModelEvents),
    /// The page is asked for the next of the calls that wait.
    Page(Vec<FunctionCall>),
    /// The site's endpoint says what an action does.
    Action(serde_json::Value),
}

/// How a turn ended.
pub(super) struct Ended {
    pub(super) outcome: Outcome,
    pub(super) cause: Option<Box<dyn StdError + Send + Sync>>,
    /// What the person is told at the very end.
    pub(super) epilogue: Option<Event>,
}

impl Ended {
    /// All is said.
    pub(super) const fn well() -> Self {
        Self { outcome: Outcome::Ok, cause: None, epilogue: None }
    }

    /// Something failed, and the person is told.
    pub(super) const fn failed(epilogue: Event) -> Self {
        Self { outcome: Outcome::Error, cause: None, epilogue: Some(epilogue) }
    }
}

/// The store failed.
impl From<StoreError> for Ended {
    fn from(error: StoreError) -> Self {
        Self { cause: Some(error.into()), ..Self::failed(messages::not_stored()) }
    }
}

impl Turn {
    /// Lets the turn run beside the answer that is read. Even a panic, which is a bug, ends with an event.
    pub(super) fn launch(self, start: Start, title: Option<Title>, on_end: OnEnd) {
        let events = self.events.clone();
        let run = AssertUnwindSafe(self.run(start, title, on_end)).catch_unwind();
        drop(task::beside(async move {
            if run.await.is_err() {
                tracing::error!("a turn panicked");
                let _ = events.send(messages::no_answer());
            }
        }));
    }

    /// Runs to the end, whoever is still listening.
    async fn run(mut self, start: Start, title: Option<Title>, on_end: OnEnd) {
        self.progress.deadline = Some(Instant::now() + LONGEST);
        self.progress.title = title.map(|title| PendingTitle { made: title.clone().make().boxed(), title });
        let mut ended = match Box::pin(self.work(start)).await {
            Ok(ended) | Err(ended) => ended,
        };
        if let Err(error) = self.end().await {
            (ended.outcome, ended.epilogue) = (Outcome::Error, Some(messages::not_stored()));
            ended.cause.get_or_insert(error.into());
        }
        self.finish_title(ended.outcome).await;
        Box::pin(self.settle(ended.outcome)).await;
        if let Some(event) = ended.epilogue {
            self.emit(event);
        }
        let Progress { usage, first_event_at, .. } = self.progress;
        let Ended { outcome, cause, .. } = ended;
        on_end(TurnReport { model: self.prompt.model, usage, first_event_at, outcome, cause });
    }

    /// What a removed item showed. Nothing leads there any more, so a failure costs the operator's storage only.
    async fn drop_files(&mut self, file_ids: &[String]) {
        if let Err(error) = self.engine.remove_files(&self.identity.owner, file_ids).await {
            tracing::error!(error = chain(&error), "the files of removed items were not removed");
        }
    }

    pub(super) fn emit(&self, event: Event) {
        // Whoever listened may have left; the turn goes on.
        let _ = self.events.send(event);
    }

    /// What the turn is for; either way it has ended.
    async fn work(&mut self, start: Start) -> Result<Ended, Ended> {
        // While the model thinks, so that nobody waits for it.
        let room = self.make_room().await;
        if room.is_err() && matches!(start, Start::Model(_)) {
            // It was called before, and bills for the prompt it read.
            self.progress.usage.input += tokens(&self.prompt);
        }
        room?;
        let mut answer = self.new_answer();
        let ended = match start {
            Start::Model(events) => self.answer(events, &mut answer).await,
            Start::Page(waiting) => self.ask_page(waiting, &mut answer).await.map(|()| Ended::well()),
            Start::Action(action) => match self.act(action, &mut answer).await {
                Ok(Some(events)) => self.answer(events, &mut answer).await,
                Ok(None) => Ok(Ended::well()),
                Err(ended) => Err(ended),
            },
        };
        // Nothing that the person saw is lost, however it ended.
        self.perform(answer.complete()).await?;
        // Nor is what the site's endpoints did: the model must not have it done a second time.
        if self.place.is_some() && self.progress.held.is_none() && self.progress.trail.has_calls() {
            self.perform(vec![answer.note("The turn ended here, without a word about these calls.")]).await?;
        }
        let ended = ended?;
        if ended.outcome == Outcome::Ok && self.engine.assistant.end_of_turn && self.may_write_more() {
            self.perform(vec![answer.end_of_turn()]).await?;
        }
        Ok(ended)
    }

    /// Drops what the answer takes the place of, with its files.
    async fn make_room(&mut self) -> Result<(), Ended> {
        let Some(place) = &self.place else { return Ok(()) };
        let past = place.past().await?;
        if let Err(error) = Box::pin(self.engine.remove_files(&place.owner, &past.files)).await {
            return Err(Ended { cause: Some(error.into()), ..Ended::failed(messages::not_stored()) });
        }
        Ok(place.clear(past).await?)
    }

    pub(super) fn new_answer(&self) -> Answer {
        let (thread_id, question) =
            self.place.as_ref().map_or(("", ""), |place| (place.thread_id.as_str(), place.question.as_str()));
        Answer::new(self.engine.clock.clone(), self.engine.ids.clone(), thread_id, question)
    }

    /// Whether the turn is not one that waits for the page, whose call has to be the thread's last item.
    fn may_write_more(&self) -> bool {
        let waits = self.progress.held.as_ref().is_some_and(|last| last.item.is_pending());
        self.place.is_some() && !waits
    }

    /// Asks the model until it calls no more functions, or somebody else has to answer first.
    async fn answer(&mut self, mut model: ModelEvents, answer: &mut Answer) -> Result<Ended, Ended> {
        for round in 1.. {
            let (ended, calls) = self.listen(&mut model, answer).await?;
            if calls.is_empty() {
                let is_silent = ended.outcome == Outcome::Ok && !answer.has_substance();
                return Ok(if is_silent { Ended::failed(messages::no_answer()) } else { ended });
            }
            drop(model);
            if round >= self.engine.assistant.max_rounds {
                calls.iter().for_each(|call| self.progress.trail.remove(call));
                // Some servers do not know that a model can be told not to call.
                let epilogue = Some(messages::cut_off(IncompleteReason::Other));
                return Ok(Ended { outcome: Outcome::Incomplete, epilogue, cause: None });
            }
            if self.call(calls, answer).await? {
                return Ok(Ended::well());
            }
            self.prompt.tool_choice = None;
            if round + 1 >= self.engine.assistant.max_rounds {
                // The last time, the model has to answer with what it knows.
                self.prompt.tool_choice = Some("none".into());
            }
            if let Some(refusal) = self.hold_more().await? {
                let epilogue = Some(messages::budget_exhausted(refusal.limit));
                return Ok(Ended { outcome: Outcome::Incomplete, epilogue, cause: None });
            }
            answer.next_round();
            model = self.engine.ask(&self.identity.owner, self.prompt.clone());
        }
        Ok(Ended::well())
    }

    /// Tells what the model does until its answer ends: how, and what it calls, if it waits for that.
    async fn listen(
        &mut self,
        model: &mut ModelEvents,
        answer: &mut Answer,
    ) -> Result<(Ended, Vec<FunctionCall>), Ended> {
        let (asked, said) = (tokens(&self.prompt), answer.characters());
        // What it takes where the model's own count never comes: what was asked, if it was taken, and what came.
        let mut estimate = TokenUsage::default();
        let mut calls = Vec::new();
        loop {
            let ended = match self.next(model).await {
                Err(_) => (Ended::failed(messages::took_too_long()), None),
                Ok(None) => (Ended::failed(messages::no_answer()), None),
                Ok(Some(Err(error))) => {
                    let epilogue = messages::failed(&error);
                    (Ended { cause: Some(error.into()), ..Ended::failed(epilogue) }, None)
                }
                Ok(Some(Ok(Heard::Accepted))) => {
                    estimate.input = asked;
                    continue;
                }
                Ok(Some(Ok(Heard::Event(event)))) => {
                    let ended = ending(&event);
                    self.note(&event, &mut calls);
                    let steps = answer.take(event);
                    let tells = steps.iter().any(|step| matches!(step, Step::Emit(_)));
                    estimate.output = (answer.characters() - said).div_ceil(4);
                    if let Err(error) = self.perform(steps).await {
                        add(&mut self.progress.usage, estimate);
                        return Err(error.into());
                    }
                    if tells {
                        self.progress.first_event_at.get_or_insert(self.engine.clock.now());
                    }
                    match (ended, answer.is_full()) {
                        (ended, true) => {
                            let epilogue = Some(messages::cut_off(IncompleteReason::MaxOutputTokens));
                            let full = Ended { outcome: Outcome::Incomplete, epilogue, cause: None };
                            (full, ended.and_then(|(_, tokens)| tokens))
                        }
                        (Some(ended), false) => ended,
                        (None, false) => continue,
                    }
                }
            };
            let (ended, counted) = ended;
            add(&mut self.progress.usage, counted.unwrap_or(estimate));
            // Calls of an answer that was cut off, or failed, are not what the model meant.
            if ended.outcome != Outcome::Ok {
                calls.drain(..).for_each(|call| self.progress.trail.remove(&call));
            }
            return Ok((ended, calls));
        }
    }

    /// Remembers what the next round has to be told.
    fn note(&mut self, event: &ModelEvent, calls: &mut Vec<FunctionCall>) {
        match event {
            ModelEvent::TextDelta { .. } => {
                self.progress.first_token_at.get_or_insert(self.engine.clock.now());
            }
            ModelEvent::MessageDone { content, .. } => {
                let text = content.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join("\n");
                self.prompt.input.push(Input::Assistant(text));
            }
            ModelEvent::Opaque(value) => self.learn(Input::Opaque(value.clone())),
            ModelEvent::Answered { call, output } => {
                self.learn(Input::Call(call.readable()));
                self.learn(Input::CallOutput { call_id: call.call_id.clone(), output: output.clone() });
            }
            ModelEvent::Call(call) => {
                calls.push(call.clone());
                self.learn(Input::Call(call.readable()));
            }
            _ => {}
        }
    }

    /// Tells the model in its next round, and later turns.
    pub(super) fn learn(&mut self, input: Input) {
        self.progress.trail.push(input.clone());
        self.prompt.input.push(input);
    }

    /// The next of something, while the title is being made beside it.
    ///
    /// # Errors
    /// When the turn has lasted as long as one may.
    pub(super) async fn next<S>(&mut self, stream: &mut S) -> Result<Option<S::Item>, tokio::time::error::Elapsed>
    where
        S: Stream + Unpin,
    {
        let deadline = self.progress.deadline.unwrap_or_else(Instant::now);
        loop {
            let title = self.progress.title.as_mut();
            tokio::select! {
                next = timeout_at(deadline, stream.next()) => return next,
                Some((thread, tokens)) = OptionFuture::from(title.map(|title| &mut title.made)) => {
                    self.progress.title = None;
                    self.named(thread, tokens);
                }
            }
        }
    }

    /// Holds as much of the budgets as the next round can cost; why there is no room, if so.
    async fn hold_more(&mut self) -> Result<Option<Refusal>, StoreError> {
        let Some(reservation) = &mut self.reservation else { return Ok(None) };
        let Engine { counters, assistant, clock, .. } = &self.engine;
        let used = self.progress.usage.input + self.progress.usage.output;
        let beside = self.progress.title.as_ref().map_or(0, |pending| title::worst_case(&pending.title.message));
        let total = used + tokens(&self.prompt) + u64::from(assistant.max_output_tokens) + beside;
        counters.hold(reservation, total, clock.now()).await
    }

    /// Does what the answer asks for.
    pub(super) async fn perform(&mut self, steps: Vec<Step>) -> Result<(), StoreError> {
        for step in steps {
            self.flush().await?;
            match step {
                Step::Emit(event) => self.emit(event),
                Step::Finish(finished) => self.progress.held = Some(finished),
                Step::Show(shown) => self.show(shown).await,
                Step::Replace(replacement) => self.replace(replacement).await?,
                Step::Rename(title) => {
                    self.give_up_title();
                    if let Some(place) = &self.place
                        && let Some(event) = place.rename(&title).await?
                    {
                        self.emit(event);
                    }
                }
            }
        }
        Ok(())
    }

    /// A title that is still being made would only be told behind the one that counts.
    fn give_up_title(&mut self) {
        if let Some(PendingTitle { title, .. }) = self.progress.title.take() {
            add(&mut self.progress.usage, title.estimate());
        }
    }

    /// Stores the item that is held back.
    pub(super) async fn flush(&mut self) -> Result<(), StoreError> {
        match self.progress.held.take() {
            Some(finished) => self.finish(finished, false).await,
            None => Ok(()),
        }
    }

    /// Stores an item, then says that it is done: what the person has seen complete is never lost.
    async fn finish(&mut self, finished: Finished, ends_turn: bool) -> Result<(), StoreError> {
        let Some(place) = &mut self.place else {
            if !finished.item.is_hidden() {
                self.emit(Event::ItemDone { item: finished.item });
            }
            return Ok(());
        };
        let carried = finished.carried.clone().or_else(|| self.progress.trail.take());
        let files: Vec<_> = finished.item.files().into_iter().map(ToOwned::to_owned).collect();
        let item = match place.store(finished, carried, ends_turn).await {
            Ok(item) => item,
            Err(error) => {
                Box::pin(self.drop_files(&files)).await;
                return Err(error);
            }
        };
        if !item.is_hidden() {
            let item = self.engine.shown(&self.identity.owner, item);
            self.emit(Event::ItemDone { item });
        }
        Ok(())
    }

    /// Keeps a picture and tells what it looks like. One that cannot be kept is taken back: the turn goes on.
    async fn show(&mut self, shown: Shown) {
        let Shown { header, picture, stage } = shown;
        if self.place.is_none() {
            return;
        }
        let owner = &self.identity.owner;
        let kept = match &stage {
            Stage::Partial(_) => self.engine.show_picture(owner, &picture).await,
            Stage::Whole { .. } => self.engine.keep_picture(owner, &header.id, &picture).await,
        };
        match (kept, stage) {
            (Ok(image), Stage::Partial(progress)) => {
                let update = ItemUpdate::GeneratedImageUpdated { image, progress: Some(progress) };
                self.emit(Event::ItemUpdated { item_id: header.id, update });
            }
            (Ok(image), Stage::Whole { upstream_id }) => {
                let item = ThreadItem::GeneratedImage(GeneratedImageItem { header, image: Some(image) });
                self.progress.held = Some(Finished { item, upstream_id, carried: None });
            }
            (Err(error), stage) => {
                tracing::error!(error = chain(&error), "a picture was not kept");
                if matches!(stage, Stage::Whole { .. }) {
                    self.emit(Event::ItemRemoved { item_id: header.id });
                    self.emit(messages::picture_lost());
                }
            }
        }
    }

    async fn replace(&mut self, replacement: Replacement) -> Result<(), StoreError> {
        let Replacement { item_id, widget, copy_text } = replacement;
        let Some(place) = &self.place else { return Ok(()) };
        let replaced = match item_id.as_ref().or(place.sender.as_ref()) {
            Some(item_id) => place.replace(item_id, widget, copy_text).await?,
            None => None,
        };
        match replaced {
            Some(item) => self.emit(Event::ItemReplaced { item }),
            None => tracing::warn!("an endpoint replaced a widget that does not exist"),
        }
        Ok(())
    }

    async fn end(&mut self) -> Result<(), StoreError> {
        let stored = match self.progress.held.take() {
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
    async fn finish_title(&mut self, outcome: Outcome) {
        let Some(PendingTitle { title, made }) = self.progress.title.take() else { return };
        let patience = if outcome == Outcome::Error { Duration::ZERO } else { PATIENCE };
        let (thread, tokens) = match timeout(patience, made).await {
            Ok(named) => named,
            Err(_) => (title.make_plain().await, title.estimate()),
        };
        self.named(thread, tokens);
    }

    fn named(&mut self, thread: Option<Thread>, tokens: TokenUsage) {
        add(&mut self.progress.usage, tokens);
        if let Some(thread) = thread {
            self.emit(Event::ThreadUpdated { thread });
        }
    }

    /// Gives back what was reserved too much and writes down what was used. A failure here costs the operator's
    /// statistics, not the person's answer.
    async fn settle(&mut self, outcome: Outcome) {
        let Engine { clock, counters, limits, .. } = &self.engine;
        let record = self.record(outcome, clock.now());
        let used = record.input_tokens + record.output_tokens;
        let settle = async {
            match &self.reservation {
                Some(reservation) => counters.settle(reservation, used).await,
                None => Ok(()),
            }
        };
        // Where no model was asked there was no turn.
        let (is_turn, rows) = (self.reservation.is_some(), &self.engine.usage);
        let count = async { if is_turn { rows.record(&record, limits.usage_retention_days).await } else { Ok(()) } };
        let withdraw = OptionFuture::from(self.place.as_ref().map(Place::withdraw));
        let (settled, recorded, withdrawn) = tokio::join!(settle, count, withdraw);
        for (what, result) in [("budget", settled), ("usage", recorded)] {
            if let Err(error) = result {
                tracing::error!(error = chain(&error), "a turn's {what} was not settled");
            }
        }
        self.withdrawn(withdrawn).await;
    }

    /// Leaves the thread without a turn: takes back what was stored if the thread is gone.
    pub(super) async fn leave(&mut self) {
        let withdrawn = match &self.place {
            Some(place) => Some(place.withdraw().await),
            None => None,
        };
        self.withdrawn(withdrawn).await;
    }

    async fn withdrawn(&mut self, withdrawn: Option<Result<Vec<String>, StoreError>>) {
        match withdrawn {
            None => {}
            Some(Ok(files)) => Box::pin(self.drop_files(&files)).await,
            Some(Err(error)) => tracing::error!(error = chain(&error), "what a turn stored was not looked after"),
        }
    }

    fn record(&self, outcome: Outcome, now: Timestamp) -> UsageRecord {
        let since_start =
            |at: Timestamp| u64::try_from(at.as_millisecond() - self.started.as_millisecond()).unwrap_or_default();
        let TokenUsage { input, cached, output, reasoning } = self.progress.usage;
        UsageRecord {
            id: self.engine.ids.mint(ids::REQUEST),
            at: self.started,
            tenant: self.identity.owner.tenant().to_owned(),
            user: self.identity.owner.user().to_owned(),
            thread_id: self.place.as_ref().map(|place| place.thread_id.clone()),
            operation: self.operation.to_owned(),
            model: self.prompt.model.clone(),
            outcome,
            input_tokens: input,
            cached_tokens: cached,
            output_tokens: output,
            reasoning_tokens: reasoning,
            duration_ms: since_start(now),
            first_token_ms: self.progress.first_token_at.map(since_start),
        }
    }
}

/// How the model's answer ended, if this event says so, and what it took.
fn ending(event: &ModelEvent) -> Option<(Ended, Option<TokenUsage>)> {
    match event {
        ModelEvent::Completed(tokens) => Some((Ended::well(), *tokens)),
        ModelEvent::Incomplete { reason, usage } => {
            let epilogue = Some(messages::cut_off(*reason));
            Some((Ended { outcome: Outcome::Incomplete, epilogue, cause: None }, *usage))
        }
        _ => None,
    }
}

fn add(total: &mut TokenUsage, more: TokenUsage) {
    total.input += more.input;
    total.cached += more.cached;
    total.output += more.output;
    total.reasoning += more.reasoning;
}
