//! How a turn begins: admitted, loaded, stored; the model is called meanwhile.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, MaybeDone, maybe_done, select};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::heard::{ModelEvents, heard};
use super::place::Place;
use super::prompt::tokens;
use super::respond::{Progress, Start, Turn};
use super::title::{self, Title};
use super::{Engine, Error, OnEnd, Outcome, TurnReport, messages};
use crate::files::Files;
use crate::identity::{Identity, Owner};
use crate::ids;
use crate::model::{FunctionCall, ModelError, ModelErrorKind, ModelStream, Prompt, TokenUsage};
use crate::protocol::{Event, StreamOptions, ThreadStatus};
use crate::store::{Loaded, Reservation, Run, StoreError, ThreadRecord, Threads};
use crate::telemetry::chain;

/// How long a run counts as live after its process has died without a word. While it is live, the same message is not
/// answered a second time.
const LEASE: Duration = Duration::from_mins(5);

/// The model being called, while the turn's first writes are under way.
type ModelCall = Pin<Box<MaybeDone<Pin<Box<dyn Future<Output = Result<ModelStream, ModelError>> + Send>>>>>;

/// A turn that is admitted, with everything it was asked.
pub(super) struct Beginning {
    pub(super) operation: &'static str,
    pub(super) identity: Identity,
    pub(super) thread: ThreadRecord,
    pub(super) run: Run,
    /// The item that is answered; what the turn makes stands behind it.
    pub(super) question: String,
    /// Whether the question was answered before.
    pub(super) anew: bool,
    /// Items that mean nothing any more.
    pub(super) obsolete: Vec<String>,
    pub(super) reservation: Reservation,
    pub(super) prompt: Prompt,
    /// Calls that the page is asked for, in place of the model.
    pub(super) waiting: Vec<FunctionCall>,
    /// The message that the thread is named after, where it has no name yet.
    pub(super) untitled: Option<String>,
    /// Whether the message has files, which the model can read once the message is stored.
    pub(super) has_files: bool,
    /// What the client is told first.
    pub(super) opening: Vec<Event>,
}

impl Engine {
    /// Counts a turn and loads its thread, in one round trip.
    pub(super) async fn admit_and_load(
        &self,
        identity: &Identity,
        load: impl Future<Output = Result<Option<Loaded>, StoreError>>,
    ) -> Result<(Reservation, Loaded), Error> {
        let (admitted, loaded) = tokio::join!(self.admit_turn(identity, 0), load);
        let reservation = admitted?;
        match writable(loaded) {
            Ok(loaded) => Ok((reservation, loaded)),
            Err(error) => Err(self.refund(&reservation, error).await),
        }
    }

    /// The newest items of a thread, as far as a turn reads.
    pub(super) async fn load(&self, owner: &Owner, thread_id: &str) -> Result<Option<Loaded>, StoreError> {
        self.store.threads.load(owner, thread_id, Threads::NEWEST).await
    }

    /// The same as they are now: what the page answers was stored milliseconds ago.
    pub(super) async fn load_now(&self, owner: &Owner, thread_id: &str) -> Result<Option<Loaded>, StoreError> {
        self.store.threads.load_now(owner, thread_id, Threads::NEWEST).await
    }

    /// Gives back what was reserved for a turn that does not happen.
    pub(super) async fn refund(&self, reservation: &Reservation, error: Error) -> Error {
        self.charge(reservation, 0, error).await
    }

    /// Gives back what was reserved for a turn that was refused when the model had been called already, as it mostly has:
    /// it may have read the prompt, and bills for that.
    async fn abandon(&self, beginning: &Beginning, error: Error) -> Error {
        let was_called = beginning.waiting.is_empty() && !beginning.has_files;
        let used = if was_called { tokens(&beginning.prompt) } else { 0 };
        self.charge(&beginning.reservation, used, error).await
    }

    async fn charge(&self, reservation: &Reservation, used: u64, error: Error) -> Error {
        match self.store.budgets.settle(reservation, used).await {
            Ok(()) => error,
            // It lapses with the window of its budget.
            Err(settle) => {
                tracing::warn!(error = chain(&settle), "a reservation was not given back");
                error
            }
        }
    }

    /// A run that answers what the digest stands for, with an id after that of the thread's last run, whatever the
    /// clocks say.
    pub(super) fn lease(&self, digest: String, last: Option<&str>) -> Run {
        let id = match last {
            Some(last) => self.ids.mint_after(ids::RUN, last),
            None => self.ids.mint(ids::RUN),
        };
        Run { id, digest, until: self.clock.now() + LEASE }
    }

