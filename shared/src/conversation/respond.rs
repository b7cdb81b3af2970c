//! A turn that has begun, from its first event to its last: rounds.rs asks the model, perform.rs does what its answer is,
//! settle.rs counts.

use std::error::Error as StdError;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::future::{BoxFuture, OptionFuture};
use futures_util::{FutureExt, Stream, StreamExt};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, Finished};
use super::heard::ModelEvents;
use super::place::Place;
use super::prompt::tokens;
use super::title::Title;
use super::trail::Trail;
use super::{Engine, OnEnd, Outcome, TurnReport, messages, task};
use crate::identity::Identity;
use crate::model::{FunctionCall, Prompt, TokenUsage};
use crate::protocol::{Event, Thread};
use crate::store::{Reservation, StoreError};

/// How long a turn's work may take: Lambda ends the whole after 15 minutes, without a word.
const LONGEST: Duration = Duration::from_mins(14);

/// A title that is being made.
pub(super) struct PendingTitle {
    pub(super) title: Title,
    pub(super) made: BoxFuture<'static, (Option<Thread>, TokenUsage)>,
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
    pub(super) held: Option<Finished>,
    pub(super) trail: Trail,
    pub(super) title: Option<PendingTitle>,
    pub(super) usage: TokenUsage,
    pub(super) first_token_at: Option<Timestamp>,
    /// When the client was sent the first of what the model made.
    pub(super) first_event_at: Option<Timestamp>,
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
}
