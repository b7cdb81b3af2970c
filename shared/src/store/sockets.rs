//! Open WebSocket connections, and whose they are: a message on one names nothing but the connection.
//!
//! A connection has a record of its own, and an element in a set of its user's, whose size is the limit. Both outlive
//! the connection at most by what API Gateway allows one to last, so that a lost `$disconnect` locks nobody out for good.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure};
use jiff::Timestamp;

use super::account::Refusal;
use super::attributes::{self, Record, TIME_TO_LIVE};
use super::counters::{Charge, Charged, Counters, Scope};
use super::error::{StoreError, refused};
use super::key::{Key, escape};
use super::mark::SETS_MARK;
use crate::identity::{Identity, Owner, Session};
use crate::limits::Bucket;

const TENANT: &str = "tenant";
const USER: &str = "user";
const ANONYMOUS: &str = "anonymous";
const PROFILE: &str = "profile";
const BEGAN_AT: &str = "began_at";
const SESSION_ENDS_AT: &str = "session_ends_at";
const CLOSES_AT: &str = "closes_at";
/// The set of a user's connections.
const OPEN: &str = "open";

/// How long API Gateway keeps a connection at most (API Gateway developer guide, quotas of WebSocket APIs).
const LIFETIME: Duration = Duration::from_hours(2);
/// Tries of a place among a user's connections. A failed one has seen which of them are over.
const ATTEMPTS: usize = 3;

/// What becomes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketAdmission {
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

