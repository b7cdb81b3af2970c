//! What a user may spend: turns of a bucket and model tokens of a clock hour, in one record and one write.

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;

use super::attributes::{self, Record, TIME_TO_LIVE};
use super::counters::{Charge, Charged, Counters, FULL_AT, Scope};
use super::error::{StoreError, refused};
use super::key::Key;
use crate::identity::Owner;
use crate::limits::{Bucket, whole_seconds};

/// The name of a user's record.
const BUDGET: &str = "budget";
const SECONDS_OF_AN_HOUR: i64 = 3600;

/// Whether a turn may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may; give the reservation back with [`Counters::settle`].
    Admitted(Reservation),
    /// It may not.
    Refused {
        /// After which time it may, in whole seconds.
        retry_after: Duration,
        /// Which limit refused; of two, the one that lasts longer.
        limit: Limit,
    },
}

/// Which limit refused a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Turns per minute: `rate_limit_exceeded`.
    Turns,
    /// Tokens per hour: `budget_exceeded`.
    Tokens,
}

/// Tokens held for a turn until it is known what it used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "reserved tokens count as used until they are settled"]
pub struct Reservation {
    key: Key,
    /// None when no tokens are counted.
    held: Option<Held>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    hour: i64,
    tokens: u64,
    /// Attributes of hours that nobody settles any more.
    stale: Vec<String>,
}

/// What a user has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Turns that would be admitted now; none when the limit is off.
    pub turns_available: Option<u32>,
    /// When all turns are available again; in the past if they are.
    pub turns_full_at: Timestamp,
    /// Tokens of this clock hour, with those reserved for turns that run.
    pub tokens_this_hour: u64,
    /// When the next clock hour begins.
    pub tokens_reset_at: Timestamp,
}

/// Tokens to reserve in a clock hour.
pub(super) struct Tokens {
    hour: i64,
    per_hour: u64,
    pub(super) reserve: u64,
}

impl Tokens {
    /// The attribute that counts the hour's tokens.
    pub(super) fn attribute(&self) -> String {
        hour_attribute(self.hour)
    }

    /// What may be used already for the reservation to fit.
    pub(super) const fn room(&self) -> u64 {
        self.per_hour - self.reserve
    }

    /// Until when the reservation does not fit, if it does not.
    pub(super) fn refusal(&self, record: &Record, now: i64) -> Option<(Duration, Limit)> {
        let used: i64 = attributes::number(record, &self.attribute())?;
        let fits = u64::try_from(used).unwrap_or_default() <= self.room();
        let wait = (self.hour + 1) * SECONDS_OF_AN_HOUR * 1_000_000 - now;
        (!fits).then(|| (whole_seconds(wait), Limit::Tokens))
    }
}

