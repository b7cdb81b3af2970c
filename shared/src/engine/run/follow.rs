//! Follows a run, here or in another process; stops it; shows it in the middle.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::sleep;

use super::catch_up::catch_up;
use super::position::Position;
use super::recover::{DEAD_AFTER, ITEMS_OF_RUN, RunState, began_at};
use super::stream::{Events, RunEvent};
use crate::engine::turn::stream_options;
use crate::engine::{Engine, Error, Failure, public_messages, task};
use crate::identity::{Identity, Owner};
use crate::ids;
use crate::protocol::{Event, Page, ThreadItem};
use crate::store::{RunSnapshot, StoreError, StoredItem, ThreadRecord};

/// From one look at a run in another process to the next.
const LOOK_INTERVAL: SignedDuration = SignedDuration::from_secs(1);
/// So many looks in a row may fail before the client is told.
const MAX_FAILED_LOOKS: u32 = 10;

/// How often a thread that is being created is looked for, and the pause between two looks.
const CREATION_ATTEMPTS: u32 = 20;
const CREATION_PAUSE: Duration = Duration::from_millis(100);

/// Somebody who follows a run.
struct Follower {
    engine: Engine,
    identity: Identity,
    /// What the client has.
    position: Position,
    has_options: bool,
    events: UnboundedSender<Box<RunEvent>>,
}

/// Why following ends early.
enum Stopped {
    /// The client has left.
    Left,
    /// The client is told.
    Failed(Failure),
}

impl Engine {
    /// Goes on with a run from where a client is: live, or with what it lacks and how the run ended. Starts nothing.
    ///
    /// # Errors
    /// Where the run does not exist, or is another user's.
    pub async fn resume(&self, identity: &Identity, position: Position) -> Result<Events, Error> {
        let owner = &identity.owner;
        let user = self.for_user(identity).await?;
        user.admit_request(identity).await?;
        if !self.live_runs.contains(owner, &position.thread_id, &position.run_id) {
            let known = user.known_run(owner, &position.thread_id, &position.run_id).await?;
            if !known.is_some_and(|known| known.exists(&position.run_id)) {
                return Err(Error::NotFound("thread"));
            }
        }
        Ok(user.spawn_follower(identity, position, None))
    }

    /// Follows the run of a thread from its beginning; none if no run is under way.
    ///
    /// # Errors
    /// Where there is no such thread.
    pub async fn follow(&self, identity: &Identity, thread_id: &str) -> Result<Option<Events>, Error> {
        let user = self.for_user(identity).await?;
        user.admit_request(identity).await?;
        user.join(identity, thread_id).await
    }

    /// Stops the run of a thread, wherever it runs, within some three seconds: the model is asked no more, no further
    /// tool is called, and what came is stored. Where no run is under way nothing happens.
    ///
    /// # Errors
    /// Where there is no such thread.
    pub async fn stop(&self, identity: &Identity, thread_id: &str) -> Result<(), Error> {
        let owner = &identity.owner;
        self.for_user(identity).await?.admit_request(identity).await?;
        let loaded = self.load_now(owner, thread_id).await?.ok_or(Error::NotFound("thread"))?;
        let mut to_stop = Vec::new();
        if let Some(run) = loaded.open_run()
            && (self.live_runs.contains(owner, thread_id, &run.id)
                || self.run_state(owner, thread_id, &run.id).await? == RunState::Live)
        {
            to_stop.push(run.id.clone());
        }
        // The head names neither an action, which has no lease, nor a run whose lease another one has taken.
        let now = self.clock.now();
        let records = self.store.runs.newest(owner, thread_id).await?.into_iter();
        let recorded = records.filter(|run| !run.ended && now < run.alive_at + DEAD_AFTER).map(|run| run.id);
        to_stop.extend(recorded);
        let has_ended = |run_id: &str| loaded.items.iter().any(|stored| stored.ends_run.as_deref() == Some(run_id));
        let named = loaded.items.iter().filter_map(|stored| Some(&stored.position.as_ref()?.run_id));
        to_stop.extend(named.filter(|run_id| now < began_at(run_id) + DEAD_AFTER).cloned());
        to_stop.retain(|run_id| !has_ended(run_id));
        to_stop.sort_unstable();
        to_stop.dedup();
        for run_id in to_stop {
            if !self.live_runs.stop(owner, &run_id) {
                self.store.runs.ask_to_stop(owner, thread_id, &run_id, now).await?;
            }
        }
        Ok(())
    }

    /// As [`Engine::follow`], for a request that turns out to be a repetition.
    pub(in crate::engine) async fn join(&self, identity: &Identity, thread_id: &str) -> Result<Option<Events>, Error> {
        let Some(run_id) = self.open_run(&identity.owner, thread_id).await? else { return Ok(None) };
        self.join_run(identity, thread_id, &run_id).await
    }

