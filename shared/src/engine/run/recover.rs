//! Ends a run whose process has died: what came of it is stored, what it held is settled, its lease ends. Every step
//! may be repeated, by the same process or by another one, so whoever comes first does it, and whoever comes next
//! finishes what the first has not.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::engine::answer::interrupted;
use crate::engine::prompt::prompt;
use crate::engine::prompt_size::max_prompt_tokens;
use crate::engine::{Engine, Outcome, public_messages, task};
use crate::identity::{Identity, Owner};
use crate::ids;
use crate::store::{
    ItemPosition, Loaded, OpenItem, Reservation, RunRecord, RunSnapshot, StoreError, StoredItem, UsageRecord,
};
use crate::telemetry::chain;

/// A run that has given no sign of life for so long is dead.
pub(super) const DEAD_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// A turn that was admitted so long ago and has begun no run never will.
const ADMITTED_FOR_NOTHING_AFTER: SignedDuration = SignedDuration::from_mins(1);

/// A turn outside of threads that was admitted so long ago is over: no turn lasts longer.
const OVER_AFTER: SignedDuration = SignedDuration::from_mins(16);

/// The newest items of a thread among which those of a run are looked for.
pub(super) const ITEMS_OF_RUN: u32 = 100;

/// A client may have seen more events than the record of a run that died: what is added at its end is numbered so much
/// higher.
const BEYOND_WHAT_A_CLIENT_HAS: u64 = 1_000_000;

/// How many turns of one user are looked at when another one is admitted.
const MAX_OPEN_TURNS: usize = 8;

/// How long a person waits for what is recovered before an admission.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Whether a run is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RunState {
    Live,
    /// It is over; if its process has died, everything of it is stored and settled by now.
    Ended,
}

/// What is known of a run that does not run in this process.
pub(super) struct KnownRun {
    pub(super) loaded: Loaded,
    pub(super) record: Option<RunRecord>,
}

impl KnownRun {
    pub(super) fn final_item(&self, run_id: &str) -> Option<&StoredItem> {
        self.loaded.items.iter().find(|stored| stored.ends_run.as_deref() == Some(run_id))
    }

    fn is_on_head(&self, run_id: &str) -> bool {
        self.loaded.thread.run.as_ref().is_some_and(|run| run.id == run_id)
    }

    /// Whether the thread knows of the run at all.
    pub(super) fn exists(&self, run_id: &str) -> bool {
        self.record.is_some()
            || self.is_on_head(run_id)
            || self.loaded.items.iter().any(|stored| stored.is_of(run_id) || stored.ends_run.as_deref() == Some(run_id))
    }

    /// The run of a turn, if the thread's items know of it.
    fn run_of_turn(&self, turn_id: &str) -> Option<String> {
        let mut runs = self.loaded.items.iter().filter_map(|stored| Some(&stored.position.as_ref()?.run_id));
        runs.find(|run_id| ids::is_run_of(run_id, turn_id)).cloned()
    }

    pub(super) fn is_ended(&self, run_id: &str) -> bool {
        let is_recorded = self.record.as_ref().map_or(!self.is_on_head(run_id), |record| record.ended);
        is_recorded || self.final_item(run_id).is_some()
    }

    /// Ended, or without a sign of life for too long.
    pub(super) fn is_over(&self, run_id: &str, now: Timestamp) -> bool {
        self.is_ended(run_id) || self.is_silent(run_id, now)
    }

    /// Without a sign of life for too long. A run that an item has ended may still wait for its title, and then settles
    /// itself.
    fn is_silent(&self, run_id: &str, now: Timestamp) -> bool {
        let alive_at = self.record.as_ref().map_or_else(|| began_at(run_id), |record| record.alive_at);
        now >= alive_at + DEAD_AFTER
    }
}

impl Engine {
    pub(super) async fn known_run(
        &self,
        owner: &Owner,
        thread_id: &str,
        run_id: &str,
    ) -> Result<Option<KnownRun>, StoreError> {
        let (loaded, record) = tokio::try_join!(
            self.store.threads.load_now(owner, thread_id, ITEMS_OF_RUN),
            self.store.runs.record(owner, thread_id, run_id)
        )?;
        Ok(loaded.map(|loaded| KnownRun { loaded, record }))
    }

