//! What happens beside a turn: its signs of life, the look whether somebody wants it to stop, and those who join it.

use std::time::Duration;

use futures_util::future::OptionFuture;
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;

use super::{Turn, TurnEnd, Writer};
use crate::clock::Clock;
use crate::engine::run::{Command, Registration};
use crate::engine::{Outcome, task};
use crate::protocol::Event;
use crate::store::{RunRecord, RunWish, StoreError};
use crate::telemetry::chain;

/// A turn that is over before that leaves no record of its run.
const FIRST_BEAT_AFTER: Duration = Duration::from_secs(2);

/// From one look whether the turn shall stop to the next. Each second look is a sign of life, which costs a write.
const LOOK_INTERVAL: Duration = Duration::from_millis(2_500);

/// What a turn in a thread has to do with others.
pub(super) struct Life {
    clock: Clock,
    commands: UnboundedReceiver<Command>,
    _registration: Registration,
    next_look: Timestamp,
    looks: u32,
    look: Option<JoinHandle<Result<RunWish, StoreError>>>,
    /// The number of the last event that the sign of life under way has; none where it is only a look.
    beat_seq: Option<u64>,
    /// Whether the store has a record of the run.
    pub(super) has_record: bool,
    pub(super) wish: RunWish,
}

enum Happening {
    Command(Command),
    LookIsDue,
    Looked(Option<RunWish>),
}

impl Life {
    pub(super) fn new(clock: Clock, (registration, commands): (Registration, UnboundedReceiver<Command>)) -> Self {
        let next_look = clock.now() + FIRST_BEAT_AFTER;
        let (look, beat_seq, has_record, wish) = (None, None, false, RunWish::GoOn);
        Self { clock, commands, _registration: registration, next_look, looks: 0, look, beat_seq, has_record, wish }
    }

    /// The turn goes on under another run.
    pub(super) fn continue_as(&mut self, (registration, commands): (Registration, UnboundedReceiver<Command>)) {
        (self._registration, self.commands, self.has_record) = (registration, commands, false);
    }

    /// May be dropped at any time without losing anything.
    async fn next(&mut self) -> Happening {
        let is_looking = self.look.is_some();
        let look = async {
            match &mut self.look {
                Some(look) => look.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(command) = self.commands.recv() => Happening::Command(command),
            looked = look => {
                self.look = None;
                match looked {
                    Ok(Ok(wish)) => Happening::Looked(Some(wish)),
                    Ok(Err(error)) => {
                        tracing::warn!(error = chain(&error), "a running turn could not give a sign of life");
                        Happening::Looked(None)
                    }
                    Err(_) => Happening::Looked(None),
                }
            }
            () = self.clock.sleep_until(self.next_look), if !is_looking => Happening::LookIsDue,
        }
    }
}

impl Turn {
    /// Takes care of what happens beside the turn, a title and a summary that are being made among it. May be dropped
    /// at any time.
    pub(super) async fn beside(&mut self) {
        let title = OptionFuture::from(self.title.as_mut().map(|title| &mut title.made));
        let happening = OptionFuture::from(self.life.as_mut().map(Life::next));
        let summary = OptionFuture::from(self.summary.as_mut().map(|summary| &mut summary.made));
        let happening = tokio::select! {
            Some((item_id, used)) = summary => {
                self.summary = None;
                return self.summary_made(item_id, used);
            }
            Some((thread, used)) = title => {
                self.title = None;
                return self.title_made(thread, used);
            }
            Some(happening) = happening => happening,
            else => std::future::pending().await,
        };
        let Some(life) = &mut self.life else { return };
        match happening {
            Happening::Command(command) => self.obey(command),
            Happening::LookIsDue => self.look(),
            Happening::Looked(None) => {}
            Happening::Looked(Some(wish)) => {
                if let Some(seq) = life.beat_seq.take() {
                    life.has_record = true;
                    self.stream.recorded(seq);
                }
                if life.wish == RunWish::GoOn || wish == RunWish::Ended {
                    life.wish = wish;
                }
            }
        }
    }

