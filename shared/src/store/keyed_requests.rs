//! Requests that were sent with an idempotency key, for a day: so that a repetition is told what the first was told.
//!
//! A request has a small record that claims its key. What it was answered is in a record of its own, because a refused
//! condition costs as many write units as the record has kilobytes.

use std::time::Duration;

use jiff::Timestamp;

use super::DynamoDb;
use super::budgets::Scope;
use super::error::StoreError;
use super::key::Key;
use super::record::{TIME_TO_LIVE, seconds, text};
use super::table::{Consistency, Table, Write};
use super::tables::COUNTERS;
use super::update::{LAST, Update, WriteId, WriteIds};
use crate::env::{Env, EnvError};
use crate::identity::Owner;

/// What was asked, hashed.
const FINGERPRINT: &str = "fingerprint";
/// When a request without an answer has died.
const DIES_AT: &str = "dies_at";
const CONTENT: &str = "content";

/// How long a key counts.
const KEPT: Duration = Duration::from_hours(24);

/// Requests with idempotency keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct KeyedRequests {
    table: Table,
    write_ids: WriteIds,
}

/// A request with a key. Its claim is kept or given back by its id.
#[derive(Debug, Clone)]
pub struct KeyedRequest {
    key: Key,
    id: WriteId,
}

/// What is known of a key that comes with a request.
#[derive(Debug, Clone)]
pub enum Claim {
    /// Nothing: the request is carried out now.
    New(KeyedRequest),
    /// The same request is being carried out.
    Running,
    /// It was carried out; none where the content of its answer was too large.
    Answered(Option<String>),
    /// Another request has the key.
    Taken,
}

impl KeyedRequests {
    /// Reads `TABLE_COUNTERS`.
    pub fn from_env(dynamodb: &DynamoDb, env: &Env) -> Result<Self, EnvError> {
        Ok(Self { table: Table::from_env(dynamodb, env, COUNTERS)?, write_ids: WriteIds::new() })
    }

    /// Claims a key of the owner's. `key` and `fingerprint` are hashes. A request that has no answer after
    /// `max_duration` has died, and the next one with its key is carried out.
    pub async fn claim(
        &self,
        owner: &Owner,
        key: &str,
        fingerprint: &str,
        max_duration: Duration,
        now: Timestamp,
    ) -> Result<Claim, StoreError> {
        let key = record_key(owner, key);
        let request = KeyedRequest { key: key.clone(), id: self.write_ids.next() };
        let claim = || {
            let update = free(&key, fingerprint, &request.id, now).set(DIES_AT, seconds(now + max_duration));
            update.value("now", seconds(now))
        };
        let is_free = format!("(attribute_not_exists(#{FINGERPRINT}) OR #{TIME_TO_LIVE} <= :now)");
        let Write::Refused(known) = self.table.update(claim().when(is_free)).await? else {
            return Ok(Claim::New(request));
        };
        if known.text(FINGERPRINT) != Some(fingerprint) {
            return Ok(Claim::Taken);
        }
        let answer = self.table.get(&answer_key(&key), Consistency::Strong).await?;
        let answer = answer.filter(|answer| answer.seconds(TIME_TO_LIVE).is_ok_and(|until| until > now));
        if let Some(answer) = answer {
            return Ok(Claim::Answered(answer.string(CONTENT)));
        }
        let has_died = format!("#{DIES_AT} <= :now");
        let taken_over = known.seconds(DIES_AT)? <= now && self.table.update(claim().when(has_died)).await?.is_done();
        Ok(if taken_over { Claim::New(request) } else { Claim::Running })
    }

    /// Keeps what a request was answered; none where that is too large.
    pub async fn keep(
        &self,
        request: &KeyedRequest,
        content: Option<String>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let update = Update::of(answer_key(&request.key)).set(TIME_TO_LIVE, seconds(now + KEPT));
        self.table
            .update(match content {
                Some(content) => update.set(CONTENT, text(content)),
                None => update.remove(CONTENT),
            })
            .await?;
        Ok(())
    }

    /// Gives a key back whose request was refused.
    pub async fn release(&self, request: &KeyedRequest) -> Result<(), StoreError> {
        let update = Update::of(request.key.clone()).remove(FINGERPRINT);
        self.table.update(update.when(format!("#{LAST} = :{LAST}")).value(LAST, request.id.value())).await?;
        Ok(())
    }

    /// Keeps a content from which the answer is made anew each time, and returns the one that the key has; none if
    /// another request has the key.
    pub async fn content(
        &self,
        owner: &Owner,
        key: &str,
        fingerprint: &str,
        content: String,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let update = free(&record_key(owner, key), fingerprint, &self.write_ids.next(), now);
        let update = update.set(CONTENT, text(&content)).value("now", seconds(now));
        let is_free = format!("(attribute_not_exists(#{FINGERPRINT}) OR #{TIME_TO_LIVE} <= :now)");
        Ok(match self.table.update(update.when(is_free)).await? {
            Write::Done(_) => Some(content),
            Write::Refused(known) if known.text(FINGERPRINT) == Some(fingerprint) => known.string(CONTENT),
            Write::Refused(_) => None,
        })
    }
}

/// The write that takes a key, if its condition holds.
fn free(key: &Key, fingerprint: &str, id: &WriteId, now: Timestamp) -> Update {
    let update = Update::of(key.clone()).once(id.clone());
    update.set(FINGERPRINT, text(fingerprint)).set(TIME_TO_LIVE, seconds(now + KEPT))
}

/// In the partition of what else is counted of a user.
fn record_key(owner: &Owner, key: &str) -> Key {
    Key { sort: format!("K#{key}"), ..Scope::User(owner).key("") }
}

fn answer_key(key: &Key) -> Key {
    Key { sort: format!("{}#answer", key.sort), ..key.clone() }
}
