use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::attributes::{self, Record};
use super::error::StoreError;
use super::key;
use crate::ids;
use crate::model::{FunctionCall, Input};
use crate::protocol::{Object, ThreadItem, ThreadStatus};

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
const METADATA: &str = "metadata";
pub(super) const ITEM: &str = "item";
/// On items that wait for the page or the person: an answer is stored only where the question still waits.
pub(super) const PENDING: &str = "pending";
const UPSTREAM_ID: &str = "upstream_id";
const CARRIED: &str = "carried";
pub(super) const ANSWERED_BY: &str = "answered_by";
const ENDS_RUN: &str = "ends_run";
/// The ids of the files that an item shows: they are removed with it.
pub(super) const FILES: &str = "files";

/// Milliseconds that a turn can last, and some more: Lambda ends it after 15 minutes.
const LONGEST_TURN_MS: u64 = 16 * 60 * 1000;

/// Retries on one head, so that it stays small.
const MOST_RETRIES: usize = 8;

/// The head of a thread: everything but its items.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadRecord {
    /// `thr_…`; threads are listed in its order.
    pub id: String,
    /// Set by the user or generated.
    pub title: Option<String>,
    /// When the thread was created.
    pub created_at: Timestamp,
    /// Whether the user may write in it.
    pub status: ThreadStatus,
    /// The domains from which the client may show images; none means all.
    pub allowed_image_domains: Option<Vec<String>>,
    /// What the server keeps with the thread; never sent.
    pub metadata: Object,
    /// The last run that began in the thread, over or not.
    pub run: Option<Run>,
    /// The retries that a turn which still runs may have to know of, oldest first.
    pub retries: Vec<Retry>,
}

/// A retry: from the moment it begins, older runs that answer the same message or a later one have nothing more to say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// The user's item that is answered anew.
    pub item: String,
    /// The run that does so.
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
}

/// An item with what only the server knows of it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredItem {
    /// The item.
    pub item: ThreadItem,
    /// The model's own id of it.
    pub upstream_id: Option<String>,
    /// The run whose end this item is: storing it releases the lease.
    pub ends_run: Option<String>,
    /// What the model did on the way to the item.
    pub carried: Option<Carried>,
    /// The run that goes on with the answer, on an item that waited for it.
    pub answered_by: Option<String>,
}

/// What the model did on the way to an item and no item shows: the calls of server tools with their outputs. The model
/// is told of it again in later turns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// In front of the item.
    pub before: Vec<Input>,
    /// On a client tool call: the calls that the page is asked for when this one is answered, since it can answer one
    /// at a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<FunctionCall>,
}

impl ThreadRecord {
    /// The id of the newest run that the head knows of. One that begins now sorts behind it.
    pub fn last_run(&self) -> Option<&str> {
        let retries = self.retries.iter().map(|retry| retry.run.as_str());
        retries.chain(self.run.as_ref().map(|run| run.id.as_str())).max_by_key(|id| ids::sort_key(id))
    }

    /// The retries with one that begins now. Those that it covers are left out, since it drops their messages or answers
    /// the same one, and those that are older than any turn that still runs.
    pub(super) fn retries_with(&self, retry: Retry) -> Vec<Retry> {
        let begun = |retry: &Retry| ids::milliseconds(&retry.run).unwrap_or_default();
        let oldest = begun(&retry).saturating_sub(LONGEST_TURN_MS);
        let counts = |known: &&Retry| ids::sort_key(&known.item) < ids::sort_key(&retry.item) && begun(known) >= oldest;
        let mut retries: Vec<_> = self.retries.iter().filter(counts).cloned().collect();
        retries.push(retry);
        retries.split_off(retries.len().saturating_sub(MOST_RETRIES))
    }

