//! What was used, by request and by day.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::DynamoDb;
use super::error::StoreError;
use super::key::{self, Key, escape};
use super::record::{Record, TIME_TO_LIVE, flag, number, text};
use super::table::{Consistency, Query, SortKeys, Table};
use super::tables::USAGE;
use super::update::{Update, WriteId};
use crate::env::{Env, EnvError};
use crate::ids;
use crate::model::HostedCalls;
use crate::protocol::FeedbackKind;

/// Records over which a day's counters are spread, as a partition of one key takes 1,000 writes a second.
const SHARDS: usize = 4;
/// Of a model's name in a key.
const MAX_MODEL_BYTES: usize = 256;
const SECONDS_PER_DAY: u64 = 86_400;

/// What was used, by request and by day. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Usage {
    table: Table,
}

/// What one request used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRecord {
    /// `<prefix>_<ulid>`.
    pub id: String,
    /// When the request came.
    pub at: Timestamp,
    pub tenant: String,
    pub user: String,
    pub thread_id: Option<String>,
    /// The operation's wire name.
    pub operation: String,
    /// The model that answered.
    pub model: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Tokens the model read.
    pub input_tokens: u64,
    /// Those of them that were cached.
    pub cached_tokens: u64,
    /// Tokens the model wrote.
    pub output_tokens: u64,
    /// Those of them that were reasoning.
    pub reasoning_tokens: u64,
    /// Those of `input_tokens` that were written to the cache.
    pub cache_write_tokens: u64,
    /// Calls that are billed one by one.
    pub calls: HostedCalls,
    /// What it cost, as far as it has a price.
    pub picodollars: u64,
    /// Whether all of it has a price.
    pub is_priced: bool,
    /// From the request to the end of the answer.
    pub duration_ms: u64,
    /// From the request to the first text, if there was any.
    pub first_token_ms: Option<u64>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// Cut off by a limit or by the user.
    Incomplete,
    Error,
}

impl Outcome {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Incomplete => "incomplete",
            Self::Error => "error",
        }
    }
}

/// What a tenant used of one model on one day (UTC).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DailyUsage {
    pub date: Date,
    pub model: String,
    pub requests: u64,
    pub errors: u64,
    pub input_tokens: u64,
    pub cached_tokens: u64,
    pub output_tokens: u64,
    pub reasoning_tokens: u64,
    pub duration_ms: u64,
    pub cache_write_tokens: u64,
    /// Requests of which everything had a price.
    pub priced_requests: u64,
    /// What all of them cost, as far as it had a price.
    pub picodollars: u64,
    /// Thumbs up that were given, on whatever item.
    pub positive_feedback: u64,
    pub negative_feedback: u64,
}

impl Usage {
    /// Reads `TABLE_USAGE`.
    pub fn from_env(dynamodb: &DynamoDb, env: &Env) -> Result<Self, EnvError> {
        Ok(Self { table: Table::from_env(dynamodb, env, USAGE)? })
    }

    /// Records a request and counts it in its day, in parallel. The record is kept for `retention_days`, with 0 not at
    /// all; the day's counters are kept.
    ///
    /// # Errors
    /// [`StoreError`]: one of the two writes may have happened.
    pub async fn record(&self, usage: &UsageRecord, retention_days: u32) -> Result<(), StoreError> {
        let keep = async { if retention_days > 0 { self.put(usage, retention_days).await } else { Ok(()) } };
        tokio::try_join!(keep, self.count(usage)).map(|_| ())
    }

    /// The tokens that a request which came at this time has used, as far as its record says; 0 without one.
    pub async fn tokens_of(&self, tenant: &str, at: Timestamp, id: &str) -> Result<u64, StoreError> {
        let record = self.table.get(&record_key(tenant, at, id), Consistency::Strong).await?.unwrap_or_default();
        let tokens = |name: &str| record.number::<u64>(name).unwrap_or_default();
        Ok(tokens("input_tokens") + tokens("output_tokens"))
    }

    /// What a tenant used, by day and model, from one date to another, both included, in this order.
    pub async fn daily(&self, tenant: &str, from: Date, to: Date) -> Result<Vec<DailyUsage>, StoreError> {
        let mut days = BTreeMap::new();
        if from > to {
            return Ok(Vec::new());
        }
        // The `$` comes after `#`: every key of the last day is before it.
        let sort = SortKeys::Between(format!("D#{from}#"), format!("D#{to}$"));
        let mut query = Query { sort, ..Query::prefix(escape(tenant).to_string(), "D#") };
        loop {
            let found = self.table.query(query.clone()).await?;
            for record in &found.records {
                let (date, model) = read_key(record).ok_or_else(|| StoreError::unreadable(key::SORT))?;
                let day = days.entry((date, model.clone())).or_insert_with(|| DailyUsage::empty(date, model));
                let add = |(name, sum): (&str, &mut u64)| *sum += record.number::<u64>(name).unwrap_or_default();
                day.counters().into_iter().for_each(add);
                day.later_counters().into_iter().for_each(add);
                day.feedback().into_iter().for_each(add);
            }
            if found.next.is_none() {
                return Ok(days.into_values().collect());
            }
            query.after = found.next;
        }
    }

    /// Counts feedback in its day, of which no item reminds once it is removed. Which model made the item is not known,
    /// so these counters belong to the model without a name.
    pub async fn count_feedback(
        &self,
        tenant: &str,
        kind: FeedbackKind,
        count: u64,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let shard = at.as_millisecond().unsigned_abs() % SHARDS as u64;
        let sort = format!("D#{}##{shard}", date_of(at));
        let update = Update::of(Key { partition: escape(tenant).to_string(), sort });
        let name = feedback_counter(kind);
        self.table.update(update.add(name, name, number(count))).await?;
        Ok(())
    }

