//! Open WebSocket connections, and whose they are: a message on one names nothing but the connection.
//!
//! A connection has a record of its own, and an element in a set of its user's, whose size is the limit. Both outlive
//! the connection at most by what API Gateway allows one to last, so that a lost `$disconnect` locks no user out for
//! good.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::DynamoDb;
use super::budgets::{Budgets, Charge, Charged, Refusal, Scope};
use super::error::StoreError;
use super::key::{Key, escape};
use super::record::{Record, TIME_TO_LIVE, flag, json, number, seconds, text};
use super::table::{Table, Write};
use super::tables::COUNTERS;
use super::update::Update;
use crate::env::{Env, EnvError};
use crate::identity::{Identity, Owner, Session};
use crate::limits::Bucket;

const TENANT: &str = "tenant";
const USER: &str = "user";
const ANONYMOUS: &str = "anonymous";
const PROFILE: &str = "profile";
/// What the assistant's tools may ask for; none where the session has none.
const PERMISSIONS: &str = "permissions";
/// What the person reads, by the handshake; none where it does not say.
const LANGUAGES: &str = "languages";
const BEGAN_AT: &str = "began_at";
const SESSION_ENDS_AT: &str = "session_ends_at";
const CLOSES_AT: &str = "closes_at";
/// The set of a user's connections.
const OPEN: &str = "open";

/// How long API Gateway keeps a connection at most (API Gateway developer guide, quotas of WebSocket APIs).
const LIFETIME: Duration = Duration::from_hours(2);
/// Attempts to get a place among a user's connections. One that fails has seen which of them are over.
const PLACE_ATTEMPTS: usize = 3;

/// Open WebSocket connections. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Connections {
    table: Table,
    /// Messages on a connection are limited like anything else.
    budgets: Budgets,
}

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageAdmission {
    /// It is this session's. Whether that has ended is the caller's question.
    Admitted(Box<Session>),
    /// Too many on this connection.
    Refused {
        /// After which time one would be admitted, in whole seconds.
        retry_after: Duration,
    },
    /// There is no such connection, or not any more.
    Unknown,
}

impl Connections {
    /// Reads `TABLE_COUNTERS`.
    pub fn from_env(dynamodb: &DynamoDb, env: &Env) -> Result<Self, EnvError> {
        let table = Table::from_env(dynamodb, env, COUNTERS)?;
        Ok(Self { table, budgets: Budgets::from_env(dynamodb, env)? })
    }

    /// Remembers a connection that is being opened; false if the user has `max_open` of them already. 0 is no limit.
    /// Two writes, more only where connections are over without a `$disconnect`.
    pub async fn open(&self, id: &str, session: &Session, max_open: u32, now: Timestamp) -> Result<bool, StoreError> {
        let closes_at = now + LIFETIME;
        let owner = &session.identity.owner;
        if max_open > 0 && !self.take_place(owner, element(closes_at.as_second(), id), closes_at, max_open, now).await?
        {
            return Ok(false);
        }
        let lifetime = [(CLOSES_AT, seconds(closes_at)), (TIME_TO_LIVE, seconds(closes_at))];
        let languages = &session.identity.languages;
        let languages = (!languages.is_empty()).then(|| json(languages)).transpose()?;
        let fields = fields(session)?
            .into_iter()
            .chain([(LANGUAGES, languages)])
            .chain(lifetime.map(|(name, value)| (name, Some(value))));
        self.table.put(&key(id), Record::of(fields)).await?;
        Ok(true)
    }