    /// The attributes of a new head, without its key.
    pub(super) fn attributes(&self) -> Result<Record, StoreError> {
        let run = self.run.as_ref();
        let status = (self.status != ThreadStatus::Active).then_some(&self.status);
        let metadata = (!self.metadata.is_empty()).then_some(&self.metadata);
        let optional = [
            (TITLE, self.title.clone().map(AttributeValue::S)),
            (CREATED_AT, Some(AttributeValue::S(self.created_at.to_string()))),
            (STATUS, json(status)?),
            (DOMAINS, json(self.allowed_image_domains.as_ref())?),
            (METADATA, json(metadata)?),
            (RUN_ID, run.map(|run| AttributeValue::S(run.id.clone()))),
            (RUN_DIGEST, run.map(|run| AttributeValue::S(run.digest.clone()))),
            (RUN_UNTIL, run.map(Run::until)),
        ];
        Ok(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect())
    }

    /// A head as it was read.
    pub(super) fn read(record: &Record) -> Result<Self, StoreError> {
        let sort = attributes::required(record, key::SORT)?;
        let id = sort.strip_prefix(key::HEAD).ok_or_else(|| StoreError::unreadable(key::SORT))?;
        let created_at = attributes::required(record, CREATED_AT)?;
        Ok(Self {
            id: key::unescape(id),
            title: attributes::text(record, TITLE).map(ToOwned::to_owned),
            created_at: created_at.parse().map_err(|_| StoreError::unreadable(CREATED_AT))?,
            status: attributes::json(record, STATUS)?.unwrap_or_default(),
            allowed_image_domains: attributes::json(record, DOMAINS)?,
            metadata: attributes::json(record, METADATA)?.unwrap_or_default(),
            run: Run::read(record),
            retries: attributes::json(record, RETRIES)?.unwrap_or_default(),
        })
    }
}

impl Run {
    /// The end of the lease as a number that conditions compare.
    pub(super) fn until(&self) -> AttributeValue {
        AttributeValue::N(self.until.as_microsecond().to_string())
    }

    fn read(record: &Record) -> Option<Self> {
        Some(Self {
            id: attributes::text(record, RUN_ID)?.to_owned(),
            digest: attributes::text(record, RUN_DIGEST)?.to_owned(),
            until: Timestamp::from_microsecond(attributes::number(record, RUN_UNTIL)?).ok()?,
        })
    }
}

impl StoredItem {
    /// An item of which nothing more is known.
    pub const fn new(item: ThreadItem) -> Self {
        Self { item, upstream_id: None, ends_run: None, carried: None, answered_by: None }
    }

    /// What is written for the item, without its key: each attribute, with no value where there must be none.
    pub(super) fn attributes(&self) -> Result<[(&'static str, Option<AttributeValue>); 8], StoreError> {
        let files: Vec<_> = self.item.files().into_iter().map(|id| AttributeValue::S(id.to_owned())).collect();
        Ok([
            (ITEM, json(Some(&self.item))?),
            (UPSTREAM_ID, self.upstream_id.clone().map(AttributeValue::S)),
            (ENDS_RUN, self.ends_run.clone().map(AttributeValue::S)),
            (HIDDEN, self.item.is_hidden().then_some(AttributeValue::Bool(true))),
            (PENDING, self.item.is_pending().then_some(AttributeValue::Bool(true))),
            (CARRIED, json(self.carried.as_ref())?),
            (ANSWERED_BY, self.answered_by.clone().map(AttributeValue::S)),
            (FILES, (!files.is_empty()).then_some(AttributeValue::L(files))),
        ])
    }

    /// An item as it was read.
    pub(super) fn read(record: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            item: attributes::json(record, ITEM)?.ok_or_else(|| StoreError::unreadable(ITEM))?,
            upstream_id: attributes::text(record, UPSTREAM_ID).map(ToOwned::to_owned),
            ends_run: attributes::text(record, ENDS_RUN).map(ToOwned::to_owned),
            carried: attributes::json(record, CARRIED)?,
            answered_by: attributes::text(record, ANSWERED_BY).map(ToOwned::to_owned),
        })
    }
}

/// A value as one JSON string: dense, and exactly what it was when read again.
pub(super) fn json<T: Serialize>(value: Option<&T>) -> Result<Option<AttributeValue>, StoreError> {
    let json = value.map(serde_json::to_string).transpose();
    json.map(|json| json.map(AttributeValue::S)).map_err(|error| StoreError::Other { source: error.into() })
}
