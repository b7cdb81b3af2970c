//! What is stored of a thread. The names of attributes, and of what is kept as JSON in them, never change: people's
//! threads are written in them. `tests/store/golden` holds them fast.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::StoreError;
use super::key;
use super::record::{Record, flag, json, number, text};
use super::update::Update;
use crate::identity::Owner;
use crate::ids;
use crate::model::{FunctionCall, Input, TokenUsage};
use crate::protocol::{ThreadItem, ThreadStatus};

pub(super) const TITLE: &str = "title";
pub(super) const DELETED: &str = "deleted";
pub(super) const RUN_ID: &str = "run_id";
pub(super) const RUN_DIGEST: &str = "run_digest";
pub(super) const RUN_UNTIL: &str = "run_until";
pub(super) const RETRIES: &str = "retries";
pub(super) const HIDDEN: &str = "hidden";
const CREATED_AT: &str = "created_at";
const STATUS: &str = "status";
const DOMAINS: &str = "allowed_image_domains";
pub(super) const ITEM: &str = "item";
/// On items that wait for the page or the person: an answer is stored only where the question still waits.
pub(super) const PENDING: &str = "pending";
const UPSTREAM_ID: &str = "upstream_id";
const MODEL_CONTEXT: &str = "carried";
pub(super) const ANSWERED_BY: &str = "answered_by";
const HISTORY_FROM: &str = "history_from";
const SUMMARY: &str = "summary";
const ENDS_RUN: &str = "ends_run";
/// On the head: the turn of the budgets that the run belongs to, and what the run is for.
pub(super) const RUN_TURN: &str = "run_turn";
pub(super) const RUN_OPERATION: &str = "run_operation";
pub(super) const RUN_QUESTION: &str = "run_question";
/// On the head: the last run that ended without an item.
pub(super) const RUN_ENDED: &str = "run_ended";
const POSITION: &str = "position";
const USED: &str = "used";
const COUNTED: &str = "counted";
/// The ids of the files that an item shows: they are removed with it.
pub(super) const FILES: &str = "files";

/// Lambda ends a turn after 15 minutes.
const MAX_TURN: Duration = Duration::from_mins(16);

/// On one head, so that it stays small.
const MAX_RETRIES: usize = 8;

/// The head of a thread: everything but its items.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadRecord {
    /// `thr_…`; threads are listed in its order.
    pub id: String,
    /// Set by the user or generated.
    pub title: Option<String>,
    pub created_at: Timestamp,
    /// Whether the user may write in it.
    pub status: ThreadStatus,
    /// The domains from which the client may show images; none means all.
    pub allowed_image_domains: Option<Vec<String>>,
    /// The last run that began in the thread, over or not.
    pub run: Option<Run>,
    /// The last run that ended without an item.
    pub ended_run_id: Option<String>,
    /// The retries that a turn which still runs may have to know of, oldest first.
    pub retries: Vec<Retry>,
}

/// A retry: from the moment it begins, older runs that answer the same message or a later one withdraw what they store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The user's item that is answered again.
    pub item: String,
    /// The run that answers it.
    pub run: String,
}

/// The run lease of a thread: which turn writes in it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// `run_…`; runs sort by their beginning.
    pub id: String,
    /// SHA-256 of what was asked, in hexadecimal, by which the same request sent again is known.
    pub digest: String,
    /// When the lease ends even if the turn did not, in whole microseconds.
    pub until: Timestamp,
    /// Of the turn as the budgets know it; none where no model is asked.
    pub turn_id: Option<String>,
    /// The operation that it carries out, by its wire name; empty in old records.
    pub operation: String,
    /// The item that it answers; empty in old records.
    pub question_id: String,
}

/// Where an item stands among the events of the run that made it or changed it last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemPosition {
    pub run_id: String,
    /// The number of the event that told the item.
    pub seq: u64,
    /// Whether the run has changed an item that was there before.
    pub is_replaced: bool,
}

/// An item with what only the server knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredItem {
    pub item: ThreadItem,
    /// The model's own id of it.
    pub upstream_id: Option<String>,
    /// The run whose end this item is: storing it releases the lease.
    pub ends_run: Option<String>,
    /// What the model did on the way to the item.
    pub model_context: Option<ModelContext>,
    /// The run that continues with the answer, on an item that waited for it.
    pub answered_by: Option<String>,
    /// On what a turn answers: the item with which the turn's history began, if it did not begin with the thread.
    pub history_from: Option<String>,
    /// Whether the item tells the model what stood before it.
    pub is_summary: bool,
    /// None in records that are older than runs with positions, and where no client is told of the item.
    pub position: Option<ItemPosition>,
    /// What the turn has used that ends with this item.
    pub used: Option<TokenUsage>,
    /// What the model has counted of the prompt and the answer that end with this item.
    pub counted: Option<CountedPrompt>,
}

