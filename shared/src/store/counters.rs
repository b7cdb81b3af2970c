use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue};
use jiff::Timestamp;
use tokio::time::timeout;

use super::Connection;
use super::account::{Limit, Payer, Refusal, Tokens};
use super::attributes::{self, Record, TIME_TO_LIVE};
use super::error::{StoreError, refused};
use super::key::{Key, escape, heads};
use super::mark::{IS_NEWS, Marks, SETS_MARK};
use crate::env::{Env, EnvError};
use crate::identity::Owner;
use crate::limits::{Bucket, Verdict};

/// The state of a bucket: the moment at which it is full again, in microseconds.
pub(super) const FULL_AT: &str = "full_at";
/// Tries of one charge. Each failed one has seen the state that the next one needs.
const ATTEMPTS: usize = 8;
/// How long a function that starts waits for the connection.
const LONGEST_OPENING: Duration = Duration::from_millis(1_500);
/// Buckets whose last state is remembered.
const REMEMBERED: usize = 1024;

/// Limits, budgets and sessions. Cheap to clone; clones share what they remember.
#[derive(Debug, Clone)]
pub struct Counters {
    pub(super) client: Client,
    pub(super) table: Arc<str>,
    /// The last known states of buckets. Only a guess at which of two conditions will hold, never a decision.
    states: Arc<Mutex<HashMap<Key, i64>>>,
    pub(super) marks: Marks,
}

/// Whom a limit is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    /// A user.
    User(&'a Owner),
    /// A client address, or what stands for it.
    Address(&'a str),
    /// All users of a tenant.
    Tenant(&'a str),
}

/// Whether a take was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It was.
    Admitted,
    /// It was not.
    Refused {
        /// After which time it would be, in whole seconds.
        retry_after: Duration,
    },
}

/// What one conditional write decides: a unit of a bucket, tokens of a budget, or both.
pub(super) struct Charge {
    pub(super) key: Key,
    pub(super) bucket: Bucket,
    pub(super) tokens: Option<Tokens>,
    /// When the record means nothing any more, in unix seconds.
    pub(super) expires_at: i64,
}

/// What became of a charge.
pub(super) enum Charged {
    /// The record as it is now.
    Admitted(Record),
    Refused(Refusal),
}

impl Counters {
    /// Reads `TABLE_COUNTERS`.
    ///
    /// # Errors
    /// When it is missing.
    pub fn from_env(connection: &Connection, env: &Env) -> Result<Self, EnvError> {
        let table = env.required("TABLE_COUNTERS", "the name of the table of counters")?;
        Ok(Self { client: connection.0.clone(), table: table.into(), states: Arc::default(), marks: Marks::new() })
    }

    /// Connects to DynamoDB, so that nobody has to wait for it later, by asking for a record that nobody has. What is
    /// answered, and whether anything is, does not matter: a failure shows when something is asked for.
    pub async fn open(&self) {
        let key = Key { partition: "O#".to_owned(), sort: "open".to_owned() };
        let request = self.client.get_item().table_name(&*self.table).set_key(Some(key.attributes()));
        let _ = Box::pin(timeout(LONGEST_OPENING, request.send())).await;
    }

    /// Takes one unit of a bucket, with one write in the common case and none when the limit is off. Any number of
    /// callers anywhere together get no more than the bucket holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take(
        &self,
        scope: Scope<'_>,
        name: &str,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        if bucket.is_off() {
            return Ok(Decision::Admitted);
        }
        let full_at = now.as_microsecond().saturating_add(bucket.span());
        let charge =
            Charge { key: scope.key(name), bucket: *bucket, tokens: None, expires_at: full_at / 1_000_000 + 1 };
        Ok(match self.charge(&charge, now).await? {
            Charged::Admitted(_) => Decision::Admitted,
            Charged::Refused(Refusal { retry_after, .. }) => Decision::Refused { retry_after },
        })
    }

    /// Writes a charge if all its limits admit it. A condition cannot take the larger of two values, so a bucket that
    /// is full needs another one than a bucket in use; the last known state tells which to try first.
    pub(super) async fn charge(&self, charge: &Charge, now: Timestamp) -> Result<Charged, StoreError> {
        let now = now.as_microsecond();
        let mut full = self.remembered(&charge.key).is_none_or(|state| state <= now);
        for _ in 0..ATTEMPTS {
            let (record, admitted) = self.try_charge(charge, full, now).await?;
            let state = attributes::number(&record, FULL_AT);
            self.remember(&charge.key, state);
            if admitted {
                return Ok(Charged::Admitted(record));
            }
            if let Some(refusal) = charge.refusal(&record, now) {
                return Ok(Charged::Refused(refusal));
            }
            full = state.is_none_or(|state| state <= now);
        }
        Err(StoreError::exhausted("a limit changed faster than it could be taken"))
    }

    /// One conditional write, for a bucket that is full or for one in use; and the record as it is after it, or as it
    /// stands if the condition did not hold.
    async fn try_charge(&self, charge: &Charge, full: bool, now: i64) -> Result<(Record, bool), StoreError> {
        let number = |value: i64| AttributeValue::N(value.to_string());
        let mark = self.marks.next();
        let mut set = vec!["#expires_at = :expires_at", SETS_MARK];
        let mut add = "";
        let mut conditions = vec![IS_NEWS];
        let mut request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(charge.key.attributes()))
            .expression_attribute_names("#expires_at", TIME_TO_LIVE)
            .expression_attribute_values(":expires_at", number(charge.expires_at))
            .return_values(ReturnValue::AllNew);
        if !charge.bucket.is_off() {
            let interval = charge.bucket.interval();
            request = request
                .expression_attribute_names("#full_at", FULL_AT)
                .expression_attribute_values(":now", number(now));
            if full {
                set.push("#full_at = :next");
                conditions.push("(attribute_not_exists(#full_at) OR #full_at <= :now)");
                request = request.expression_attribute_values(":next", number(now.saturating_add(interval)));
            } else {
                set.push("#full_at = #full_at + :interval");
                conditions.push("#full_at BETWEEN :now AND :latest");
                request = request
                    .expression_attribute_values(":interval", number(interval))
                    .expression_attribute_values(":latest", number(charge.bucket.latest(now)));
            }
        }
        if let Some(tokens) = &charge.tokens {
            add = " ADD #window :reserve";
            conditions.push("(attribute_not_exists(#window) OR #window <= :room)");
            request = request
                .expression_attribute_names("#window", tokens.attribute())
                .expression_attribute_values(":reserve", AttributeValue::N(tokens.reserve.to_string()))
                .expression_attribute_values(":room", AttributeValue::N(tokens.room().to_string()));
        }
        let request = request
            .update_expression(format!("SET {}{add}", set.join(", ")))
            .condition_expression(conditions.join(" AND "));
        match Box::pin(mark.on(request).send()).await {
            Ok(answer) => Ok((answer.attributes.unwrap_or_default(), true)),
            Err(error) => {
                let old = refused(error)?;
                let is_written = mark.is_on(&old);
                Ok((old, is_written))
            }
        }
    }

    /// Whether a bucket was so empty when this process last saw it that it has no turn yet.
    pub(super) fn probably_refuses(&self, charge: &Charge, now: Timestamp) -> bool {
        matches!(charge.bucket.take(self.remembered(&charge.key), now.as_microsecond()), Verdict::Refused(_))
    }

    fn remembered(&self, key: &Key) -> Option<i64> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn remember(&self, key: &Key, state: Option<i64>) {
        let Some(state) = state else { return };
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if states.len() >= REMEMBERED && !states.contains_key(key) {
            states.clear();
        }
        states.insert(key.clone(), state);
    }
}

