//! How a turn begins: admitted, loaded, stored; the model is called meanwhile.

use std::future::Future;
use std::pin::{Pin, pin};
use std::time::Duration;

use futures_util::future::{Either, MaybeDone, maybe_done, select};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::place::Place;
use super::prompt::{prompt, tokens};
use super::respond::{ModelEvents, Turn};
use super::user_message::{digest, digest_of_input};
use super::{Engine, Error, OnEnd, Outcome, TurnReport, messages, title};
use crate::identity::Owner;
use crate::ids;
use crate::model::{ModelError, ModelErrorKind, ModelStream, Prompt, TokenUsage};
use crate::protocol::{
    AddUserMessage, CreateThread, Event, Object, Order, Page, Paging, RetryAfterItem, StreamOptions, ThreadItem,
    ThreadStatus, UserContent, UserMessage,
};
use crate::store::{BeginError, Loaded, Reservation, Run, ThreadRecord, Threads};
use crate::telemetry::chain;

/// How long a run counts as live after its process has died without a word. While it is live, the same message is not
/// answered a second time.
const LEASE: Duration = Duration::from_mins(5);

/// The model being called, while the turn's first writes are under way.
type ModelCall = Pin<Box<MaybeDone<Pin<Box<dyn Future<Output = Result<ModelStream, ModelError>> + Send>>>>>;

/// A turn that is admitted, with everything it was asked.
struct Beginning {
    operation: &'static str,
    owner: Owner,
    thread: ThreadRecord,
    run: Run,
    question: String,
    /// Whether the question was answered before.
    anew: bool,
    reservation: Reservation,
    prompt: Prompt,
    /// The message that the thread is named after, where it has no name yet.
    untitled: Option<String>,
    /// What the client is told first.
    opening: Vec<Event>,
}

impl Engine {
    /// `threads.create`: a new thread with its first message.
    pub(super) async fn create_thread(
        &self,
        owner: &Owner,
        params: CreateThread,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        self.check_message(&params.input)?;
        let reservation = self.admit_turn(owner).await?;
        let thread_id = self.ids.mint(ids::THREAD);
        let item = match Box::pin(self.user_item(owner, params.input, &thread_id, &thread_id)).await {
            Ok(item) => item,
            Err(error) => return Err(self.refund(&reservation, error).await),
        };
        let run = self.lease(&item.item, None);
        let thread = ThreadRecord {
            id: thread_id,
            title: None,
            created_at: item.item.header().created_at,
            status: ThreadStatus::Active,
            allowed_image_domains: None,
            metadata: Object::new(),
            run: Some(run.clone()),
            retry: None,
        };
        let prompt = prompt(&self.assistant, owner, &thread.id, std::slice::from_ref(&item.item));
        let created = Event::ThreadCreated { thread: thread.clone().into_thread(Page::empty()) };
        let beginning = Beginning {
            operation: "threads.create",
            owner: owner.clone(),
            run,
            question: item.item.id().to_owned(),
            anew: false,
            reservation,
            prompt,
            untitled: Some(plain_text(&item.item)),
            opening: vec![created, Event::ItemDone { item: self.shown(owner, item.item.clone()) }, stream_options()],
            thread: thread.clone(),
        };
        let write = async { self.threads.create(owner, &thread, &item).await.map_err(BeginError::Store) };
        Box::pin(self.begin(beginning, write, on_end)).await
    }

    /// `threads.add_user_message`.
    pub(super) async fn add_user_message(
        &self,
        owner: &Owner,
        params: AddUserMessage,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        self.check_message(&params.input)?;
        let (reservation, loaded) = Box::pin(self.admit_and_load(owner, &params.thread_id)).await?;
        let last = loaded.items.last().map_or(loaded.thread.id.as_str(), |stored| stored.item.id());
        let live = loaded.live_run(self.clock.now());
        // Refused before the model is called: a page that repeats itself must not cost anything.
        if live.is_some_and(|live| live.digest == digest_of_input(&params.input)) {
            return Err(self.refund(&reservation, Error::Conflict).await);
        }
        let item = match Box::pin(self.user_item(owner, params.input, &loaded.thread.id, last)).await {
            Ok(item) => item,
            Err(error) => return Err(self.refund(&reservation, error).await),
        };
        let run = self.lease(&item.item, loaded.thread.run.as_ref());
        let seen = if live.is_none() { loaded.thread.run.as_ref().map(|run| run.id.clone()) } else { None };
        let mut items: Vec<_> = loaded.items.into_iter().map(|stored| stored.item).collect();
        items.push(item.item.clone());
        let untitled = loaded.thread.title.is_none().then(|| plain_text(&item.item));
        let beginning = Beginning {
            operation: "threads.add_user_message",
            owner: owner.clone(),
            run: run.clone(),
            question: item.item.id().to_owned(),
            anew: false,
            reservation,
            prompt: prompt(&self.assistant, owner, &loaded.thread.id, &items),
            untitled,
            opening: vec![Event::ItemDone { item: self.shown(owner, item.item.clone()) }, stream_options()],
            thread: loaded.thread,
        };
        let thread_id = beginning.thread.id.clone();
        let write = async {
            let now = self.clock.now();
            let begun = self.threads.begin_run(owner, &thread_id, &run, seen.as_deref(), Some(&item), now).await;
            if let Err(BeginError::Store(_)) = begun {
                // Whether the message was written nobody knows, and the person is told that it was not. Best effort.
                let _ = self.threads.remove_items(owner, &thread_id, &[item.item.id().to_owned()]).await;
            }
            begun
        };
        Box::pin(self.begin(beginning, write, on_end)).await
    }

