//! Families of sessions, and OpenAI's sessions by the SHA-256 of their secret: who reads the table learns no secret.
//!
//! A family has a record once it was refreshed or ended. All families of an owner that began before a moment are ended
//! by one record of the owner's.

use std::time::Duration;

use jiff::Timestamp;

use super::DynamoDb;
use super::budgets::Scope;
use super::error::StoreError;
use super::key::{Key, escape};
use super::record::{Record, TIME_TO_LIVE, flag, number, seconds, text};
use super::table::{Consistency, Table, Write};
use super::tables::COUNTERS;
use super::update::Update;
use crate::env::{Env, EnvError};
use crate::identity::{Owner, SessionId};

const TENANT: &str = "tenant";
const USER: &str = "user";
const SESSION_ID: &str = "session_id";
const ANONYMOUS: &str = "anonymous";
const SESSION_ENDS_AT: &str = "session_ends_at";
const ID: &str = "id";
const BEGAN_AT: &str = "began_at";
/// How often a family was refreshed.
const GENERATION: &str = "generation";
const ROTATED_AT: &str = "rotated_at";
const ENDED_AT: &str = "ended_at";

/// Sessions and their families. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Sessions {
    table: Table,
}

/// What becomes of a session that is to be exchanged for the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exchange {
    /// This is the first time.
    First,
    /// It was exchanged at this moment, within the leeway: the answer is the same once more.
    Again(Timestamp),
    /// It was exchanged before that, so two parties have it: its family is ended now.
    Reused,
    /// The family was ended before.
    Ended,
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
    /// Its place in its family; none in an old record.
    pub id: Option<SessionId>,
    /// When the family began, in whole seconds; none in an old record.
    pub began_at: Option<Timestamp>,
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
            (ID, session.id.as_ref().map(|id| text(id.to_string()))),
            (BEGAN_AT, session.began_at.map(seconds)),
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

    /// Records that a session is exchanged for the next one of its family, if it may be. `keep_until` is when no
    /// session of the family could be exchanged anyway.
    pub async fn exchange(
        &self,
        id: &SessionId,
        now: Timestamp,
        leeway: Duration,
        keep_until: Timestamp,
    ) -> Result<Exchange, StoreError> {
        let next = id.next().generation;
        let update = Update::of(family(&id.family))
            .set(GENERATION, number(next))
            .set(ROTATED_AT, number(now.as_microsecond()))
            .set(TIME_TO_LIVE, seconds(keep_until))
            .when(format!("attribute_not_exists(#{ENDED_AT})"))
            // Less than the session's only if the table was restored from a backup.
            .when(format!("(attribute_not_exists(#{GENERATION}) OR #{GENERATION} <= :current)"))
            .value("current", number(id.generation));
        let Write::Refused(record) = self.table.update(update).await? else { return Ok(Exchange::First) };
        if record.contains(ENDED_AT) {
            return Ok(Exchange::Ended);
        }
        let rotated_at = record.number(ROTATED_AT).and_then(|at| Timestamp::from_microsecond(at).ok());
        let rotated_at = rotated_at.ok_or_else(|| StoreError::unreadable(ROTATED_AT))?;
        if record.number(GENERATION) == Some(next) && now <= rotated_at + leeway {
            return Ok(Exchange::Again(rotated_at));
        }
        self.end(&id.family, now, keep_until).await?;
        Ok(Exchange::Reused)
    }

    /// Ends a family: none of its sessions is exchanged any more.
    pub async fn end(&self, family_id: &str, now: Timestamp, keep_until: Timestamp) -> Result<(), StoreError> {
        let update = Update::of(family(family_id)).set(ENDED_AT, seconds(now)).set(TIME_TO_LIVE, seconds(keep_until));
        self.table.update(update).await?;
        Ok(())
    }

    /// Ends all families of an owner that began up to now, to the second.
    pub async fn end_all(&self, owner: &Owner, now: Timestamp, keep_until: Timestamp) -> Result<(), StoreError> {
        let update = Update::of(all(owner)).set(ENDED_AT, seconds(now)).set(TIME_TO_LIVE, seconds(keep_until));
        self.table.update(update).await?;
        Ok(())
    }

    /// When all families of an owner were ended, if they were.
    pub async fn all_ended_at(&self, owner: &Owner) -> Result<Option<Timestamp>, StoreError> {
        let record = self.table.get(&all(owner), Consistency::Strong).await?;
        record.map(|record| record.seconds(ENDED_AT)).transpose()
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
            id: record.text(ID).map(SessionId::from),
            began_at: record.number(BEGAN_AT).and_then(|at| Timestamp::from_second(at).ok()),
        })
    }
}

/// Of a secret's SHA-256, or of a family's id.
fn key(id: &str, name: &str) -> Key {
    Key { partition: format!("S#{}", escape(id)), sort: name.to_owned() }
}

fn family(id: &str) -> Key {
    key(id, "family")
}

fn all(owner: &Owner) -> Key {
    Scope::User(owner).key("sessions")
}