    /// Follows the run of a thread that is being created, from the event that announces it; none if the run is over.
    pub(in crate::engine) async fn join_new_thread(
        &self,
        identity: &Identity,
        thread_id: &str,
    ) -> Result<Option<Events>, Error> {
        let owner = &identity.owner;
        for _ in 0..CREATION_ATTEMPTS {
            let Some(loaded) = self.load_now(owner, thread_id).await? else {
                sleep(CREATION_PAUSE).await;
                continue;
            };
            let Some(run_id) = loaded.open_run().map(|run| run.id.clone()) else { return Ok(None) };
            if self.run_state(owner, thread_id, &run_id).await? == RunState::Ended {
                return Ok(None);
            }
            let created = Event::ThreadCreated { thread: loaded.thread.into_thread(Page::empty()) };
            return Ok(Some(self.spawn_follower(identity, Position::start(thread_id, &run_id), Some(created))));
        }
        Ok(None)
    }

    /// Follows a run from its beginning; none if it is over.
    pub(in crate::engine) async fn join_run(
        &self,
        identity: &Identity,
        thread_id: &str,
        run_id: &str,
    ) -> Result<Option<Events>, Error> {
        match self.run_state(&identity.owner, thread_id, run_id).await? {
            RunState::Live => Ok(Some(self.spawn_follower(identity, Position::start(thread_id, run_id), None))),
            RunState::Ended => Ok(None),
        }
    }

    /// The run of the thread's head, unless an item has ended it.
    async fn open_run(&self, owner: &Owner, thread_id: &str) -> Result<Option<String>, Error> {
        let loaded = self.load_now(owner, thread_id).await?.ok_or(Error::NotFound("thread"))?;
        Ok(loaded.open_run().map(|run| run.id.clone()))
    }

    /// Adds to the newest items of a thread those that its run is making, and leaves out those that a retry is about to
    /// replace. False if the run has just turned out to be over, and the items have to be read again.
    pub(in crate::engine) async fn add_open_items(
        &self,
        owner: &Owner,
        thread: &ThreadRecord,
        items: &mut Vec<StoredItem>,
    ) -> Result<bool, StoreError> {
        let Some(run) = &thread.run else { return Ok(true) };
        if items.iter().any(|stored| stored.ends_run.as_ref() == Some(&run.id)) {
            return Ok(true);
        }
        let snapshot = match self.live_runs.follow(owner, &run.id).await {
            Some((snapshot, _)) => snapshot,
            None => match self.run_state(owner, &thread.id, &run.id).await? {
                RunState::Ended => return Ok(false),
                RunState::Live => {
                    let record = self.store.runs.record(owner, &thread.id, &run.id).await?;
                    record.map(|record| record.snapshot).unwrap_or_default()
                }
            },
        };
        let is_retry = thread.retries.iter().any(|retry| retry.run == run.id);
        if is_retry && !items.iter().any(|stored| stored.is_of(&run.id)) {
            let (question, began) = (ids::sort_key(&run.question_id), ids::sort_key(&run.id));
            items.retain(|stored| {
                let key = ids::sort_key(stored.item.id());
                key <= question || key >= began
            });
        }
        let open = snapshot.open.into_iter().map(|open| StoredItem::new(open.item));
        for open in open.collect::<Vec<_>>() {
            if !items.iter().any(|stored| stored.item.id() == open.item.id()) {
                items.push(open);
            }
        }
        Ok(true)
    }

    fn spawn_follower(&self, identity: &Identity, position: Position, first: Option<Event>) -> Events {
        let (events, receiver) = unbounded_channel();
        let mut follower =
            Follower { engine: self.clone(), identity: identity.clone(), position, has_options: false, events };
        drop(task::spawn_detached(async move {
            let followed = match first.map_or(Ok(()), |event| follower.send(event)) {
                Ok(()) => follower.follow().await,
                Err(stopped) => Err(stopped),
            };
            if let Err(Stopped::Failed(failure)) = followed {
                tracing::error!(error = crate::telemetry::chain(&failure), "could not follow a run");
                let _ = follower.send(public_messages::failed(&failure).to_event(&follower.identity));
            }
        }));
        receiver
    }
}

impl Follower {
    async fn follow(&mut self) -> Result<(), Stopped> {
        let Position { run_id, .. } = self.position.clone();
        match self.engine.live_runs.follow(&self.identity.owner, &run_id).await {
            Some((snapshot, events)) => self.follow_here(&snapshot, events).await,
            None => self.follow_elsewhere(&run_id).await,
        }
    }

    async fn follow_here(&mut self, snapshot: &RunSnapshot, mut events: Events) -> Result<(), Stopped> {
        let Position { thread_id, .. } = &self.position;
        let loaded = self.engine.store.threads.load_now(&self.identity.owner, thread_id, ITEMS_OF_RUN).await?;
        match loaded {
            Some(loaded) => self.catch_up(&loaded.items, snapshot, false, title(loaded.thread))?,
            None => self.send_options()?,
        }
        while let Some(event) = events.recv().await {
            if event.position.as_ref().is_none_or(|position| position.seq > snapshot.seq) {
                self.events.send(event).map_err(|_| Stopped::Left)?;
            }
        }
        Ok(())
    }

