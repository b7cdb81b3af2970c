//! A turn: everything from the request that calls the model to the last event.
//!
//! ```text
//! admission.rs        Admitted: the tokens that are reserved for a turn, until they are settled
//! plan.rs             TurnPlan: what an operation asks of a turn
//! start.rs            the first write, while the model is called; then the turn runs in a task of its own
//! mod.rs              Turn::run, the whole turn
//! rounds.rs           the model is asked, round by round, until it calls no more tools
//! tools.rs            the calls of a round: server tools run here, client tools wait for the page
//! action.rs           what the site's endpoint makes of an action
//! perform.rs          an answer's steps: items are stored, then the client is told
//! writer.rs           what a turn writes in its thread, and its lease
//! unstored_inputs.rs  what the model must be told again, and no item shows
//! summary.rs          a summary of what the model is no longer shown, made beside an answer
//! title.rs            the thread's title, made beside the first answer
//! life.rs             beside the turn: signs of life, a wish to stop, those who follow it
//! finish.rs           the end: the lease, the title, what the turn has used
//! ```

mod action;
mod admission;
mod finish;
mod life;
mod perform;
mod plan;
mod rounds;
mod start;
mod summary;
mod title;
mod tools;
mod unstored_inputs;
mod writer;

use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::{FutureExt, Stream, StreamExt};
use jiff::Timestamp;

pub(super) use self::action::no_actions;
pub(super) use self::plan::{FirstWrite, TurnPlan, stream_options, writable};
pub(super) use self::writer::{ThreadWriter, Writer};

use self::admission::Admitted;
use self::life::Life;
use self::rounds::{BilledRound, ModelEvents};
use self::summary::PendingSummary;
use self::title::PendingTitle;
use self::unstored_inputs::UnstoredInputs;
use super::answer::{Answer, Finished};
use super::prompt_size::max_prompt_tokens;
use super::public_messages::PublicMessage;
use super::run::{Events, Position, RunStream};
use super::{Engine, Error, Failure, Outcome, public_messages, task};
use crate::identity::Identity;
use crate::model::{FunctionCall, Prompt, TokenUsage};
use crate::protocol::Event;

/// A turn ends before Lambda ends its invocation, which happens after 15 minutes and without a word.
const MAX_TURN: Duration = Duration::from_mins(14);

/// How a turn ended, for the log.
pub struct TurnReport {
    pub model: String,
    /// What the turn has used, its title included.
    pub usage: TokenUsage,
    /// When the client was sent the first of what the model made; none if nothing came.
    pub first_event_at: Option<Timestamp>,
    pub outcome: Outcome,
    pub failure: Option<Failure>,
}

/// Called once, when a turn has ended and everything of it is stored.
pub type OnEnd = Box<dyn FnOnce(TurnReport) + Send>;

/// A turn under way.
pub(super) struct Turn {
    engine: Engine,
    identity: Identity,
    operation: &'static str,
    started: Timestamp,
    deadline: Timestamp,
    /// What the site's endpoints are told of the thread.
    thread_title: Option<String>,
    writer: Writer,
    /// None while no model is asked.
    admitted: Option<Admitted>,
    prompt: Prompt,
    answer: Answer,
    stream: RunStream,
    /// None where there is no thread.
    life: Option<Life>,
    is_action: bool,
    /// The newest finished item. It is stored when another one follows, or at the end: the item that ends the turn also
    /// releases the lease, in the same write.
    held_item: Option<Finished>,
    unstored_inputs: UnstoredInputs,
    title: Option<PendingTitle>,
    summary: Option<PendingSummary>,
    usage: TokenUsage,
    /// The round under way, once the model bills for it and until its own count comes.
    billed_round: Option<BilledRound>,
    /// The model's own count of the last round: its prompt and its answer.
    counted_tokens: Option<u64>,
    first_token_at: Option<Timestamp>,
    first_event_at: Option<Timestamp>,
}

/// What a turn does first.
pub(super) enum Start {
    /// It listens to the model, which has been called.
    Model(ModelEvents),
    /// It asks the page for the next of the client tool calls that wait.
    Page(Vec<FunctionCall>),
    /// It asks the site's endpoint what an action does.
    Action {
        action: serde_json::Value,
        /// The id of the endpoint's call, the same for every attempt.
        call_id: String,
    },
}

/// How a turn ends.
struct TurnEnd {
    outcome: Outcome,
    failure: Option<Failure>,
    /// What the person is told last.
    closing_notice: Option<PublicMessage>,
}

impl TurnEnd {
    const fn ok() -> Self {
        Self { outcome: Outcome::Ok, failure: None, closing_notice: None }
    }

    const fn incomplete(closing_notice: PublicMessage) -> Self {
        Self { outcome: Outcome::Incomplete, failure: None, closing_notice: Some(closing_notice) }
    }

    const fn failed(closing_notice: PublicMessage) -> Self {
        Self { outcome: Outcome::Error, failure: None, closing_notice: Some(closing_notice) }
    }
}

/// The person is told what failed in plain words, the log in detail.
impl<E: Into<Failure>> From<E> for TurnEnd {
    fn from(error: E) -> Self {
        let failure = error.into();
        let closing_notice = public_messages::failed(&failure);
        Self { failure: Some(failure), ..Self::failed(closing_notice) }
    }
}

impl From<Error> for TurnEnd {
    fn from(error: Error) -> Self {
        match error {
            Error::Failed(failure) => failure.into(),
            refusal => Self::failed(public_messages::refused(&refusal)),
        }
    }
}

