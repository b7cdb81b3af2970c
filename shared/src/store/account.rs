//! What turns are charged to, and why one is refused.

use std::time::Duration;

use jiff::Timestamp;

use super::attributes::{self, Record};
use super::counters::{Charge, Scope};
use super::period::{Period, Window};
use crate::limits::{Bucket, whole_seconds};

/// The name of an account's record.
pub(super) const BUDGET: &str = "budget";

/// What turns are charged to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    /// Whose it is.
    pub scope: Scope<'a>,
    /// Turns.
    pub turns: Bucket,
    /// Model tokens in each window; 0 means no limit.
    pub tokens: u64,
    /// How long a window is.
    pub window: Window,
}

/// Why a turn may not begin or go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// After which time it may, in whole seconds.
    pub retry_after: Duration,
    /// Which limit refused; of several, the one that lasts longest.
    pub limit: Limit,
}

/// Which limit refused a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// Turns per minute: `rate_limit_exceeded`.
    Turns,
    /// Tokens of somebody's window: `budget_exceeded`.
    Tokens(Payer),
}

/// Whose tokens they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Payer {
    /// The user's own.
    User,
    /// Those of everybody at a client address.
    Address,
    /// Those of all users of a tenant.
    Tenant,
}

/// Tokens to reserve in a window.
pub(super) struct Tokens {
    pub(super) payer: Payer,
    pub(super) period: Period,
    pub(super) budget: u64,
    pub(super) reserve: u64,
}

impl Tokens {
    /// The attribute that counts the window's tokens.
    pub(super) fn attribute(&self) -> String {
        self.period.attribute()
    }

    /// What may be used already for the reservation to fit.
    pub(super) const fn room(&self) -> u64 {
        self.budget - self.reserve
    }

    /// Until when the reservation does not fit, if it does not; `now` in microseconds.
    pub(super) fn refusal(&self, record: &Record, now: i64) -> Option<Refusal> {
        let used: i64 = attributes::number(record, &self.attribute())?;
        let fits = u64::try_from(used).unwrap_or_default() <= self.room();
        (!fits).then(|| Refusal::until_the_end(self.period, self.payer, now))
    }
}

impl Refusal {
    pub(super) fn until_the_end(period: Period, payer: Payer, now: i64) -> Self {
        let retry_after = whole_seconds(period.ends_at() * 1_000_000 - now);
        Self { retry_after, limit: Limit::Tokens(payer) }
    }
}

impl Account<'_> {
    pub(super) const fn is_limited(&self) -> bool {
        !self.turns.is_off() || self.tokens > 0
    }

    /// A turn that may cost so many tokens.
    pub(super) fn charge(&self, reserve: u64, now: Timestamp) -> Charge {
        let Self { scope, turns, tokens: budget, window } = *self;
        let period = Period::of(window, now);
        let reserve = reserve.min(budget);
        let full_at = now.as_microsecond().saturating_add(turns.span()) / 1_000_000;
        Charge {
            key: scope.key(BUDGET),
            bucket: turns,
            tokens: (budget > 0).then(|| Tokens { payer: scope.payer(), period, budget, reserve }),
            expires_at: full_at.max(period.settled_at()),
        }
    }
}
