//! The record of a run that lasts: its signs of life, what has come of it so far, and whether somebody wants it to
//! stop. It is what a follower in another process reads, and what is left of a run whose process has died.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::key::{self, Key};
use super::record::{Record, TIME_TO_LIVE, flag, json, number, seconds, text};
use super::runs::Runs;
use super::table::{Consistency, Query, Write};
use super::update::Update;
use crate::identity::Owner;
use crate::ids;
use crate::model::TokenUsage;
use crate::protocol::{Event, ThreadItem};

const ALIVE_AT: &str = "alive_at";
const STOP: &str = "stop";
const ENDED: &str = "ended";
const DIED: &str = "died";
const OPERATION: &str = "operation";
const QUESTION: &str = "question";
const TURN: &str = "turn";
const USED: &str = "used";
const SNAPSHOT: &str = "snapshot";
const RUN: &str = "run";
const CALL: &str = "call";

/// How long the record of a run is kept after its last change.
const LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// Runs of one thread that a search reads.
const MAX_RECORDS: u32 = 20;

/// What is stored of a run while it lasts.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRecord {
    /// `run_…`
    pub id: String,
    /// When it last gave a sign of life.
    pub alive_at: Timestamp,
    /// Its events are over.
    pub ended: bool,
    /// Another process has ended it because it gave no sign of life.
    pub has_died: bool,
    pub operation: String,
    /// The item that it answers.
    pub question_id: String,
    /// Of the turn as the budgets know it; none where no model is asked.
    pub turn_id: Option<String>,
    /// What it has used so far, as far as is known.
    pub used: TokenUsage,
    pub snapshot: RunSnapshot,
}

/// What has come of a run so far, and no stored item shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunSnapshot {
    /// The number of the run's last event.
    pub seq: u64,
    /// The items that are being made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub open: Vec<OpenItem>,
    /// Events that belong to no item, each with its number.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<(u64, Event)>,
}

/// An item that is being made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenItem {
    /// As far as it has come.
    pub item: ThreadItem,
    /// The number of the event with which it began.
    pub added: u64,
    /// The number of the last event that changed it.
    pub changed: u64,
}

/// What a run learns when it gives a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunWish {
    GoOn,
    /// Somebody wants it to stop.
    Stop,
    /// Another process took it for dead and has ended it.
    Ended,
}

/// The claim of an action: which run carries it out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionClaim {
    pub run_id: String,
    /// The id of the call of the site's endpoint.
    pub call_id: String,
}

impl Runs {
    /// Gives a sign of life, with everything that a follower needs; what the run learns from it.
    pub async fn beat(&self, owner: &Owner, thread_id: &str, run: &RunRecord) -> Result<RunWish, StoreError> {
        let Some(key) = key::run(owner, thread_id, &run.id) else { return Ok(RunWish::GoOn) };
        let update = run.update(key)?.when(format!("attribute_not_exists(#{ENDED})")).returning_new();
        Ok(match self.table.update(update).await? {
            Write::Done(record) if record.flag(STOP) => RunWish::Stop,
            Write::Done(_) => RunWish::GoOn,
            Write::Refused(_) => RunWish::Ended,
        })
    }

    /// Looks whether somebody wants a run to stop, which costs less than a sign of life.
    pub async fn wish(&self, owner: &Owner, thread_id: &str, run_id: &str) -> Result<RunWish, StoreError> {
        let Some(key) = key::run(owner, thread_id, run_id) else { return Ok(RunWish::GoOn) };
        let record = self.table.get(&key, Consistency::Eventual).await?.unwrap_or_default();
        Ok(match (record.flag(ENDED), record.flag(STOP)) {
            (true, _) => RunWish::Ended,
            (false, true) => RunWish::Stop,
            (false, false) => RunWish::GoOn,
        })
    }

    /// The record of a run, as it is now; none for one that has not lasted long enough to have one.
    pub async fn record(&self, owner: &Owner, thread_id: &str, run_id: &str) -> Result<Option<RunRecord>, StoreError> {
        let Some(key) = key::run(owner, thread_id, run_id) else { return Ok(None) };
        let record = self.table.get(&key, Consistency::Strong).await?;
        Ok(record.as_ref().and_then(|record| RunRecord::read(run_id, record)))
    }

    /// The newest run of a thread that has a record and belongs to this turn of the budgets.
    pub(crate) async fn of_turn(
        &self,
        owner: &Owner,
        thread_id: &str,
        turn_id: &str,
    ) -> Result<Option<RunRecord>, StoreError> {
        let runs = self.newest(owner, thread_id).await?;
        Ok(runs.into_iter().find(|run| run.turn_id.as_deref() == Some(turn_id)))
    }

