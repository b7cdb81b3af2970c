//! Sessions, by the SHA-256 of their secret: who reads the table learns no secret.

use std::time::Duration;

use jiff::Timestamp;

use super::DynamoDb;
use super::error::StoreError;
use super::key::{Key, escape};
use super::record::{Record, TIME_TO_LIVE, flag, number, seconds, text};
use super::table::{Consistency, Table};
use super::tables::COUNTERS;
use super::update::Update;
use crate::env::{Env, EnvError};

const TENANT: &str = "tenant";
const USER: &str = "user";
const SESSION_ID: &str = "session_id";
const ANONYMOUS: &str = "anonymous";
const SESSION_ENDS_AT: &str = "session_ends_at";
const ROTATED_AT: &str = "rotated_at";

/// Sessions, and which secrets were exchanged. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sessions {
    table: Table,
}

/// The session that a secret belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    pub tenant: String,
    pub user: String,
    pub session_id: String,
    /// Whether the user is an anonymous visitor.
    pub anonymous: bool,
    /// When the session ends, in whole seconds.
    pub expires_at: Timestamp,
}

impl Sessions {
    /// Reads `TABLE_COUNTERS`.
    pub fn from_env(dynamodb: &DynamoDb, env: &Env) -> Result<Self, EnvError> {
        Ok(Self { table: Table::from_env(dynamodb, env, COUNTERS)? })
    }

    /// Remembers a session until `keep_until`, which may be later than its end. `secret_sha256` is in hexadecimal.
    pub async fn put(
        &self,
        secret_sha256: &str,
        session: &SessionRecord,
        keep_until: Timestamp,
    ) -> Result<(), StoreError> {
        let record = Record::of([
            (TENANT, Some(text(&session.tenant))),
            (USER, Some(text(&session.user))),
            (SESSION_ID, Some(text(&session.session_id))),
            (ANONYMOUS, Some(flag(session.anonymous))),
            (SESSION_ENDS_AT, Some(seconds(session.expires_at))),
            (TIME_TO_LIVE, Some(seconds(keep_until))),
        ]);
        self.table.put(&key(secret_sha256, "session"), record).await
    }

    /// The session of a secret (strongly consistent: a page uses it at once); none if there is none, or it need not be
    /// kept any longer. Whether it has ended is the caller's question.
    pub async fn get(&self, secret_sha256: &str, now: Timestamp) -> Result<Option<SessionRecord>, StoreError> {
        let record = self.table.get(&key(secret_sha256, "session"), Consistency::Strong).await?;
        let is_kept = |record: &Record| record.number(TIME_TO_LIVE).is_some_and(|until: i64| until > now.as_second());
        record.filter(is_kept).as_ref().map(SessionRecord::read).transpose()
    }

    /// Records that a secret is exchanged for a new one, and whether it may be: the first time it may, and again only
    /// within `leeway` of that (two tabs, a lost answer). `keep_until` is when the secret could not be exchanged
    /// anyway.
    pub async fn rotate(
        &self,
        secret_sha256: &str,
        now: Timestamp,
        leeway: Duration,
        keep_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let leeway = i64::try_from(leeway.as_micros()).unwrap_or(i64::MAX);
        let now = now.as_microsecond();
        let update = Update::of(key(secret_sha256, "rotation"))
            .set_to(ROTATED_AT, &format!("if_not_exists(#{ROTATED_AT}, :now)"))
            .set(TIME_TO_LIVE, seconds(keep_until))
            .when(format!("attribute_not_exists(#{ROTATED_AT}) OR #{ROTATED_AT} >= :earliest"))
            .value("now", number(now))
            .value("earliest", number(now.saturating_sub(leeway)));
        Ok(self.table.update(update).await?.is_done())
    }

    /// Takes back that a secret was exchanged, because nothing was given for it.
    pub(crate) async fn undo_rotation(&self, secret_sha256: &str) -> Result<(), StoreError> {
        self.table.delete(&key(secret_sha256, "rotation")).await
    }
}

impl SessionRecord {
    fn read(record: &Record) -> Result<Self, StoreError> {
        Ok(Self {
            tenant: record.required(TENANT)?.to_owned(),
            user: record.required(USER)?.to_owned(),
            session_id: record.required(SESSION_ID)?.to_owned(),
            anonymous: record.flag(ANONYMOUS),
            expires_at: record.seconds(SESSION_ENDS_AT)?,
        })
    }
}

fn key(secret_sha256: &str, name: &str) -> Key {
    Key { partition: format!("S#{}", escape(secret_sha256)), sort: name.to_owned() }
}