/// The model's own count of a prompt and its answer, by which the size of the next prompt is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedPrompt {
    pub tokens: u64,
    /// A digest of the model's name.
    pub model: String,
    /// A digest of the instructions and the tools.
    pub basis: String,
    /// The item with which the conversation began, if it did not begin with the thread.
    pub begins_at: Option<String>,
}

/// What the model did on the way to an item and no item shows: the calls of server tools with their outputs. The model
/// is told of it again in later turns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelContext {
    /// In front of the item.
    #[serde(rename = "before")]
    pub inputs_before: Vec<Input>,
    /// On a client tool call: the calls that the page is asked for when this one is answered, since it can answer one
    /// at a time.
    #[serde(rename = "waiting", default, skip_serializing_if = "Vec::is_empty")]
    pub page_calls: Vec<FunctionCall>,
    /// On a client tool call: see [`FunctionCall::extra_content`].
    #[serde(rename = "extra", default, skip_serializing_if = "Option::is_none")]
    pub extra_content: Option<Value>,
}

impl ThreadRecord {
    /// The id of the newest run that the head knows of. One that begins now sorts behind it.
    pub fn last_run(&self) -> Option<&str> {
        let retries = self.retries.iter().map(|retry| retry.run.as_str());
        retries.chain(self.run.as_ref().map(|run| run.id.as_str())).max_by_key(|id| ids::sort_key(id))
    }

    /// Whether the answer of a run to this message is retried by a newer run.
    pub fn is_retried(&self, question_id: &str, run_id: &str) -> bool {
        // Behind their prefixes, ids sort by time: those of items by their place, those of runs by their start.
        self.retries.iter().any(|retry| {
            ids::sort_key(&retry.item) <= ids::sort_key(question_id)
                && ids::sort_key(&retry.run) > ids::sort_key(run_id)
        })
    }

    /// The retries with one that begins now. Those that it covers are left out, since it drops their messages or
    /// answers the same one, and those that are older than any turn that still runs.
    pub(super) fn retries_with(&self, retry: Retry) -> Vec<Retry> {
        let began_at = |retry: &Retry| Duration::from_millis(ids::milliseconds(&retry.run).unwrap_or_default());
        let oldest = began_at(&retry).saturating_sub(MAX_TURN);
        let counts =
            |known: &&Retry| ids::sort_key(&known.item) < ids::sort_key(&retry.item) && began_at(known) >= oldest;
        let mut retries: Vec<_> = self.retries.iter().filter(counts).cloned().collect();
        retries.push(retry);
        retries.split_off(retries.len().saturating_sub(MAX_RETRIES))
    }

    /// A new head, without its key.
    pub(super) fn record(&self) -> Result<Record, StoreError> {
        let run = self.run.as_ref();
        let status = (self.status != ThreadStatus::Active).then_some(&self.status);
        Ok(Record::of([
            (TITLE, self.title.clone().map(text)),
            (CREATED_AT, Some(text(self.created_at.to_string()))),
            (STATUS, status.map(json).transpose()?),
            (DOMAINS, self.allowed_image_domains.as_ref().map(json).transpose()?),
            (RUN_ID, run.map(|run| text(&run.id))),
            (RUN_DIGEST, run.map(|run| text(&run.digest))),
            (RUN_UNTIL, run.map(Run::until)),
            (RUN_TURN, run.and_then(|run| run.turn_id.as_ref().map(text))),
            (RUN_OPERATION, run.map(|run| &run.operation).filter(|operation| !operation.is_empty()).map(text)),
            (RUN_QUESTION, run.map(|run| &run.question_id).filter(|id| !id.is_empty()).map(text)),
        ]))
    }

    /// A head as it was read.
    pub(super) fn read(record: &Record) -> Result<Self, StoreError> {
        let id = record.required(key::SORT)?.strip_prefix(key::HEAD);
        Ok(Self {
            id: key::unescape(id.ok_or_else(|| StoreError::unreadable(key::SORT))?),
            title: record.string(TITLE),
            created_at: record.time(CREATED_AT)?,
            status: record.json(STATUS)?.unwrap_or_default(),
            allowed_image_domains: record.json(DOMAINS)?,
            run: Run::read(record),
            ended_run_id: record.string(RUN_ENDED),
            retries: record.json(RETRIES)?.unwrap_or_default(),
        })
    }
}

impl Run {
    /// The end of the lease as a number that conditions compare.
    pub(super) fn until(&self) -> AttributeValue {
        number(self.until.as_microsecond())
    }

