//! What may be spent: turns of a bucket and model tokens of a window, by one record and one write for each account.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use jiff::Timestamp;

use super::account::{Account, BUDGET, Payer, Refusal, Tokens};
use super::attributes::{self, Record, TIME_TO_LIVE};
use super::counters::{Charge, Charged, Counters, FULL_AT, Scope};
use super::error::{StoreError, refused};
use super::key::Key;
use super::mark::{IS_NEWS, SETS_MARK};
use super::period::{Period, Window};
use crate::identity::Owner;
use crate::limits::Bucket;
use crate::telemetry::chain;

/// Whether a turn may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may; give the reservation back with [`Counters::settle`].
    Admitted(Reservation),
    /// It may not.
    Refused(Refusal),
}

/// Tokens held for a turn until it is known what it used. One that is never settled lapses with its windows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "reserved tokens count as used until they are settled"]
pub struct Reservation {
    /// By account; none of an account whose tokens are not counted.
    held: Vec<Held>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Held {
    key: Key,
    payer: Payer,
    /// The window in which the turn was admitted.
    period: Period,
    /// All tokens of the window.
    budget: u64,
    tokens: u64,
    /// Attributes of windows that nobody settles any more.
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

impl Counters {
    /// Takes a turn and reserves tokens for it from all accounts at once, with one write for each in the common case. 0
    /// turns a limit off; an account with nothing but such is not written. A reservation greater than a whole budget
    /// counts as the whole budget. Where one account refuses, the tokens of the others are given back; their turns are
    /// not, as a turn that is asked for too soon is one, too. Where it is known that one will probably refuse, they are
    /// charged one after the other, so that who asks too often holds nothing of what others share.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn admit(&self, accounts: &[Account<'_>], reserve: u64, now: Timestamp) -> Result<Admission, StoreError> {
        let limited = accounts.iter().filter(|account| account.is_limited());
        let charges: Vec<_> = limited.map(|account| account.charge(reserve, now)).collect();
        let at_a_time = if charges.iter().any(|charge| self.probably_refuses(charge, now)) { 1 } else { charges.len() };
        let mut reservation = Reservation::default();
        let mut refusals = Vec::new();
        let mut failure = None;
        let mut charges = charges.into_iter().peekable();
        while charges.peek().is_some() && refusals.is_empty() && failure.is_none() {
            let next = charges.by_ref().take(at_a_time);
            let charged = next.map(async |charge| self.charge(&charge, now).await.map(|charged| (charge, charged)));
            for charged in join_all(charged).await {
                match charged {
                    Ok((charge, Charged::Admitted(record))) => reservation.held.extend(Held::of(charge, &record)),
                    Ok((_, Charged::Refused(refusal))) => refusals.push(refusal),
                    Err(error) => failure = Some(error),
                }
            }
        }
        let refusal = refusals.into_iter().max_by_key(|refusal| refusal.retry_after);
        let Some(refused) = failure.map(Err).or(refusal.map(Ok)) else {
            return Ok(Admission::Admitted(reservation));
        };
        if let Err(error) = self.settle(&reservation, 0).await {
            tracing::warn!(error = chain(&error), "what was reserved for a turn that is refused was not given back");
        }
        refused.map(Admission::Refused)
    }

    /// Reserves more for a turn, in the windows in which it was admitted, so that `total` tokens are held for it; why there
    /// is no room, if so: what was held then stays held. At most one write for each account.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold(
        &self,
        reservation: &mut Reservation,
        total: u64,
        now: Timestamp,
    ) -> Result<Option<Refusal>, StoreError> {
        self.raise(reservation, |_| total, now).await
    }