    async fn follow_elsewhere(&mut self, run_id: &str) -> Result<(), Stopped> {
        let mut failures = 0;
        loop {
            match self.look(run_id).await {
                Ok(RunState::Ended) => return Ok(()),
                Ok(RunState::Live) => failures = 0,
                // The run goes on, whether or not this look at it was possible.
                Err(Stopped::Failed(_)) if failures < MAX_FAILED_LOOKS => failures += 1,
                Err(stopped) => return Err(stopped),
            }
            let clock = &self.engine.clock;
            tokio::select! {
                () = clock.sleep_until(clock.now() + LOOK_INTERVAL) => {}
                () = self.events.closed() => return Err(Stopped::Left),
            }
        }
    }

    /// Sends what a run in another process has made since the last look.
    async fn look(&mut self, run_id: &str) -> Result<RunState, Stopped> {
        let (engine, owner, thread_id) = (&self.engine, &self.identity.owner, self.position.thread_id.clone());
        let mut known = engine.known_run(owner, &thread_id, run_id).await?;
        let has_just_died =
            known.as_ref().is_some_and(|known| !known.is_ended(run_id) && known.is_over(run_id, engine.clock.now()));
        if has_just_died {
            engine.run_state(owner, &thread_id, run_id).await?;
            known = engine.known_run(owner, &thread_id, run_id).await?;
        }
        let Some(known) = known else { return Ok(RunState::Ended) };
        let is_ended = known.is_ended(run_id);
        let has_died = known.record.as_ref().is_some_and(|record| record.has_died);
        let mut snapshot = known.record.map(|record| record.snapshot).unwrap_or_default();
        if let (true, Some((_, last_word))) = (has_died, snapshot.events.last_mut()) {
            *last_word = public_messages::interrupted().to_event(&self.identity);
        }
        let title = if is_ended { title(known.loaded.thread) } else { None };
        self.catch_up(&known.loaded.items, &snapshot, is_ended, title)?;
        Ok(if is_ended { RunState::Ended } else { RunState::Live })
    }

    /// Sends what the client lacks of what is known. Its title comes early, since the last word may be an error.
    fn catch_up(
        &mut self,
        items: &[StoredItem],
        snapshot: &RunSnapshot,
        is_ended: bool,
        title: Option<Event>,
    ) -> Result<(), Stopped> {
        let mut lacking = catch_up(&self.position, items, snapshot, is_ended);
        let is_question = |sent: &RunEvent| matches!(sent.event, Event::ItemDone { item: ThreadItem::UserMessage(_) });
        let rest = lacking.split_off(lacking.iter().take_while(|sent| is_question(sent)).count());
        self.send_all(lacking)?;
        self.send_options()?;
        if let Some(title) = title {
            self.send(title)?;
        }
        self.send_all(rest)?;
        // A client that comes from the run's own process may have more than the run's record.
        if snapshot.seq > self.position.seq {
            let open = snapshot.open.iter().rev().find_map(|open| match &open.item {
                ThreadItem::AssistantMessage(message) => {
                    Some(message.content.iter().map(|part| part.text.chars().count() as u64).sum())
                }
                _ => None,
            });
            self.position = self.position.at(snapshot.seq, open.unwrap_or_default());
        }
        Ok(())
    }

    fn with_file_urls(&self, event: Event) -> Event {
        let shown = |item| self.engine.with_file_urls(&self.identity.owner, item);
        match event {
            Event::ItemAdded { item } => Event::ItemAdded { item: shown(item) },
            Event::ItemDone { item } => Event::ItemDone { item: shown(item) },
            Event::ItemReplaced { item } => Event::ItemReplaced { item: shown(item) },
            other => other,
        }
    }

    fn send_all(&mut self, events: Vec<RunEvent>) -> Result<(), Stopped> {
        for RunEvent { position, event } in events {
            let event = self.with_file_urls(event);
            self.position = position.clone().unwrap_or_else(|| self.position.clone());
            self.events.send(Box::new(RunEvent { position, event })).map_err(|_| Stopped::Left)?;
        }
        Ok(())
    }

    /// Once, after the user's message: where the run itself sent them.
    fn send_options(&mut self) -> Result<(), Stopped> {
        if std::mem::replace(&mut self.has_options, true) { Ok(()) } else { self.send(stream_options()) }
    }

    fn send(&self, event: Event) -> Result<(), Stopped> {
        let event = Box::new(RunEvent { position: Some(self.position.clone()), event });
        self.events.send(event).map_err(|_| Stopped::Left)
    }
}

/// The title may have come while the client was away.
fn title(thread: ThreadRecord) -> Option<Event> {
    thread.title.is_some().then(|| Event::ThreadUpdated { thread: thread.into_thread(Page::empty()) })
}

impl From<StoreError> for Stopped {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}
