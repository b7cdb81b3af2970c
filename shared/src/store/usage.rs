use std::collections::BTreeMap;
use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Connection;
use super::attributes::{self, Record, TIME_TO_LIVE};
use super::error::{StoreError, refused};
use super::key::{self, Key, escape};
use super::mark::{IS_NEWS, Mark, SETS_MARK};
use crate::env::{Env, EnvError};
use crate::ids;

/// Records over which a day's counters are spread, as a partition of one key takes 1,000 writes a second.
const SHARDS: usize = 4;
/// Bytes of a model's name in a key.
const LONGEST_MODEL: usize = 256;
const SECONDS_OF_A_DAY: u64 = 86_400;

/// What was used, by request and by day. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Usage {
    client: Client,
    table: Arc<str>,
}

/// What one request used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRecord {
    /// `<prefix>_<ulid>`.
    pub id: String,
    /// When the request came.
    pub at: Timestamp,
    /// Whose deployment.
    pub tenant: String,
    /// Who asked.
    pub user: String,
    /// The thread, if there is one.
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
    /// From the request to the end of the answer.
    pub duration_ms: u64,
    /// From the request to the first text, if there was any.
    pub first_token_ms: Option<u64>,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered.
    Ok,
    /// Cut off by a limit or by the user.
    Incomplete,
    /// Failed.
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
}

impl Usage {
    /// Reads `TABLE_USAGE`.
    ///
    /// # Errors
    /// When it is missing.
    pub fn from_env(connection: &Connection, env: &Env) -> Result<Self, EnvError> {
        let table = env.required("TABLE_USAGE", "the name of the table of usage")?;
        Ok(Self { client: connection.0.clone(), table: table.into() })
    }

    /// Records a request and counts it in its day, in parallel. The record is kept for `retention_days`, with 0 not at
    /// all; the day's counters are kept.
    ///
    /// # Errors
    /// [`StoreError`]: one of the two may have been written.
    pub async fn record(&self, usage: &UsageRecord, retention_days: u32) -> Result<(), StoreError> {
        let keep = async { if retention_days > 0 { self.put(usage, retention_days).await } else { Ok(()) } };
        tokio::try_join!(keep, self.count(usage)).map(|_| ())
    }

    /// What a tenant used, by day and model, from one date to another, both included, in this order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn daily(&self, tenant: &str, from: Date, to: Date) -> Result<Vec<DailyUsage>, StoreError> {
        let mut days = BTreeMap::new();
        if from > to {
            return Ok(Vec::new());
        }
        let query = self
            .client
            .query()
            .table_name(&*self.table)
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :from AND :to")
            .expression_attribute_names("#pk", key::PARTITION)
            .expression_attribute_names("#sk", key::SORT)
            .expression_attribute_values(":pk", AttributeValue::S(escape(tenant).to_string()))
            .expression_attribute_values(":from", AttributeValue::S(format!("D#{from}#")))
            // The character after `#`: every key of the last day stands before it.
            .expression_attribute_values(":to", AttributeValue::S(format!("D#{to}$")));
        let mut start = None;
        loop {
            let answer = query.clone().set_exclusive_start_key(start).send().await?;
            for record in answer.items() {
                let (date, model) = read_key(record).ok_or_else(|| StoreError::unreadable(key::SORT))?;
                let day = days.entry((date, model.clone())).or_insert_with(|| DailyUsage::empty(date, model));
                for (name, sum) in day.counters() {
                    *sum += attributes::number::<u64>(record, name).unwrap_or_default();
                }
            }
            start = answer.last_evaluated_key;
            if start.is_none() {
                return Ok(days.into_values().collect());
            }
        }
    }

    async fn put(&self, usage: &UsageRecord, retention_days: u32) -> Result<(), StoreError> {
        let text = |value: &str| Some(AttributeValue::S(value.to_owned()));
        let number = |value: u64| Some(AttributeValue::N(value.to_string()));
        let date = date_of(usage.at);
        let key = Key {
            partition: format!("{}#{date}", escape(&usage.tenant)),
            sort: format!("R#{}", escape(ids::sort_key(&usage.id).unwrap_or(&usage.id))),
        };
        let retention = u64::from(retention_days) * SECONDS_OF_A_DAY;
        let expires_at = u64::try_from(usage.at.as_second()).unwrap_or_default() + retention;
        let optional = [
            ("at", text(&usage.at.to_string())),
            ("user", text(&usage.user)),
            ("thread_id", usage.thread_id.as_deref().and_then(text)),
            ("operation", text(&usage.operation)),
            ("model", text(&usage.model)),
            ("outcome", text(usage.outcome.as_str())),
            ("input_tokens", number(usage.input_tokens)),
            ("cached_tokens", number(usage.cached_tokens)),
            ("output_tokens", number(usage.output_tokens)),
            ("reasoning_tokens", number(usage.reasoning_tokens)),
            ("duration_ms", number(usage.duration_ms)),
            ("first_token_ms", usage.first_token_ms.and_then(number)),
            (TIME_TO_LIVE, number(expires_at)),
        ];
        let mut record = key.attributes();
        record.extend(optional.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        let request = self.client.put_item().table_name(&*self.table).set_item(Some(record));
        Box::pin(request.send()).await?;
        Ok(())
    }

    async fn count(&self, usage: &UsageRecord) -> Result<(), StoreError> {
        let mut model = escape(&usage.model).to_string();
        model.truncate(LONGEST_MODEL);
        let shard = usage.id.bytes().map(usize::from).sum::<usize>() % SHARDS;
        let key = Key {
            partition: escape(&usage.tenant).to_string(),
            sort: format!("D#{}#{model}#{shard}", date_of(usage.at)),
        };
        let mut day = DailyUsage {
            requests: 1,
            errors: u64::from(usage.outcome == Outcome::Error),
            input_tokens: usage.input_tokens,
            cached_tokens: usage.cached_tokens,
            output_tokens: usage.output_tokens,
            reasoning_tokens: usage.reasoning_tokens,
            duration_ms: usage.duration_ms,
            ..DailyUsage::empty(date_of(usage.at), String::new())
        };
        let mut request = self.client.update_item().table_name(&*self.table).set_key(Some(key.attributes()));
        let mut additions = Vec::new();
        for (name, value) in day.counters() {
            additions.push(format!("#{name} :{name}"));
            request = request
                .expression_attribute_names(format!("#{name}"), name)
                .expression_attribute_values(format!(":{name}"), AttributeValue::N(value.to_string()));
        }
        let request = request
            .update_expression(format!("SET {SETS_MARK} ADD {}", additions.join(", ")))
            .condition_expression(IS_NEWS);
        match Box::pin(Mark::of(&usage.id).on(request).send()).await {
            Ok(_) => Ok(()),
            // It is counted already.
            Err(error) => refused(error).map(|_| ()),
        }
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
        }
    }

    /// Each counter with its attribute.
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
}

fn date_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The date and model in the key of a day's counters.
fn read_key(record: &Record) -> Option<(Date, String)> {
    let mut parts = attributes::text(record, key::SORT)?.split('#').skip(1);
    Some((parts.next()?.parse().ok()?, key::unescape(parts.next()?)))
}