    /// `threads.retry_after_item`: everything after a user message is dropped, and the message answered anew.
    pub(super) async fn retry_after_item(
        &self,
        owner: &Owner,
        params: RetryAfterItem,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        let (reservation, loaded) = Box::pin(self.admit_and_load(owner, &params.thread_id)).await?;
        let prepared = Box::pin(self.prepare_retry(owner, &params.item_id, &loaded)).await;
        let items = match prepared {
            Ok(items) => items,
            Err(error) => return Err(self.refund(&reservation, error).await),
        };
        let (run, question) = match items.last() {
            Some(question) => (self.lease(question, loaded.thread.run.as_ref()), question.id().to_owned()),
            None => return Err(self.refund(&reservation, Error::NotFound("item")).await),
        };
        // Whoever asks again is done with the run that is under way; it withdraws its items when it ends.
        let seen = loaded.thread.run.as_ref().map(|run| run.id.clone());
        let untitled = loaded.thread.title.is_none().then(|| items.last().map(plain_text)).flatten();
        let beginning = Beginning {
            operation: "threads.retry_after_item",
            owner: owner.clone(),
            run: run.clone(),
            question,
            anew: true,
            reservation,
            prompt: prompt(&self.assistant, owner, &loaded.thread.id, &items),
            untitled,
            opening: vec![stream_options()],
            thread: loaded.thread,
        };
        let thread_id = beginning.thread.id.clone();
        let (item_id, now) = (&params.item_id, self.clock.now());
        let write = self.threads.begin_retry(owner, &thread_id, &run, item_id, seen.as_deref(), now);
        Box::pin(self.begin(beginning, write, on_end)).await
    }

    /// The items up to the one that is retried.
    async fn prepare_retry(&self, owner: &Owner, item_id: &str, loaded: &Loaded) -> Result<Vec<ThreadItem>, Error> {
        let known = loaded.items.iter().position(|stored| stored.item.id() == item_id);
        let items: Vec<_> = match known {
            Some(position) => loaded.items[..=position].iter().map(|stored| stored.item.clone()).collect(),
            // Further back than a turn reads: rare, so it costs a read of its own.
            None => Box::pin(self.items_up_to(owner, &loaded.thread.id, item_id)).await?,
        };
        match items.last() {
            Some(ThreadItem::UserMessage(message)) if message.header.id == item_id => Ok(items),
            Some(item) if item.id() == item_id => {
                Err(Error::Invalid("`item_id` must name a message of the user".to_owned()))
            }
            Some(_) | None => Err(Error::NotFound("item")),
        }
    }

    async fn items_up_to(&self, owner: &Owner, thread_id: &str, item_id: &str) -> Result<Vec<ThreadItem>, Error> {
        let older =
            Paging { limit: Some(i64::from(Threads::NEWEST)), order: Order::Desc, after: Some(item_id.to_owned()) };
        let (item, older) = tokio::try_join!(
            self.threads.item(owner, thread_id, item_id),
            self.threads.items(owner, thread_id, &older)
        )?;
        let older = older.map_or_else(Vec::new, |page| page.data);
        Ok(older.into_iter().rev().chain(item).map(|stored| stored.item).collect())
    }

    async fn admit_and_load(&self, owner: &Owner, thread_id: &str) -> Result<(Reservation, Loaded), Error> {
        let (admitted, loaded) =
            tokio::join!(self.admit_turn(owner), self.threads.load(owner, thread_id, Threads::NEWEST));
        let reservation = admitted?;
        let loaded = match loaded {
            Ok(Some(loaded)) if loaded.thread.status == ThreadStatus::Active => Ok(loaded),
            Ok(Some(_)) => Err(Error::NotWritable),
            Ok(None) => Err(Error::NotFound("thread")),
            Err(error) => Err(error.into()),
        };
        match loaded {
            Ok(loaded) => Ok((reservation, loaded)),
            Err(error) => Err(self.refund(&reservation, error).await),
        }
    }

    /// Gives back what was reserved for a turn that does not happen.
    async fn refund(&self, reservation: &Reservation, error: Error) -> Error {
        self.charge(reservation, 0, error).await
    }