    /// As [`Counters::hold`], but more than a whole budget counts as the whole budget, as it does where a turn is admitted:
    /// while nothing is used, one turn at a time may begin however much it can cost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn hold_at_first(
        &self,
        reservation: &mut Reservation,
        total: u64,
        now: Timestamp,
    ) -> Result<Option<Refusal>, StoreError> {
        self.raise(reservation, |budget| total.min(budget), now).await
    }

    async fn raise(
        &self,
        reservation: &mut Reservation,
        total: impl Fn(u64) -> u64 + Send,
        now: Timestamp,
    ) -> Result<Option<Refusal>, StoreError> {
        let raised = reservation.held.iter_mut().map(|held| {
            let total = total(held.budget);
            self.raise_one(held, total, now.as_microsecond())
        });
        let refusals = join_all(raised).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(refusals.into_iter().flatten().max_by_key(|refusal| refusal.retry_after))
    }

    async fn raise_one(&self, held: &mut Held, total: u64, now: i64) -> Result<Option<Refusal>, StoreError> {
        let more = total.saturating_sub(held.tokens);
        if more == 0 {
            return Ok(None);
        }
        let refusal = Refusal::until_the_end(held.period, held.payer, now);
        let Some(room) = held.budget.checked_sub(more) else { return Ok(Some(refusal)) };
        let mark = self.marks.next();
        let request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(held.key.attributes()))
            .update_expression(format!(
                "SET #expires_at = if_not_exists(#expires_at, :expires_at), {SETS_MARK} ADD #window :more"
            ))
            .condition_expression(format!("{IS_NEWS} AND (attribute_not_exists(#window) OR #window <= :room)"))
            .expression_attribute_names("#window", held.period.attribute())
            .expression_attribute_names("#expires_at", TIME_TO_LIVE)
            .expression_attribute_values(":more", AttributeValue::N(more.to_string()))
            .expression_attribute_values(":room", AttributeValue::N(room.to_string()))
            .expression_attribute_values(":expires_at", AttributeValue::N(held.period.settled_at().to_string()));
        if let Err(error) = Box::pin(mark.on(request).send()).await
            && !mark.is_on(&refused(error)?)
        {
            return Ok(Some(refusal));
        }
        held.tokens = total;
        Ok(None)
    }

    /// Puts what a turn really used in place of what was reserved for it, in the windows in which it was admitted. At most
    /// one write for each account.
    ///
    /// # Errors
    /// [`StoreError`]: what was reserved in an account that could not be written stays counted until its window ends.
    pub async fn settle(&self, reservation: &Reservation, used: u64) -> Result<(), StoreError> {
        let settled = reservation.held.iter().map(|held| self.settle_one(held, used));
        join_all(settled).await.into_iter().collect()
    }

    async fn settle_one(&self, held: &Held, used: u64) -> Result<(), StoreError> {
        let difference = i128::from(used) - i128::from(held.tokens);
        if difference == 0 && held.stale.is_empty() {
            return Ok(());
        }
        let mut request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(held.key.attributes()))
            .condition_expression(IS_NEWS)
            .expression_attribute_names("#window", held.period.attribute())
            .expression_attribute_names("#expires_at", TIME_TO_LIVE)
            .expression_attribute_values(":difference", AttributeValue::N(difference.to_string()))
            .expression_attribute_values(":expires_at", AttributeValue::N(held.period.settled_at().to_string()));
        // The record may have expired meanwhile, so a new one needs an end, too.
        let mut expression =
            format!("SET #expires_at = if_not_exists(#expires_at, :expires_at), {SETS_MARK} ADD #window :difference");
        for (index, name) in held.stale.iter().enumerate() {
            expression.push_str(if index == 0 { " REMOVE " } else { ", " });
            expression.push_str(&format!("#stale{index}"));
            request = request.expression_attribute_names(format!("#stale{index}"), name);
        }
        match Box::pin(self.marks.next().on(request.update_expression(expression)).send()).await {
            Ok(_) => Ok(()),
            // It is settled already.
            Err(error) => refused(error).map(|_| ()),
        }
    }

    /// What a user has used by now. `turns` is the bucket that [`Counters::admit`] takes from.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn used(&self, owner: &Owner, turns: &Bucket, now: Timestamp) -> Result<Used, StoreError> {
        let key = Scope::User(owner).key(BUDGET);
        let get = self.client.get_item().table_name(&*self.table).set_key(Some(key.attributes()));
        let record = get.send().await?.item.unwrap_or_default();
        let hour = Period::of(Window::Hour, now);
        let state = attributes::number(&record, FULL_AT);
        let tokens: i64 = attributes::number(&record, &hour.attribute()).unwrap_or_default();
        let full_at = state.and_then(|state| Timestamp::from_microsecond(state).ok());
        Ok(Used {
            turns_available: turns.available(state, now.as_microsecond()),
            turns_full_at: full_at.unwrap_or(now),
            tokens_this_hour: u64::try_from(tokens).unwrap_or_default(),
            tokens_reset_at: Timestamp::from_second(hour.ends_at()).unwrap_or(now),
        })
    }
}

impl Held {
    /// What an admitted charge holds, if its tokens are counted; `record` is the account's as it is now.
    fn of(charge: Charge, record: &Record) -> Option<Self> {
        let Charge { key, tokens, .. } = charge;
        let Tokens { payer, period, budget, reserve } = tokens?;
        let stale = record.keys().filter(|name| period.outdates(name)).cloned().collect();
        Some(Self { key, payer, period, budget, tokens: reserve, stale })
    }
}