impl Scope<'_> {
    /// The key of one of the scope's limits.
    pub(super) fn key(self, name: &str) -> Key {
        let partition = match self {
            Self::User(owner) => format!("U#{}", heads(owner)),
            // An address has at most 45 characters; whatever else comes is cut to what a key takes.
            Self::Address(address) => format!("A#{}", escape(address)).chars().take(1024).collect(),
            Self::Tenant(tenant) => format!("T#{}", escape(tenant)),
        };
        Key { partition, sort: escape(name).to_string() }
    }

    /// Whose tokens those of its budget are.
    pub(super) const fn payer(self) -> Payer {
        match self {
            Self::User(_) => Payer::User,
            Self::Address(_) => Payer::Address,
            Self::Tenant(_) => Payer::Tenant,
        }
    }
}

impl Charge {
    /// Why this charge is refused where the record stands; none if it only met a state that it did not expect. Of two
    /// limits the one that lasts longer is told.
    fn refusal(&self, record: &Record, now: i64) -> Option<Refusal> {
        let turns = match self.bucket.take(attributes::number(record, FULL_AT), now) {
            Verdict::Admitted(_) => None,
            Verdict::Refused(retry_after) => Some(Refusal { retry_after, limit: Limit::Turns }),
        };
        let tokens = self.tokens.as_ref().and_then(|tokens| tokens.refusal(record, now));
        turns.into_iter().chain(tokens).max_by_key(|refusal| refusal.retry_after)
    }
}