    /// Whether a run is under way. If its process has died, it is ended here.
    pub(super) async fn run_state(&self, owner: &Owner, thread_id: &str, run_id: &str) -> Result<RunState, StoreError> {
        if self.live_runs.contains(owner, thread_id, run_id) {
            return Ok(RunState::Live);
        }
        let Some(known) = self.known_run(owner, thread_id, run_id).await? else { return Ok(RunState::Ended) };
        if !known.is_over(run_id, self.clock.now()) {
            return Ok(RunState::Live);
        }
        // Where an item has ended it, its own process settles it, or whoever admits the next turn.
        if known.final_item(run_id).is_none() && (known.is_on_head(run_id) || !known.is_ended(run_id)) {
            self.recover(owner, run_id, known).await?;
        }
        Ok(RunState::Ended)
    }

    /// The thread as it is now, once a run whose process has died is ended; the same if there is none.
    pub(in crate::engine) async fn free_of_dead_run(
        &self,
        owner: &Owner,
        loaded: Loaded,
    ) -> Result<Loaded, StoreError> {
        let thread_id = loaded.thread.id.clone();
        let open = loaded.open_run().filter(|run| self.clock.now() >= began_at(&run.id) + DEAD_AFTER);
        let Some(run_id) = open.map(|run| run.id.clone()) else { return Ok(loaded) };
        match self.run_state(owner, &thread_id, &run_id).await? {
            RunState::Live => Ok(loaded),
            RunState::Ended => Ok(self.load_now(owner, &thread_id).await?.unwrap_or(loaded)),
        }
    }

    /// Whether a run was ended because its process had died.
    pub(in crate::engine) async fn has_died(
        &self,
        owner: &Owner,
        thread_id: &str,
        run_id: &str,
    ) -> Result<bool, StoreError> {
        let record = self.store.runs.record(owner, thread_id, run_id).await?;
        Ok(record.is_some_and(|record| record.has_died))
    }

    /// Recovers the turns of a user whose processes have died, because their tokens are in the way; whether there were
    /// any.
    pub(in crate::engine) async fn recover_open_turns(&self, owner: &Owner) -> bool {
        let recovered = async {
            let mut has_recovered = false;
            for turn in self.store.budgets.open_turns(owner).await? {
                has_recovered |= self.recover_turn(owner, turn).await?;
            }
            Ok::<_, StoreError>(has_recovered)
        };
        match tokio::time::timeout(MAX_WAIT, recovered).await {
            Ok(Ok(has_recovered)) => has_recovered,
            Ok(Err(error)) => {
                tracing::warn!(error = chain(&error), "could not recover the turns that hold a user's tokens");
                false
            }
            Err(_) => false,
        }
    }

    /// Looks, beside a turn that was admitted, whether the user's other turns are still alive.
    pub(in crate::engine) fn recover_beside(&self, owner: &Owner, open_turns: Vec<Reservation>) {
        let now = self.clock.now();
        let silent: Vec<_> = open_turns.into_iter().filter(|turn| now >= admitted_at(turn) + DEAD_AFTER).collect();
        if silent.is_empty() {
            return;
        }
        let (engine, owner) = (self.clone(), owner.clone());
        drop(task::spawn_detached(async move {
            for turn in silent.into_iter().take(MAX_OPEN_TURNS) {
                if let Err(error) = engine.recover_turn(&owner, turn).await {
                    tracing::warn!(error = chain(&error), "could not recover a turn whose process has died");
                }
            }
        }));
    }