impl Counters {
    /// Takes a turn and reserves tokens for it, with one write in the common case. 0 turns a limit off; with both off
    /// nothing is written. A reservation greater than the whole budget counts as the whole budget.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn admit(
        &self,
        owner: &Owner,
        turns: &Bucket,
        tokens_per_hour: u64,
        reserve: u64,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let key = budget_key(owner);
        if turns.is_off() && tokens_per_hour == 0 {
            return Ok(Admission::Admitted(Reservation { key, held: None }));
        }
        let hour = now.as_second().div_euclid(SECONDS_OF_AN_HOUR);
        let tokens = (tokens_per_hour > 0).then(|| Tokens {
            hour,
            per_hour: tokens_per_hour,
            reserve: reserve.min(tokens_per_hour),
        });
        let held = tokens.as_ref().map(|tokens| tokens.reserve);
        let full_at = now.as_microsecond().saturating_add(turns.span()) / 1_000_000;
        let charge = Charge { key, bucket: *turns, tokens, expires_at: full_at.max(expiry_of(hour)) };
        Ok(match self.charge(&charge, now).await? {
            Charged::Admitted(record) => Admission::Admitted(Reservation {
                key: charge.key,
                held: held.map(|tokens| Held { hour, tokens, stale: stale(&record, hour) }),
            }),
            Charged::Refused { retry_after, limit } => Admission::Refused { retry_after, limit },
        })
    }

    /// Reserves more for a turn that asks the model again, in the hour in which it was admitted, so that `total` tokens are
    /// held for it; whether there was room. At most one write.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold(
        &self,
        reservation: &mut Reservation,
        tokens_per_hour: u64,
        total: u64,
    ) -> Result<bool, StoreError> {
        let Some(held) = &mut reservation.held else { return Ok(true) };
        let more = total.saturating_sub(held.tokens);
        if more == 0 {
            return Ok(true);
        }
        let Some(room) = tokens_per_hour.checked_sub(more) else { return Ok(false) };
        let request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(reservation.key.attributes()))
            .update_expression("SET #expires_at = if_not_exists(#expires_at, :expires_at) ADD #hour :more")
            .condition_expression("attribute_not_exists(#hour) OR #hour <= :room")
            .expression_attribute_names("#hour", hour_attribute(held.hour))
            .expression_attribute_names("#expires_at", TIME_TO_LIVE)
            .expression_attribute_values(":more", AttributeValue::N(more.to_string()))
            .expression_attribute_values(":room", AttributeValue::N(room.to_string()))
            .expression_attribute_values(":expires_at", AttributeValue::N(expiry_of(held.hour).to_string()));
        match Box::pin(request.send()).await {
            Ok(_) => {
                held.tokens = total;
                Ok(true)
            }
            Err(error) => refused(error).map(|_| false),
        }
    }

    /// Puts what a turn really used in place of what was reserved for it, in the hour in which it was admitted. At most
    /// one write.
    ///
    /// # Errors
    /// [`StoreError`]: the reservation then stays counted until the hour ends.
    pub async fn settle(&self, reservation: &Reservation, used: u64) -> Result<(), StoreError> {
        let Some(held) = &reservation.held else { return Ok(()) };
        let difference = i128::from(used) - i128::from(held.tokens);
        if difference == 0 && held.stale.is_empty() {
            return Ok(());
        }
        let mut request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(reservation.key.attributes()))
            .expression_attribute_names("#hour", hour_attribute(held.hour))
            .expression_attribute_names("#expires_at", TIME_TO_LIVE)
            .expression_attribute_values(":difference", AttributeValue::N(difference.to_string()))
            .expression_attribute_values(":expires_at", AttributeValue::N(expiry_of(held.hour).to_string()));
        // The record may have expired meanwhile, so a new one needs an end, too.
        let mut expression =
            "SET #expires_at = if_not_exists(#expires_at, :expires_at) ADD #hour :difference".to_owned();
        for (index, name) in held.stale.iter().enumerate() {
            expression.push_str(if index == 0 { " REMOVE " } else { ", " });
            expression.push_str(&format!("#stale{index}"));
            request = request.expression_attribute_names(format!("#stale{index}"), name);
        }
        Box::pin(request.update_expression(expression).send()).await?;
        Ok(())
    }

    /// What a user has used by now. `turns` is the bucket that [`Counters::admit`] takes from.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn used(&self, owner: &Owner, turns: &Bucket, now: Timestamp) -> Result<Used, StoreError> {
        let key = budget_key(owner);
        let get = self.client.get_item().table_name(&*self.table).set_key(Some(key.attributes()));
        let record = get.send().await?.item.unwrap_or_default();
        let hour = now.as_second().div_euclid(SECONDS_OF_AN_HOUR);
        let state = attributes::number(&record, FULL_AT);
        let tokens: i64 = attributes::number(&record, &hour_attribute(hour)).unwrap_or_default();
        let full_at = state.and_then(|state| Timestamp::from_microsecond(state).ok());
        Ok(Used {
            turns_available: turns.available(state, now.as_microsecond()),
            turns_full_at: full_at.unwrap_or(now),
            tokens_this_hour: u64::try_from(tokens).unwrap_or_default(),
            tokens_reset_at: Timestamp::from_second((hour + 1) * SECONDS_OF_AN_HOUR).unwrap_or(now),
        })
    }
}

fn budget_key(owner: &Owner) -> Key {
    Key { partition: Scope::User(owner).partition(), sort: BUDGET.to_owned() }
}

fn hour_attribute(hour: i64) -> String {
    format!("h{hour}")
}

/// A turn that began in the hour may settle in the next one.
const fn expiry_of(hour: i64) -> i64 {
    (hour + 2) * SECONDS_OF_AN_HOUR
}

/// The attributes of hours before the last one.
fn stale(record: &Record, hour: i64) -> Vec<String> {
    let old = |name: &String| name.strip_prefix('h').and_then(|h| h.parse().ok()).is_some_and(|h: i64| h < hour - 1);
    record.keys().filter(|name| old(name)).cloned().collect()
}