impl Turn {
    /// A turn that has not started, with the receiver of its events.
    pub(super) fn new(
        engine: &Engine,
        identity: &Identity,
        operation: &'static str,
        writer: Writer,
        prompt: Prompt,
    ) -> (Self, Events) {
        let position = writer.thread().map(|writer| Position::start(&writer.thread_id, &writer.run.id));
        let (stream, events) = RunStream::new(position);
        let (thread_id, question_id) = writer.ids();
        let started = engine.clock.now();
        let turn = Self {
            answer: Answer::new(engine, &identity.languages, thread_id, question_id),
            engine: engine.clone(),
            identity: identity.clone(),
            operation,
            started,
            deadline: started + MAX_TURN,
            thread_title: None,
            writer,
            admitted: None,
            prompt,
            stream,
            life: None,
            is_action: false,
            held_item: None,
            unstored_inputs: UnstoredInputs::default(),
            title: None,
            summary: None,
            usage: TokenUsage::default(),
            billed_round: None,
            counted_tokens: None,
            first_token_at: None,
            first_event_at: None,
        };
        (turn, events)
    }

    /// The run that it is; empty where there is no thread.
    pub(super) fn run_id(&self) -> String {
        self.writer.thread().map(|writer| writer.run.id.clone()).unwrap_or_default()
    }

    pub(super) fn with_thread_title(self, thread_title: Option<String>) -> Self {
        Self { thread_title, ..self }
    }

    pub(super) fn with_admitted(self, admitted: Admitted) -> Self {
        Self { admitted: Some(admitted), ..self }
    }

    /// Runs the turn in a task of its own, to its end, whether or not its events are still read.
    pub(super) fn spawn(mut self, start: Start, on_end: OnEnd) {
        self.is_action = matches!(start, Start::Action { .. });
        self.life = self.writer.thread().map(|writer| {
            let registered = self.engine.live_runs.register(&writer.owner, &writer.thread_id, &writer.run.id);
            Life::new(self.engine.clock.clone(), registered)
        });
        drop(task::spawn_detached(async move { on_end(Box::pin(self.run(start)).await) }));
    }

    /// The whole turn. It ends the same way whatever happens, a panic included: what came is stored, the lease is
    /// released, what was used is settled, and the client is told.
    async fn run(mut self, start: Start) -> TurnReport {
        let worked = catch_panic(pin!(self.work(start))).await;
        let closed = catch_panic(pin!(self.close(worked))).await;
        let (Ok(end) | Err(end)) = closed;
        // Apart, so that a turn that waits for its model does not hold the memory of its end.
        Box::pin(self.finish(end)).await
    }

    async fn work(&mut self, start: Start) -> Result<TurnEnd, TurnEnd> {
        if let Err(end) = self.clear_superseded().await {
            if matches!(start, Start::Model(_)) {
                // The model was called before, and bills for the prompt.
                let read = max_prompt_tokens(&self.prompt);
                self.usage += self.engine.prices.upper_bound(&self.prompt.model, read, 0);
            }
            return Err(end);
        }
        match start {
            Start::Model(events) => self.run_rounds(events).await,
            Start::Page(calls) => self.ask_page(calls).await.map(|()| TurnEnd::ok()),
            Start::Action { action, call_id } => match self.run_action(action, &call_id).await? {
                Some(events) => self.run_rounds(events).await,
                None => Ok(TurnEnd::ok()),
            },
        }
    }

    /// Finishes what the person has seen of the answer, however the turn ended.
    async fn close(&mut self, worked: Result<TurnEnd, TurnEnd>) -> Result<TurnEnd, TurnEnd> {
        if self.is_ended_elsewhere() {
            return worked;
        }
        self.complete_answer().await?;
        // What the site's endpoints have done is kept, too: the model must not have it done a second time.
        if self.writer.is_thread() && self.held_item.is_none() && self.unstored_inputs.has_calls() {
            let note = self.answer.hidden_note("The turn ended here, without a word about these calls.");
            self.perform(vec![note]).await?;
        }
        let end = worked?;
        if end.outcome == Outcome::Ok && self.engine.assistant.end_of_turn && self.may_write_more() {
            let end_of_turn = self.answer.end_of_turn();
            self.perform(vec![end_of_turn]).await?;
        }
        Ok(end)
    }

    /// Whether another item may follow: a client tool call that waits for the page has to be the thread's last item.
    fn may_write_more(&self) -> bool {
        self.writer.is_thread() && !self.held_item.as_ref().is_some_and(|last| last.item.is_pending())
    }

    pub(super) fn emit(&mut self, event: Event) {
        self.stream.send(event);
    }

    pub(super) fn say(&mut self, message: &PublicMessage) {
        let event = message.to_event(&self.identity);
        self.emit(event);
    }

    /// The stream's next item, while other things happen beside it; an error once the turn has lasted too long, or
    /// shall stop.
    async fn next<S>(&mut self, stream: &mut S) -> Result<Option<S::Item>, TurnEnd>
    where
        S: Stream + Unpin,
    {
        let clock = self.engine.clock.clone();
        let mut deadline = pin!(clock.sleep_until(self.deadline));
        loop {
            if self.shall_stop() {
                return Err(TurnEnd::stopped());
            }
            tokio::select! {
                next = stream.next() => return Ok(next),
                () = &mut deadline => return Err(TurnEnd::failed(public_messages::took_too_long())),
                () = self.beside() => {}
            }
        }
    }
}

async fn catch_panic<T>(work: Pin<&mut impl Future<Output = Result<T, TurnEnd>>>) -> Result<T, TurnEnd> {
    // The turn's fields may be half changed where a panic broke off; what reads them afterwards has no invariant to
    // break.
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(worked) => worked,
        Err(_) => Err(Failure::Panic.into()),
    }
}