    /// Settles a turn if its process has died; whether it had.
    async fn recover_turn(&self, owner: &Owner, turn: Reservation) -> Result<bool, StoreError> {
        let age = self.clock.now().duration_since(admitted_at(&turn));
        let Some(thread_id) = turn.thread_id.clone() else {
            // Nothing tells what it has used: what it held counts as used.
            return if age < OVER_AFTER { Ok(false) } else { self.store.budgets.settle(&turn, turn.tokens()).await };
        };
        if age < DEAD_AFTER {
            return Ok(false);
        }
        let (record, head) = tokio::try_join!(
            self.store.runs.of_turn(owner, &thread_id, &turn.id),
            self.store.threads.head(owner, &thread_id)
        )?;
        let on_head = head.and_then(|head| head.run).filter(|run| run.turn_id.as_deref() == Some(&*turn.id));
        let run_id = record.map(|record| record.id).or(on_head.map(|run| run.id));
        let mut run_id = run_id.unwrap_or_else(|| format!("{}_{}", ids::RUN, turn.id));
        let known = self.known_run(owner, &thread_id, &run_id).await?;
        if let Some(known) = known.as_ref().filter(|known| !known.exists(&run_id)) {
            run_id = known.run_of_turn(&turn.id).unwrap_or(run_id);
        }
        if self.live_runs.contains(owner, &thread_id, &run_id) {
            return Ok(false);
        }
        match known {
            Some(known) if known.exists(&run_id) => {
                if !known.is_silent(&run_id, self.clock.now()) {
                    return Ok(false);
                }
                self.recover(owner, &run_id, known).await?;
                Ok(true)
            }
            Some(_) | None if age < ADMITTED_FOR_NOTHING_AFTER => Ok(false),
            Some(_) | None => {
                // The thread may have been deleted since.
                let id = format!("{}_{}", ids::REQUEST, turn.id);
                let used = self.store.usage.tokens_of(owner.tenant(), admitted_at(&turn), &id).await?;
                self.store.budgets.settle(&turn, used).await
            }
        }
    }

    /// Stores what came of a run that is over, settles it and ends its lease.
    async fn recover(&self, owner: &Owner, run_id: &str, known: KnownRun) -> Result<(), StoreError> {
        let thread_id = known.loaded.thread.id.clone();
        let record = known.record.clone().unwrap_or_else(|| self.short_run(owner, run_id, &known.loaded));
        let final_item = known.final_item(run_id);
        if final_item.is_none() && !self.store_interrupted(owner, &thread_id, &record, &known.loaded).await? {
            return Ok(());
        }
        let (used, outcome) = match final_item {
            Some(item) => (item.used.unwrap_or_default(), Outcome::Ok),
            None => (record.used, Outcome::Incomplete),
        };
        let turn_id = record.turn_id.as_deref();
        let is_its_turn = |turn: &Reservation| turn_id == Some(&*turn.id) || ids::is_run_of(run_id, &turn.id);
        let open_turns = self.store.budgets.open_turns(owner).await?;
        if let Some(turn) = open_turns.into_iter().find(is_its_turn) {
            let model = &self.assistant.model;
            let usage = UsageRecord {
                id: format!("{}_{}", ids::REQUEST, turn.id),
                thread_id: Some(thread_id.clone()),
                ..self.usage_record(owner, &record.operation, model, began_at(run_id), outcome, used)
            };
            self.store.usage.record(&usage, self.limits.usage_retention_days).await?;
            self.store.budgets.settle(&turn, used.total()).await?;
        }
        tracing::warn!(run = run_id, "a run was ended whose process had died");
        self.store.runs.end(owner, &thread_id, run_id).await
    }