    /// Counts a message and says whose connection it came on, in one write.
    pub async fn admit_message(
        &self,
        id: &str,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<MessageAdmission, StoreError> {
        let expires_at = (now + LIFETIME).as_second();
        let charge = Charge { key: key(id), bucket: *bucket, tokens: None, expires_at };
        match self.budgets.charge(&charge, None, now).await? {
            Charged::Refused(Refusal { retry_after, .. }) => Ok(MessageAdmission::Refused { retry_after }),
            Charged::Admitted(record) if record.contains(USER) => {
                Ok(MessageAdmission::Admitted(Box::new(session(&record)?)))
            }
            Charged::Admitted(_) => Ok(MessageAdmission::Unknown),
        }
    }

    /// Gives a connection a new session of its user's; false if it is another user's, or there is no such connection.
    pub async fn renew(&self, id: &str, session: &Session) -> Result<bool, StoreError> {
        let fields = fields(session)?.into_iter();
        let update = fields.fold(Update::of(key(id)), |update, (name, value)| match (name, value) {
            (TENANT | USER, Some(value)) => update.when(format!("#{name} = :{name}")).value(name, value),
            (_, Some(value)) => update.set(name, value),
            (_, None) => update.remove(name),
        });
        Ok(self.table.update(update).await?.is_done())
    }

    /// Forgets a connection that is closed. A second time changes nothing.
    pub async fn close(&self, id: &str) -> Result<(), StoreError> {
        let record = self.table.take(&key(id)).await?;
        let Some(closes_at) = record.number(CLOSES_AT) else { return Ok(()) };
        self.leave(&owner(&record)?, vec![element(closes_at, id)]).await
    }

    /// Adds a connection to the user's, if there is a place or one can be made.
    async fn take_place(
        &self,
        owner: &Owner,
        element: String,
        closes_at: Timestamp,
        max_open: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        for _ in 0..PLACE_ATTEMPTS {
            let add = Update::of(places(owner))
                .set(TIME_TO_LIVE, seconds(closes_at))
                .add(OPEN, "element", AttributeValue::Ss(vec![element.clone()]))
                .when(format!("attribute_not_exists(#{OPEN}) OR size(#{OPEN}) < :max_open"))
                .value("max_open", number(max_open));
            let Write::Refused(record) = self.table.update(add).await? else { return Ok(true) };
            if record.set(OPEN).contains(&element) {
                // It has its place, and the answer that said so was lost.
                return Ok(true);
            }
            let over = over(&record, now);
            if over.is_empty() {
                return Ok(false);
            }
            self.leave(owner, over).await?;
        }
        Ok(false)
    }

    async fn leave(&self, owner: &Owner, elements: Vec<String>) -> Result<(), StoreError> {
        let remove = Update::of(places(owner)).remove_elements(OPEN, AttributeValue::Ss(elements));
        // Or a record would come into being that nothing removes.
        self.table.update(remove.when(format!("attribute_exists(#{OPEN})"))).await?;
        Ok(())
    }
}

fn key(id: &str) -> Key {
    Key { partition: format!("C#{}", escape(id)), sort: "socket".to_owned() }
}

/// The key of a user's connections.
fn places(owner: &Owner) -> Key {
    Scope::User(owner).key("sockets")
}

/// A connection in its user's set.
fn element(closes_at: i64, id: &str) -> String {
    format!("{closes_at}#{id}")
}

/// Those of a user's connections that API Gateway has closed by now.
fn over(record: &Record, now: Timestamp) -> Vec<String> {
    let closes_at = |element: &str| element.split_once('#').and_then(|(at, _)| at.parse::<i64>().ok());
    let is_over = |element: &&String| closes_at(element).is_none_or(|at| at <= now.as_second());
    record.set(OPEN).iter().filter(is_over).cloned().collect()
}

/// What is kept of a session.
fn fields(session: &Session) -> Result<[(&'static str, Option<AttributeValue>); 7], StoreError> {
    let Session { identity, expires_at, began_at } = session;
    let permissions = &identity.permissions;
    Ok([
        (TENANT, Some(text(identity.owner.tenant()))),
        (USER, Some(text(identity.owner.user()))),
        (ANONYMOUS, Some(flag(identity.anonymous))),
        (PROFILE, Some(json(&identity.claims)?)),
        (PERMISSIONS, (!permissions.is_empty()).then(|| json(permissions)).transpose()?),
        (BEGAN_AT, Some(seconds(*began_at))),
        (SESSION_ENDS_AT, Some(seconds(*expires_at))),
    ])
}

fn session(record: &Record) -> Result<Session, StoreError> {
    let (anonymous, claims) = (record.flag(ANONYMOUS), record.json(PROFILE)?.unwrap_or_default());
    let permissions = record.json(PERMISSIONS)?.unwrap_or_default();
    let languages = record.json(LANGUAGES)?.unwrap_or_default();
    let identity = Identity { anonymous, claims, permissions, languages, ..Identity::of(owner(record)?) };
    Ok(Session { identity, expires_at: record.seconds(SESSION_ENDS_AT)?, began_at: record.seconds(BEGAN_AT)? })
}

fn owner(record: &Record) -> Result<Owner, StoreError> {
    Owner::new(record.required(TENANT)?, record.required(USER)?).map_err(|_| StoreError::unreadable(USER))
}