    /// Gives back what was reserved for a turn that was refused when the model had been called already: it may have read
    /// the prompt, and bills for that.
    async fn abandon(&self, beginning: &Beginning, error: Error) -> Error {
        self.charge(&beginning.reservation, tokens(&beginning.prompt), error).await
    }

    async fn charge(&self, reservation: &Reservation, used: u64, error: Error) -> Error {
        match self.counters.settle(reservation, used).await {
            Ok(()) => error,
            // The budget's window ends within the hour, and with it what was reserved.
            Err(settle) => {
                tracing::warn!(error = chain(&settle), "a reservation was not given back");
                error
            }
        }
    }

    /// A run that answers the message, with an id after that of the thread's last run, whatever the clocks say.
    fn lease(&self, message: &ThreadItem, last: Option<&Run>) -> Run {
        let id = match last {
            Some(last) => self.ids.mint_after(ids::RUN, &last.id),
            None => self.ids.mint(ids::RUN),
        };
        Run { id, digest: digest(message), until: self.clock.now() + LEASE }
    }

    /// Calls the model, writes what begins the turn, and lets the turn run.
    async fn begin(
        &self,
        beginning: Beginning,
        write: impl Future<Output = Result<(), BeginError>>,
        on_end: OnEnd,
    ) -> Result<UnboundedReceiver<Event>, Error> {
        let started = self.clock.now();
        let mut call = self.call(beginning.owner.clone(), beginning.prompt.clone());
        let written = match select(pin!(write), call.as_mut()).await {
            Either::Left((written, _)) => written,
            Either::Right(((), write)) => write.await,
        };
        let (events, receiver) = unbounded_channel();
        match written {
            Ok(()) => {}
            Err(BeginError::NotFound) => return Err(self.abandon(&beginning, Error::NotFound("thread")).await),
            Err(BeginError::Conflict) => return Err(self.abandon(&beginning, Error::Conflict).await),
            // Something may be written, and a client repeats what a 5xx answers; so this is a stream that failed.
            Err(BeginError::Store(cause)) => {
                let error = self.abandon(&beginning, Error::Store(cause)).await;
                let _ = events.send(messages::not_stored());
                let (model, usage) = (beginning.prompt.model, TokenUsage::default());
                on_end(TurnReport { model, usage, outcome: Outcome::Error, cause: Some(error.into()) });
                return Ok(receiver);
            }
        }
        self.launch(beginning, started, call, events, on_end);
        Ok(receiver)
    }

    fn call(&self, owner: Owner, mut prompt: Prompt) -> ModelCall {
        let (model, files) = (self.model.clone(), self.files.clone());
        let call = async move {
            if let Some(files) = files
                && let Err(error) = files.resolve(&owner, &mut prompt).await
            {
                tracing::error!(error = chain(&error), "the files of a prompt cannot be read");
                return Err(ModelError::new(ModelErrorKind::Unavailable));
            }
            model.stream(&prompt).await
        };
        Box::pin(maybe_done(call.boxed()))
    }

    fn launch(
        &self,
        beginning: Beginning,
        started: jiff::Timestamp,
        mut call: ModelCall,
        events: UnboundedSender<Event>,
        on_end: OnEnd,
    ) {
        let Beginning { operation, owner, thread, run, question, anew, reservation, prompt, untitled, opening } =
            beginning;
        for event in opening {
            let _ = events.send(event);
        }
        let model_events: ModelEvents = stream::once(async move {
            call.as_mut().await;
            call.as_mut().take_output()
        })
        .filter_map(|called| async { called })
        .try_flatten()
        .boxed();
        let place = Place {
            threads: self.threads.clone(),
            owner: owner.clone(),
            thread_id: thread.id,
            run,
            question,
            anew,
            stored: Vec::new(),
        };
        let title = untitled.map(|message| title::Title {
            model: self.model.clone(),
            assistant: self.assistant.clone(),
            threads: self.threads.clone(),
            owner: owner.clone(),
            thread_id: place.thread_id.clone(),
            message,
        });
        let turn = Turn {
            engine: self.clone(),
            owner,
            place: Some(place),
            operation,
            started,
            reservation,
            prompt_tokens: tokens(&prompt),
            model: prompt.model,
            events,
        };
        turn.launch(model_events, title, on_end);
    }
}

const fn stream_options() -> Event {
    Event::StreamOptions { stream_options: StreamOptions { allow_cancel: true } }
}

fn plain_text(item: &ThreadItem) -> String {
    let ThreadItem::UserMessage(UserMessage { content, attachments, .. }) = item else { return String::new() };
    let parts = content.iter().map(|part| match part {
        UserContent::InputText { text } | UserContent::InputTag { text, .. } => text.as_str(),
    });
    let text = parts.collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        return attachments.iter().map(|attachment| attachment.name.as_str()).collect::<Vec<_>>().join(" ");
    }
    text
}
