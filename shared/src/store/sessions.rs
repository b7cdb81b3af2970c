//! Sessions, by the SHA-256 of their secret: whoever reads the table learns no secret.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::attributes::{self, TIME_TO_LIVE};
use super::counters::Counters;
use super::error::{StoreError, refused};
use super::key::{Key, escape};

const TENANT: &str = "tenant";
const USER: &str = "user";
const SESSION_ID: &str = "session_id";
const ANONYMOUS: &str = "anonymous";
const SESSION_ENDS_AT: &str = "session_ends_at";
const ROTATED_AT: &str = "rotated_at";

/// Whose session a secret stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRecord {
    /// The tenant.
    pub tenant: String,
    /// The user.
    pub user: String,
    /// The session.
    pub session_id: String,
    /// Whether the user is an anonymous visitor.
    pub anonymous: bool,
    /// When the session ends, in whole seconds.
    pub expires_at: Timestamp,
}

impl Counters {
    /// Remembers a session until `keep_until`, which may be later than its end. `secret_sha256` is in hexadecimal.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn remember_session(
        &self,
        secret_sha256: &str,
        session: &SessionRecord,
        keep_until: Timestamp,
    ) -> Result<(), StoreError> {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let seconds = |at: Timestamp| AttributeValue::N(at.as_second().to_string());
        let request = self
            .client
            .put_item()
            .table_name(&*self.table)
            .set_item(Some(key(secret_sha256, "session").attributes()))
            .item(TENANT, text(&session.tenant))
            .item(USER, text(&session.user))
            .item(SESSION_ID, text(&session.session_id))
            .item(ANONYMOUS, AttributeValue::Bool(session.anonymous))
            .item(SESSION_ENDS_AT, seconds(session.expires_at))
            .item(TIME_TO_LIVE, seconds(keep_until));
        request.send().await?;
        Ok(())
    }

    /// The session of a secret (strongly consistent: a page uses it at once); none if there is none, or it need not be
    /// kept any longer. Whether it has ended is the caller's question.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn session(&self, secret_sha256: &str, now: Timestamp) -> Result<Option<SessionRecord>, StoreError> {
        let get = self.client.get_item().table_name(&*self.table).consistent_read(true);
        let answer = get.set_key(Some(key(secret_sha256, "session").attributes())).send().await?;
        let kept = |until: &i64| *until > now.as_second();
        let Some(record) = answer.item else { return Ok(None) };
        if attributes::number(&record, TIME_TO_LIVE).filter(kept).is_none() {
            return Ok(None);
        }
        let ends_at = attributes::number(&record, SESSION_ENDS_AT).and_then(|at| Timestamp::from_second(at).ok());
        Ok(Some(SessionRecord {
            tenant: attributes::required(&record, TENANT)?.to_owned(),
            user: attributes::required(&record, USER)?.to_owned(),
            session_id: attributes::required(&record, SESSION_ID)?.to_owned(),
            anonymous: record.get(ANONYMOUS).is_some_and(|value| value.as_bool() == Ok(&true)),
            expires_at: ends_at.ok_or_else(|| StoreError::unreadable(SESSION_ENDS_AT))?,
        }))
    }

    /// Takes back that a secret was exchanged, because nothing was given for it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn undo_rotation(&self, secret_sha256: &str) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&*self.table);
        delete.set_key(Some(key(secret_sha256, "rotation").attributes())).send().await?;
        Ok(())
    }

    /// Notes that a secret is exchanged for a new one, and whether it may be: the first time it may, and again only
    /// within `leeway` of that (two tabs, a lost answer). `keep_until` is when the secret could not be exchanged
    /// anyway.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn rotate(
        &self,
        secret_sha256: &str,
        now: Timestamp,
        leeway: Duration,
        keep_until: Timestamp,
    ) -> Result<bool, StoreError> {
        let leeway = i64::try_from(leeway.as_micros()).unwrap_or(i64::MAX);
        let now = now.as_microsecond();
        let answer = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key(secret_sha256, "rotation").attributes()))
            .update_expression("SET #at = if_not_exists(#at, :now), #expires_at = :keep_until")
            .condition_expression("attribute_not_exists(#at) OR #at >= :earliest")
            .expression_attribute_names("#at", ROTATED_AT)
            .expression_attribute_names("#expires_at", TIME_TO_LIVE)
            .expression_attribute_values(":now", AttributeValue::N(now.to_string()))
            .expression_attribute_values(":earliest", AttributeValue::N(now.saturating_sub(leeway).to_string()))
            .expression_attribute_values(":keep_until", AttributeValue::N(keep_until.as_second().to_string()))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) => refused(error).map(|_| false),
        }
    }
}

fn key(secret_sha256: &str, name: &str) -> Key {
    Key { partition: format!("S#{}", escape(secret_sha256)), sort: name.to_owned() }
}