    async fn put(&self, usage: &UsageRecord, retention_days: u32) -> Result<(), StoreError> {
        let key = record_key(&usage.tenant, usage.at, &usage.id);
        let retention = u64::from(retention_days) * SECONDS_PER_DAY;
        let expires_at = u64::try_from(usage.at.as_second()).unwrap_or_default() + retention;
        let has_cost = usage.is_priced || usage.picodollars > 0;
        let record = Record::of([
            ("at", Some(text(usage.at.to_string()))),
            ("user", Some(text(&usage.user))),
            ("thread_id", usage.thread_id.as_ref().map(text)),
            ("operation", Some(text(&usage.operation))),
            ("model", Some(text(&usage.model))),
            ("outcome", Some(text(usage.outcome.as_str()))),
            ("input_tokens", Some(number(usage.input_tokens))),
            ("cached_tokens", Some(number(usage.cached_tokens))),
            ("output_tokens", Some(number(usage.output_tokens))),
            ("reasoning_tokens", Some(number(usage.reasoning_tokens))),
            ("duration_ms", Some(number(usage.duration_ms))),
            ("first_token_ms", usage.first_token_ms.map(number)),
            ("cache_write_tokens", some_number(usage.cache_write_tokens)),
            ("web_searches", some_number(usage.calls.web_search)),
            ("file_searches", some_number(usage.calls.file_search)),
            ("programs", some_number(usage.calls.code_interpreter)),
            ("pictures", some_number(usage.calls.image_generation)),
            // A record without a price lacks it.
            ("picodollars", has_cost.then(|| number(usage.picodollars))),
            ("partly_priced", (has_cost && !usage.is_priced).then(|| flag(true))),
            (TIME_TO_LIVE, Some(number(expires_at))),
        ]);
        self.table.put(&key, record).await
    }

    async fn count(&self, usage: &UsageRecord) -> Result<(), StoreError> {
        let mut model = escape(&usage.model).to_string();
        model.truncate(MAX_MODEL_BYTES);
        let shard = usage.id.bytes().map(usize::from).sum::<usize>() % SHARDS;
        let date = date_of(usage.at);
        let key = Key { partition: escape(&usage.tenant).to_string(), sort: format!("D#{date}#{model}#{shard}") };
        let mut day = DailyUsage {
            requests: 1,
            errors: u64::from(usage.outcome == Outcome::Error),
            input_tokens: usage.input_tokens,
            cached_tokens: usage.cached_tokens,
            output_tokens: usage.output_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            duration_ms: usage.duration_ms,
            cache_write_tokens: usage.cache_write_tokens,
            priced_requests: u64::from(usage.is_priced),
            picodollars: usage.picodollars,
            ..DailyUsage::empty(date, String::new())
        };
        let update = Update::of(key).once(WriteId::of(&usage.id));
        let later = day.later_counters().into_iter().filter(|(_, count)| **count > 0);
        let counters: Vec<_> = later.map(|(name, count)| (name, *count)).collect();
        let counters = day.counters().into_iter().map(|(name, count)| (name, *count)).chain(counters);
        self.table.update(counters.fold(update, |update, (name, value)| update.add(name, name, number(value)))).await?;
        Ok(())
    }
}

impl DailyUsage {
    const fn empty(date: Date, model: String) -> Self {
        Self {
            date,
            model,
            requests: 0,
            errors: 0,
            input_tokens: 0,
            cached_tokens: 0,
            output_tokens: 0,
            reasoning_tokens: 0,
            duration_ms: 0,
            cache_write_tokens: 0,
            priced_requests: 0,
            picodollars: 0,
            positive_feedback: 0,
            negative_feedback: 0,
        }
    }

    /// The counters of feedback, each with its attribute.
    const fn feedback(&mut self) -> [(&'static str, &mut u64); 2] {
        [
            (feedback_counter(FeedbackKind::Positive), &mut self.positive_feedback),
            (feedback_counter(FeedbackKind::Negative), &mut self.negative_feedback),
        ]
    }

    /// The counters of turns, each with its attribute.
    fn counters(&mut self) -> [(&'static str, &mut u64); 7] {
        [
            ("requests", &mut self.requests),
            ("errors", &mut self.errors),
            ("input_tokens", &mut self.input_tokens),
            ("cached_tokens", &mut self.cached_tokens),
            ("output_tokens", &mut self.output_tokens),
            ("reasoning_tokens", &mut self.reasoning_tokens),
            ("duration_ms", &mut self.duration_ms),
        ]
    }

    /// Those that older days lack. They are written where there is something to count.
    const fn later_counters(&mut self) -> [(&'static str, &mut u64); 3] {
        [
            ("cache_write_tokens", &mut self.cache_write_tokens),
            ("priced_requests", &mut self.priced_requests),
            ("picodollars", &mut self.picodollars),
        ]
    }
}

const fn feedback_counter(kind: FeedbackKind) -> &'static str {
    match kind {
        FeedbackKind::Positive => "positive_feedback",
        FeedbackKind::Negative => "negative_feedback",
    }
}

/// For an attribute that is only there where there is something to count.
fn some_number(count: u64) -> Option<AttributeValue> {
    (count > 0).then(|| number(count))
}

fn date_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The date and model in the key of a day's counters.
fn record_key(tenant: &str, at: Timestamp, id: &str) -> Key {
    Key {
        partition: format!("{}#{}", escape(tenant), date_of(at)),
        sort: format!("R#{}", escape(ids::sort_key(id).unwrap_or(id))),
    }
}

fn read_key(record: &Record) -> Option<(Date, String)> {
    let mut parts = record.text(key::SORT)?.split('#').skip(1);
    Some((parts.next()?.parse().ok()?, key::unescape(parts.next()?)))
}