    /// Stores the open items of a run that has died, and leaves its last word for followers; false if it is alive after
    /// all.
    async fn store_interrupted(
        &self,
        owner: &Owner,
        thread_id: &str,
        record: &RunRecord,
        loaded: &Loaded,
    ) -> Result<bool, StoreError> {
        // What was complete after the last sign of life is stored already, and more than a part of it.
        let is_own = |position: &ItemPosition| position.seq < BEYOND_WHAT_A_CLIENT_HAS;
        let complete = loaded.items.iter().filter(|stored| stored.position.as_ref().is_some_and(is_own));
        let complete: Vec<_> = complete.map(|stored| stored.item.id()).collect();
        let is_complete = |open: &OpenItem| complete.contains(&open.item.id());
        let is_retried = loaded.thread.is_retried(&record.question_id, &record.id);
        let open = record.snapshot.open.iter().filter(|open| !is_retried && !is_complete(open));
        let parts: Vec<_> = open.filter_map(|open| interrupted(open.item.clone())).collect();
        let added = BEYOND_WHAT_A_CLIENT_HAS + parts.len() as u64 + 1;
        let mut record = record.clone();
        if record.ended {
            record.snapshot.seq = record.snapshot.seq.saturating_sub(added);
        } else {
            let seq = record.snapshot.seq + added;
            let mut last = record.clone();
            last.snapshot.seq = seq;
            // Whoever follows tells it in the language of its person.
            let interrupted = public_messages::interrupted().to_event(&Identity::of(owner.clone()));
            last.snapshot.events.push((seq, interrupted));
            if !self.store.runs.finish(owner, thread_id, &last, Some(record.alive_at)).await? {
                return Ok(false);
            }
        }
        let is_retry = record.operation == "threads.retry_after_item";
        let mut replaces = is_retry && !loaded.items.iter().any(|stored| stored.is_of(&record.id));
        let count = parts.len();
        let first = record.snapshot.seq + BEYOND_WHAT_A_CLIENT_HAS + 1;
        for (item, seq) in parts.into_iter().zip(first..) {
            let is_last = seq + 1 == first + count as u64;
            let stored = StoredItem {
                position: Some(ItemPosition { run_id: record.id.clone(), seq, is_replaced: false }),
                ends_run: is_last.then(|| record.id.clone()),
                used: is_last.then_some(record.used),
                ..StoredItem::new(item)
            };
            if replaces {
                let (question_id, run_id) = (&record.question_id, &record.id);
                let replaced = self.store.items.end_of_thread(owner, thread_id, question_id, run_id).await?;
                if let Err(error) = self.remove_files(owner, &replaced.files).await {
                    tracing::error!(error = chain(&error), "could not remove the files of replaced items");
                }
                self.store.items.put_in_place(owner, thread_id, &stored, replaced).await?;
                replaces = false;
            } else {
                self.store.items.put(owner, thread_id, &stored).await?;
            }
        }
        Ok(true)
    }

    /// What is known of a run that died before it had a record. The model may have read the prompt.
    fn short_run(&self, owner: &Owner, run_id: &str, loaded: &Loaded) -> RunRecord {
        let head = loaded.thread.run.as_ref().filter(|run| run.id == run_id);
        let question_id = head.map(|run| run.question_id.clone()).unwrap_or_default();
        let read = loaded.items.iter().take_while(|stored| {
            ids::sort_key(stored.item.id()) <= ids::sort_key(&question_id) && !stored.is_of(run_id)
                || stored.item.id() == question_id
        });
        let read: Vec<_> = read.cloned().collect();
        let identity = Identity::of(owner.clone());
        let prompt = prompt(&self.assistant, &identity, &loaded.thread.id, &self.history(read, false));
        let input = max_prompt_tokens(&prompt);
        let seqs = loaded.items.iter().filter(|stored| stored.is_of(run_id));
        let seq = seqs.filter_map(|stored| stored.position.as_ref()).map(|position| position.seq).max();
        RunRecord {
            id: run_id.to_owned(),
            alive_at: began_at(run_id),
            ended: false,
            has_died: false,
            operation: head.map(|run| run.operation.clone()).unwrap_or_default(),
            question_id,
            // None where another run has taken the thread over: its id tells.
            turn_id: head.and_then(|run| run.turn_id.clone()),
            used: self.prices.upper_bound(&prompt.model, input, 0),
            snapshot: RunSnapshot { seq: seq.unwrap_or_default(), ..RunSnapshot::default() },
        }
    }
}

/// When a run began, according to its id.
pub(super) fn began_at(run_id: &str) -> Timestamp {
    let milliseconds = ids::milliseconds(run_id).and_then(|milliseconds| i64::try_from(milliseconds).ok());
    milliseconds.and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok()).unwrap_or_default()
}

fn admitted_at(turn: &Reservation) -> Timestamp {
    began_at(&format!("{}_{}", ids::RUN, turn.id))
}