impl Counters {
    /// Remembers a connection that is being opened; false if the user has `most` of them already. 0 is no limit.
    /// Two writes, more only where connections are over and nobody said so.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_socket(
        &self,
        id: &str,
        session: &Session,
        most: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let closes_at = (now + LIFETIME).as_second();
        let owner = &session.identity.owner;
        if most > 0 && !self.take_place(owner, element(closes_at, id), closes_at, most, now).await? {
            return Ok(false);
        }
        let put = self.client.put_item().table_name(&*self.table).set_item(Some(key(id).attributes()));
        let put = put.item(CLOSES_AT, seconds(closes_at)).item(TIME_TO_LIVE, seconds(closes_at));
        let put = fields(session).into_iter().fold(put, |put, (name, value)| put.item(name, value));
        put.send().await?;
        Ok(true)
    }

    /// Counts a message and says whose connection it came on, in one write.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn admit_socket_message(
        &self,
        id: &str,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<SocketAdmission, StoreError> {
        let expires_at = (now + LIFETIME).as_second();
        let charge = Charge { key: key(id), bucket: *bucket, tokens: None, expires_at };
        match self.charge(&charge, now).await? {
            Charged::Refused(Refusal { retry_after, .. }) => Ok(SocketAdmission::Refused { retry_after }),
            Charged::Admitted(record) if record.contains_key(USER) => {
                Ok(SocketAdmission::Admitted(Box::new(session(&record)?)))
            }
            Charged::Admitted(_) => Ok(SocketAdmission::Unknown),
        }
    }

    /// Gives a connection a new session of its user's; false if it is somebody else's, or there is no such connection.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_socket(&self, id: &str, session: &Session) -> Result<bool, StoreError> {
        let request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(id).attributes()))
            .update_expression("SET #anonymous = :anonymous, #profile = :profile, #began = :began, #ends = :ends")
            .condition_expression("#tenant = :tenant AND #user = :user")
            .expression_attribute_names("#tenant", TENANT)
            .expression_attribute_names("#user", USER)
            .expression_attribute_names("#anonymous", ANONYMOUS)
            .expression_attribute_names("#profile", PROFILE)
            .expression_attribute_names("#began", BEGAN_AT)
            .expression_attribute_names("#ends", SESSION_ENDS_AT);
        let values = [":tenant", ":user", ":anonymous", ":profile", ":began", ":ends"].into_iter().zip(fields(session));
        let request =
            values.fold(request, |request, (name, (_, value))| request.expression_attribute_values(name, value));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) => refused(error).map(|_| false),
        }
    }

    /// Forgets a connection that is closed. A second time changes nothing.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn close_socket(&self, id: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&*self.table).set_key(Some(key(id).attributes()));
        let record = delete.return_values(ReturnValue::AllOld).send().await?.attributes.unwrap_or_default();
        let Some(closes_at) = attributes::number(&record, CLOSES_AT) else { return Ok(()) };
        self.leave(&owner(&record)?, vec![element(closes_at, id)]).await
    }

    /// Claims what may be done once, though the order to do it may come twice: true for the first who does. `keep_until`
    /// is when the order could not come any more.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim(&self, name: &str, keep_until: Timestamp) -> Result<bool, StoreError> {
        let key = Key { partition: format!("O#{}", escape(name)), sort: "claim".to_owned() };
        let mark = self.marks.next();
        let claim = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key.attributes()))
            .update_expression(format!("SET #expires_at = :expires_at, {SETS_MARK}"))
            .condition_expression("attribute_not_exists(#expires_at)")
            .expression_attribute_names("#expires_at", TIME_TO_LIVE)
            .expression_attribute_values(":expires_at", seconds(keep_until.as_second()));
        match mark.on(claim).send().await {
            Ok(_) => Ok(true),
            // One's own claim is met again where the answer to it was lost.
            Err(error) => refused(error).map(|claim| mark.is_on(&claim)),
        }
    }

    /// Adds a connection to the user's, if there is a place or one can be made.
    async fn take_place(
        &self,
        owner: &Owner,
        element: String,
        closes_at: i64,
        most: u32,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        for _ in 0..ATTEMPTS {
            let added = self
                .client
                .update_item()
                .table_name(&*self.table)
                .set_key(Some(places(owner).attributes()))
                .update_expression("SET #expires_at = :expires_at ADD #open :element")
                .condition_expression("attribute_not_exists(#open) OR size(#open) < :most")
                .expression_attribute_names("#expires_at", TIME_TO_LIVE)
                .expression_attribute_names("#open", OPEN)
                .expression_attribute_values(":expires_at", seconds(closes_at))
                .expression_attribute_values(":element", AttributeValue::Ss(vec![element.clone()]))
                .expression_attribute_values(":most", AttributeValue::N(most.to_string()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
                .await;
            let record = match added {
                Ok(_) => return Ok(true),
                Err(error) => refused(error)?,
            };
            if open(&record).contains(&element) {
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
        let removed = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(places(owner).attributes()))
            .update_expression("DELETE #open :elements")
            // Or a record would come into being that nothing removes.
            .condition_expression("attribute_exists(#open)")
            .expression_attribute_names("#open", OPEN)
            .expression_attribute_values(":elements", AttributeValue::Ss(elements))
            .send()
            .await;
        match removed {
            Ok(_) => Ok(()),
            Err(error) => refused(error).map(|_| ()),
        }
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
    open(record).iter().filter(|element| closes_at(element).is_none_or(|at| at <= now.as_second())).cloned().collect()
}

/// A user's connections.
fn open(record: &Record) -> &[String] {
    record.get(OPEN).and_then(|value| value.as_ss().ok()).map(Vec::as_slice).unwrap_or_default()
}

/// What is kept of a session. Claims are JSON of strings, so they can be written.
fn fields(session: &Session) -> [(&'static str, AttributeValue); 6] {
    let Session { identity, expires_at, began_at } = session;
    let text = |value: &str| AttributeValue::S(value.to_owned());
    [
        (TENANT, text(identity.owner.tenant())),
        (USER, text(identity.owner.user())),
        (ANONYMOUS, AttributeValue::Bool(identity.anonymous)),
        (PROFILE, text(&serde_json::to_string(&identity.claims).unwrap_or_default())),
        (BEGAN_AT, seconds(began_at.as_second())),
        (SESSION_ENDS_AT, seconds(expires_at.as_second())),
    ]
}

fn session(record: &Record) -> Result<Session, StoreError> {
    let time = |name: &'static str| {
        let at = attributes::number(record, name).and_then(|at| Timestamp::from_second(at).ok());
        at.ok_or_else(|| StoreError::unreadable(name))
    };
    let identity = Identity {
        owner: owner(record)?,
        anonymous: record.get(ANONYMOUS).is_some_and(|value| value.as_bool() == Ok(&true)),
        permissions: Vec::new(),
        claims: attributes::json(record, PROFILE)?.unwrap_or_default(),
        address: None,
    };
    Ok(Session { identity, expires_at: time(SESSION_ENDS_AT)?, began_at: time(BEGAN_AT)? })
}

fn owner(record: &Record) -> Result<Owner, StoreError> {
    let owner = Owner::new(attributes::required(record, TENANT)?, attributes::required(record, USER)?);
    owner.map_err(|_| StoreError::unreadable(USER))
}

fn seconds(at: i64) -> AttributeValue {
    AttributeValue::N(at.to_string())
}