    fn read(record: &Record) -> Option<Self> {
        Some(Self {
            id: record.string(RUN_ID)?,
            digest: record.string(RUN_DIGEST)?,
            until: Timestamp::from_microsecond(record.number(RUN_UNTIL)?).ok()?,
            turn_id: record.string(RUN_TURN),
            operation: record.string(RUN_OPERATION).unwrap_or_default(),
            question_id: record.string(RUN_QUESTION).unwrap_or_default(),
        })
    }
}

impl fmt::Display for ItemPosition {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}{}", self.run_id, self.seq, if self.is_replaced { ":replaced" } else { "" })
    }
}

impl FromStr for ItemPosition {
    type Err = ();

    fn from_str(position: &str) -> Result<Self, ()> {
        let (run_id, seq) = position.split_once(':').ok_or(())?;
        let (seq, is_replaced) = seq.strip_suffix(":replaced").map_or((seq, false), |seq| (seq, true));
        Ok(Self { run_id: run_id.to_owned(), seq: seq.parse().map_err(|_| ())?, is_replaced })
    }
}

impl fmt::Display for CountedPrompt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { tokens, model, basis, begins_at } = self;
        write!(formatter, "{tokens}:{model}:{basis}:{}", begins_at.as_deref().unwrap_or_default())
    }
}

impl FromStr for CountedPrompt {
    type Err = ();

    fn from_str(counted: &str) -> Result<Self, ()> {
        let mut parts = counted.splitn(4, ':');
        let mut part = || parts.next().ok_or(());
        Ok(Self {
            tokens: part()?.parse().map_err(|_| ())?,
            model: part()?.to_owned(),
            basis: part()?.to_owned(),
            begins_at: Some(part()?).filter(|id| !id.is_empty()).map(ToOwned::to_owned),
        })
    }
}

impl StoredItem {
    /// Whether the item was made or changed by this run.
    pub fn is_of(&self, run_id: &str) -> bool {
        self.position.as_ref().is_some_and(|position| position.run_id == run_id)
    }

    /// An item of which nothing more is known.
    pub const fn new(item: ThreadItem) -> Self {
        Self {
            item,
            upstream_id: None,
            ends_run: None,
            model_context: None,
            answered_by: None,
            history_from: None,
            is_summary: false,
            position: None,
            used: None,
            counted: None,
        }
    }

    /// The write that stores the item, new or changed. What else its record has, feedback, stays.
    pub(super) fn write(&self, owner: &Owner, thread_id: &str) -> Result<Update, StoreError> {
        let key = key::item(owner, thread_id, self.item.id()).ok_or_else(|| StoreError::unreadable(key::SORT))?;
        Ok(self.attributes()?.into_iter().fold(Update::of(key), |update, (name, value)| match value {
            Some(value) => update.set(name, value),
            None => update.remove(name),
        }))
    }

    /// Each attribute of the item, with no value where there must be none.
    fn attributes(&self) -> Result<[(&'static str, Option<AttributeValue>); 13], StoreError> {
        let files: Vec<_> = self.item.files().into_iter().map(text).collect();
        Ok([
            (ITEM, Some(json(&self.item)?)),
            (UPSTREAM_ID, self.upstream_id.clone().map(text)),
            (ENDS_RUN, self.ends_run.clone().map(text)),
            (HIDDEN, self.item.is_hidden().then_some(flag(true))),
            (PENDING, self.item.is_pending().then_some(flag(true))),
            (MODEL_CONTEXT, self.model_context.as_ref().map(json).transpose()?),
            (ANSWERED_BY, self.answered_by.clone().map(text)),
            (HISTORY_FROM, self.history_from.clone().map(text)),
            (SUMMARY, self.is_summary.then_some(flag(true))),
            (FILES, (!files.is_empty()).then_some(AttributeValue::L(files))),
            (POSITION, self.position.as_ref().map(|position| text(position.to_string()))),
            (USED, self.used.as_ref().map(json).transpose()?),
            (COUNTED, self.counted.as_ref().map(|counted| text(counted.to_string()))),
        ])
    }

    /// An item as it was read.
    pub(super) fn read(record: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            item: record.json(ITEM)?.ok_or_else(|| StoreError::unreadable(ITEM))?,
            upstream_id: record.string(UPSTREAM_ID),
            ends_run: record.string(ENDS_RUN),
            model_context: record.json(MODEL_CONTEXT)?,
            answered_by: record.string(ANSWERED_BY),
            history_from: record.string(HISTORY_FROM),
            is_summary: record.contains(SUMMARY),
            position: record.text(POSITION).and_then(|position| position.parse().ok()),
            used: record.json(USED)?,
            counted: record.text(COUNTED).and_then(|counted| counted.parse().ok()),
        })
    }
}