    /// The newest runs of a thread that have a record.
    pub(crate) async fn newest(&self, owner: &Owner, thread_id: &str) -> Result<Vec<RunRecord>, StoreError> {
        let Some(partition) = key::items(owner, thread_id) else { return Ok(Vec::new()) };
        let query = Query { consistency: Consistency::Strong, ..Query::newest(partition, key::RUN, MAX_RECORDS) };
        let records = self.table.query(query).await?.records;
        let runs = records.iter().filter_map(|record| {
            let id = format!("{}_{}", ids::RUN, record.text(key::SORT)?.strip_prefix(key::RUN)?);
            RunRecord::read(&id, record)
        });
        Ok(runs.collect())
    }

    /// Wants a run to stop, wherever it runs.
    pub async fn ask_to_stop(
        &self,
        owner: &Owner,
        thread_id: &str,
        run_id: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let Some(key) = key::run(owner, thread_id, run_id) else { return Ok(()) };
        self.table.update(Update::of(key).set(STOP, flag(true)).set(TIME_TO_LIVE, seconds(now + LIFETIME))).await?;
        Ok(())
    }

    /// Ends a run for its followers: its last events are in the snapshot. `seen` is the last sign of life of a run that
    /// has died. False if it has given another one since, or has ended by itself.
    pub async fn finish(
        &self,
        owner: &Owner,
        thread_id: &str,
        run: &RunRecord,
        seen: Option<Timestamp>,
    ) -> Result<bool, StoreError> {
        let Some(key) = key::run(owner, thread_id, &run.id) else { return Ok(false) };
        let mut update = run.update(key)?.set(ENDED, flag(true)).when(format!("attribute_not_exists(#{ENDED})"));
        if let Some(seen) = seen {
            let is_silent = format!("(attribute_not_exists(#{ALIVE_AT}) OR #{ALIVE_AT} <= :seen)");
            update = update.set(DIED, flag(true)).when(is_silent).value("seen", number(seen.as_microsecond()));
        }
        Ok(match self.table.update(update).await? {
            Write::Done(_) => true,
            // By this write, if its answer was lost, or by another process: what comes next may be done twice.
            Write::Refused(record) => seen.is_some() && record.flag(DIED),
        })
    }

    /// Claims an action for a run: whose it is now. A claim of the run `expected`, which is over, is taken over.
    pub async fn claim_action(
        &self,
        owner: &Owner,
        thread_id: &str,
        digest: &str,
        claim: &ActionClaim,
        expected: Option<&str>,
        now: Timestamp,
    ) -> Result<ActionClaim, StoreError> {
        let Some(key) = key::action(owner, thread_id, digest) else { return Ok(claim.clone()) };
        let update = Update::of(key)
            .set(RUN, text(&claim.run_id))
            .set(CALL, text(&claim.call_id))
            .set(TIME_TO_LIVE, seconds(now + LIFETIME))
            .when(format!("(attribute_not_exists(#{RUN}) OR #{RUN} IN (:{RUN}, :expected))"))
            .value("expected", text(expected.unwrap_or(&claim.run_id)));
        Ok(match self.table.update(update).await? {
            Write::Done(_) => claim.clone(),
            Write::Refused(record) => {
                ActionClaim { run_id: record.required(RUN)?.to_owned(), call_id: record.required(CALL)?.to_owned() }
            }
        })
    }
}

impl RunRecord {
    fn update(&self, key: Key) -> Result<Update, StoreError> {
        let update = Update::of(key)
            .set(ALIVE_AT, number(self.alive_at.as_microsecond()))
            .set(OPERATION, text(&self.operation))
            .set(QUESTION, text(&self.question_id))
            .set(USED, json(&self.used)?)
            .set(SNAPSHOT, json(&self.snapshot)?)
            .set(TIME_TO_LIVE, seconds(self.alive_at + LIFETIME));
        Ok(match &self.turn_id {
            Some(turn_id) => update.set(TURN, text(turn_id)),
            None => update,
        })
    }

    /// A record as it was read; none if it has nothing but a wish to stop.
    fn read(id: &str, record: &Record) -> Option<Self> {
        Some(Self {
            id: id.to_owned(),
            alive_at: Timestamp::from_microsecond(record.number(ALIVE_AT)?).ok()?,
            ended: record.flag(ENDED),
            has_died: record.flag(DIED),
            operation: record.string(OPERATION)?,
            question_id: record.string(QUESTION)?,
            turn_id: record.string(TURN),
            used: record.json(USED).ok()??,
            snapshot: record.json(SNAPSHOT).ok()??,
        })
    }
}