    /// Whether somebody wants the turn to stop, as far as that has reached this process.
    pub(super) fn shall_stop(&mut self) -> bool {
        while let Some(command) = self.life.as_mut().and_then(|life| life.commands.try_recv().ok()) {
            self.obey(command);
        }
        self.life.as_ref().is_some_and(|life| life.wish != RunWish::GoOn)
    }

    /// Whether another process took the turn for dead and has ended it: nothing more of it may be stored.
    pub(super) fn is_ended_elsewhere(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.wish == RunWish::Ended)
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Follow(reply) => {
                let snapshot = self.stream.snapshot(self.answer.open_items());
                // Whoever has asked may have left.
                let _ = reply.send((snapshot, self.stream.subscribe()));
            }
            Command::Stop => {
                if let Some(life) = self.life.as_mut().filter(|life| life.wish == RunWish::GoOn) {
                    life.wish = RunWish::Stop;
                }
            }
        }
    }

    fn look(&mut self) {
        let record = self.run_record();
        let (Some(life), Some(writer), Some(record)) = (&mut self.life, self.writer.thread(), record) else { return };
        let (store, owner, thread_id) = (writer.store.clone(), writer.owner.clone(), writer.thread_id.clone());
        life.next_look = life.clock.now() + LOOK_INTERVAL;
        let is_beat = life.looks.is_multiple_of(2);
        life.looks += 1;
        life.beat_seq = is_beat.then_some(record.snapshot.seq);
        life.look = Some(task::spawn_detached(async move {
            match is_beat {
                true => store.runs.beat(&owner, &thread_id, &record).await,
                false => store.runs.wish(&owner, &thread_id, &record.id).await,
            }
        }));
    }

    /// What is to be known of the run in other processes; none where there is no thread.
    fn run_record(&self) -> Option<RunRecord> {
        let writer = self.writer.thread()?;
        let mut used = self.usage;
        used += self.billed_round_usage();
        Some(RunRecord {
            id: writer.run.id.clone(),
            alive_at: self.engine.clock.now(),
            ended: false,
            has_died: false,
            operation: self.operation.to_owned(),
            question_id: writer.question_id.clone(),
            turn_id: self.admitted.as_ref().and_then(|admitted| admitted.turn_id().map(ToOwned::to_owned)),
            used,
            snapshot: self.stream.snapshot(self.answer.open_items()),
        })
    }

    /// Gives the first sign of life of a run that is to be found from its beginning.
    pub(in crate::engine) async fn record_begin(&mut self) -> Result<(), StoreError> {
        let record = self.run_record();
        let (Writer::Thread(writer), Some(record)) = (&mut self.writer, record) else { return Ok(()) };
        writer.store.runs.beat(&writer.owner, &writer.thread_id, &record).await.map(|_| ())
    }

    /// Leaves for followers what no stored item shows: the last word, effects on the page, that there was nothing.
    pub(super) async fn record_end(&mut self, last_word: Option<&Event>, ended_with_item: bool) {
        let record = self.run_record();
        let (Some(life), Some(mut record)) = (&mut self.life, record) else { return };
        if let Some(look) = life.look.take() {
            // Its write must not follow this one's.
            let _ = look.await;
        }
        let is_known_to_end = ended_with_item || !(life.has_record || self.is_action);
        if is_known_to_end && last_word.is_none() && !self.stream.has_unrecorded() {
            return;
        }
        let next = record.snapshot.seq + 1;
        record.snapshot.events.extend(last_word.map(|event| (next, event.clone())));
        record.snapshot.seq = next;
        let Some(writer) = self.writer.thread() else { return };
        if let Err(error) = writer.store.runs.finish(&writer.owner, &writer.thread_id, &record, None).await {
            tracing::warn!(error = chain(&error), "could not record how a turn has ended");
        }
    }
}

impl TurnEnd {
    /// The person has stopped it, and needs to be told nothing.
    pub(super) const fn stopped() -> Self {
        Self { outcome: Outcome::Incomplete, failure: None, closing_notice: None }
    }
}