    /// Calls the model, writes what begins the turn, and lets the turn run. Where `write` ends with a failure of the
    /// store, something may be written; with any other one, nothing is.
    pub(super) async fn begin(
        &self,
        mut beginning: Beginning,
        write: impl Future<Output = Result<(), Error>>,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        let started = self.clock.now();
        if beginning.waiting.is_empty() {
            let Beginning { reservation, prompt, untitled, .. } = &mut beginning;
            let beside = untitled.as_deref().map_or(0, title::worst_case);
            if let Err(error) = Box::pin(self.hold(reservation, prompt, beside)).await {
                return Err(self.refund(&beginning.reservation, error).await);
            }
        }
        let mut call =
            beginning.waiting.is_empty().then(|| self.call_model(&beginning.identity.owner, beginning.prompt.clone()));
        let written = match call.as_mut().filter(|_| !beginning.has_files) {
            None => write.await,
            Some(call) => match select(pin!(write), call.as_mut()).await {
                Either::Left((written, _)) => written,
                Either::Right(((), write)) => write.await,
            },
        };
        let (events, receiver) = unbounded_channel();
        match written {
            Ok(()) => {}
            // A client repeats what a 5xx answers; so this is a stream that failed.
            Err(error @ Error::Store(_)) => {
                let error = self.abandon(&beginning, error).await;
                let _ = events.send(messages::not_stored());
                let (model, usage) = (beginning.prompt.model, TokenUsage::default());
                let cause = Some(error.into());
                on_end(TurnReport { model, usage, first_event_at: None, outcome: Outcome::Error, cause });
                return Ok(receiver);
            }
            Err(error) => return Err(self.abandon(&beginning, error).await),
        }
        let Beginning { operation, identity, thread, run, question, anew, obsolete, reservation, prompt, .. } =
            beginning;
        for event in beginning.opening {
            let _ = events.send(event);
        }
        let place = Place {
            store: self.store.clone(),
            owner: identity.owner.clone(),
            thread_id: thread.id,
            run,
            leased: true,
            question,
            anew,
            obsolete,
            sender: None,
            stored: Vec::new(),
        };
        let title = beginning.untitled.map(|message| Title {
            model: self.model.clone(),
            assistant: self.assistant.clone(),
            store: self.store.clone(),
            owner: identity.owner.clone(),
            thread_id: place.thread_id.clone(),
            message,
        });
        let turn = Turn {
            engine: self.clone(),
            identity,
            place: Some(place),
            thread_title: thread.title,
            operation,
            started,
            reservation: Some(reservation),
            prompt,
            events,
            progress: Progress::default(),
        };
        let start = call.map_or(Start::Page(beginning.waiting), |call| Start::Model(model_events(call)));
        turn.launch(start, title, on_end);
        Ok(receiver)
    }

    fn call_model(&self, owner: &Owner, prompt: Prompt) -> ModelCall {
        let (engine, owner) = (self.clone(), owner.clone());
        Box::pin(maybe_done(async move { engine.stream(&owner, prompt).await }.boxed()))
    }

    /// Asks the model, with the prompt's files as its server can read them.
    pub(super) async fn stream(&self, owner: &Owner, mut prompt: Prompt) -> Result<ModelStream, ModelError> {
        let resolved = match &self.files {
            Some(files) => files.resolve(owner, &mut prompt).await,
            None => {
                Files::strip_files(&mut prompt);
                Ok(())
            }
        };
        if let Err(error) = resolved {
            tracing::error!(error = chain(&error), "the files of a prompt cannot be read");
            return Err(ModelError::new(ModelErrorKind::Unavailable));
        }
        self.model.stream(&prompt).await
    }
}

/// The thread, if it exists and takes messages.
pub(super) fn writable(loaded: Result<Option<Loaded>, StoreError>) -> Result<Loaded, Error> {
    match loaded? {
        Some(loaded) if loaded.thread.status == ThreadStatus::Active => Ok(loaded),
        Some(_) => Err(Error::NotWritable),
        None => Err(Error::NotFound("thread")),
    }
}

pub(super) const fn stream_options() -> Event {
    Event::StreamOptions { stream_options: StreamOptions { allow_cancel: true } }
}

fn model_events(mut call: ModelCall) -> ModelEvents {
    stream::once(async move {
        call.as_mut().await;
        call.as_mut().take_output()
    })
    .filter_map(|called| async { called })
    .map_ok(heard)
    .try_flatten()
    .boxed()
}
