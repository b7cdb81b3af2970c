//! What a scope may spend, what a turn takes of it, and when that is refused. Arithmetic only: what a record holds
//! comes in as numbers.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::window::{Period, Window};
use crate::identity::Owner;
use crate::limits::{self, Bucket, Verdict};
use crate::store::key::{Key, escape, heads};

/// The name of the record that holds a scope's turns and tokens.
pub(super) const BUDGET: &str = "budget";

/// Whose budget or limit it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope<'a> {
    User(&'a Owner),
    /// All clients at an address, or in its network.
    Address(&'a str),
    /// All users of a tenant.
    Tenant(&'a str),
}

/// What a scope may spend on turns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Account<'a> {
    pub scope: Scope<'a>,
    /// The name of the scope's record.
    pub name: &'static str,
    pub turns: Bucket,
    /// Model tokens, or what else is counted, in each window; 0 means no limit.
    pub tokens: u64,
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
    /// Tokens of a window: `budget_exceeded`.
    Tokens(Payer),
}

/// Whose tokens they are: a [`Scope`] without its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payer {
    User,
    /// All clients at an address.
    Address,
    /// All users of a tenant.
    Tenant,
}

/// What one conditional write decides: a unit of a bucket, tokens of a budget, or both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::store) struct Charge {
    pub(in crate::store) key: Key,
    pub(in crate::store) bucket: Bucket,
    pub(in crate::store) tokens: Option<Tokens>,
    /// When the record is of no use any more, in unix seconds.
    pub(in crate::store) expires_at: i64,
}

/// Tokens to reserve in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Tokens {
    payer: Payer,
    period: Period,
    budget: u64,
    pub(super) reserve: u64,
}

/// Tokens that are reserved in a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Held {
    pub(super) key: Key,
    pub(super) payer: Payer,
    /// The window in which the turn was admitted.
    pub(super) period: Period,
    /// All tokens of the window.
    pub(super) budget: u64,
    pub(super) tokens: u64,
    /// Attributes of windows in which nothing is settled any more.
    #[serde(skip)]
    pub(super) outdated: Vec<String>,
}

/// What it takes to hold more tokens.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Raise {
    /// Nothing: enough are held.
    Enough,
    /// So many `more` tokens, if the window has not used more than `room`.
    More { more: u64, room: u64 },
    /// The whole budget would not do.
    TooMuch,
}

impl Scope<'_> {
    /// The key of one of the scope's limits.
    pub(in crate::store) fn key(self, name: &str) -> Key {
        /// An address has at most 45; what else a client may send is cut to what a key takes.
        const MAX_ADDRESS_CHARS: usize = 1024;
        let partition = match self {
            Self::User(owner) => format!("U#{}", heads(owner)),
            Self::Address(address) => format!("A#{}", escape(address)).chars().take(MAX_ADDRESS_CHARS).collect(),
            Self::Tenant(tenant) => format!("T#{}", escape(tenant)),
        };
        Key { partition, sort: escape(name).to_string() }
    }

    const fn payer(self) -> Payer {
        match self {
            Self::User(_) => Payer::User,
            Self::Address(_) => Payer::Address,
            Self::Tenant(_) => Payer::Tenant,
        }
    }
}

impl<'a> Account<'a> {
    /// One without limits.
    pub const fn of(name: &'static str, scope: Scope<'a>, window: Window) -> Self {
        Self { scope, name, turns: Bucket::OFF, tokens: 0, window }
    }

    /// The turns and tokens of a scope, without limits.
    pub const fn of_turns(scope: Scope<'a>, window: Window) -> Self {
        Self::of(BUDGET, scope, window)
    }

    pub(super) const fn is_limited(&self) -> bool {
        !self.turns.is_off() || self.tokens > 0
    }

    /// A turn that may cost so many tokens. More than the whole budget counts as the whole budget.
    pub(super) fn charge(&self, reserve: u64, now: Timestamp) -> Charge {
        let Self { scope, name, turns, tokens: budget, window } = *self;
        let period = Period::of(window, now);
        let reserve = reserve.min(budget);
        let full_at = now.as_microsecond().saturating_add(turns.span()) / 1_000_000;
        Charge {
            key: scope.key(name),
            bucket: turns,
            tokens: (budget > 0).then(|| Tokens { payer: scope.payer(), period, budget, reserve }),
            expires_at: full_at.max(period.settled_at()),
        }
    }
}

impl Charge {
    /// One unit of a bucket.
    pub(super) fn unit(key: Key, bucket: Bucket, now: Timestamp) -> Self {
        let full_at = now.as_microsecond().saturating_add(bucket.span());
        Self { key, bucket, tokens: None, expires_at: full_at / 1_000_000 + 1 }
    }

    /// Why the charge is refused where the bucket is full at `full_at` and the window has used `used` tokens; none if
    /// it is not. Times are microseconds. Of two limits the one that lasts longer is told.
    pub(super) fn refusal(&self, full_at: Option<i64>, used: Option<i64>, now: i64) -> Option<Refusal> {
        let turns = match self.bucket.take(full_at, now) {
            Verdict::Admitted(_) => None,
            Verdict::Refused(retry_after) => Some(Refusal { retry_after, limit: Limit::Turns }),
        };
        let used = u64::try_from(used.unwrap_or_default()).unwrap_or_default();
        let tokens = self.tokens.filter(|tokens| used > tokens.room());
        let tokens = tokens.map(|tokens| Refusal::until_the_end(tokens.period, tokens.payer, now));
        turns.into_iter().chain(tokens).max_by_key(|refusal| refusal.retry_after)
    }
}

impl Tokens {
    /// The attribute that counts the window's tokens.
    pub(super) fn attribute(self) -> String {
        self.period.attribute()
    }

    /// What may be used already for the reservation to fit.
    pub(super) const fn room(self) -> u64 {
        self.budget - self.reserve
    }
}

impl Held {
    /// What an admitted charge holds, if its tokens are counted; `attributes` are those of the record.
    pub(super) fn of<'a>(charge: Charge, attributes: impl Iterator<Item = &'a String>) -> Option<Self> {
        let Charge { key, tokens, .. } = charge;
        let Tokens { payer, period, budget, reserve } = tokens?;
        let outdated = attributes.filter(|name| period.outdates(name)).cloned().collect();
        Some(Self { key, payer, period, budget, tokens: reserve, outdated })
    }

    /// What it takes to hold `total` tokens.
    pub(super) fn raise(&self, total: u64) -> Raise {
        match total.saturating_sub(self.tokens) {
            0 => Raise::Enough,
            more => self.budget.checked_sub(more).map_or(Raise::TooMuch, |room| Raise::More { more, room }),
        }
    }

    /// Why no more tokens can be held; `now` in microseconds.
    pub(super) fn refusal(&self, now: i64) -> Refusal {
        Refusal::until_the_end(self.period, self.payer, now)
    }
}

impl Refusal {
    fn until_the_end(period: Period, payer: Payer, now: i64) -> Self {
        let retry_after = limits::retry_after(period.ends_at() * 1_000_000 - now);
        Self { retry_after, limit: Limit::Tokens(payer) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn account<'a>(scope: Scope<'a>, turns: Bucket, tokens: u64, window: Window) -> Account<'a> {
        Account { turns, tokens, ..Account::of_turns(scope, window) }
    }

    fn tenant(turns: Bucket, tokens: u64) -> Account<'static> {
        account(Scope::Tenant("t"), turns, tokens, Window::Hour)
    }

    #[test]
    fn scope_key_escapes_what_a_client_sends() {
        let owner = Owner::new("a#b", "c%").unwrap();
        let long = "#".repeat(5_000);
        for (scope, partition) in [
            (Scope::User(&owner), "U#a%23b#c%25".to_owned()),
            (Scope::Address("192.0.2.1"), "A#192.0.2.1".to_owned()),
            (Scope::Address("#"), "A#%23".to_owned()),
            (Scope::Address(&long), format!("A#{}", &"%23".repeat(341)[..1_022])),
            (Scope::Tenant("t#"), "T#t%23".to_owned()),
        ] {
            assert_eq!(scope.key("a#"), Key { partition, sort: "a%23".to_owned() });
        }
    }

    #[test]
    fn account_with_nothing_limited_is_not_charged() {
        for (turns, tokens, expected) in [
            (Bucket::OFF, 0, false),
            (Bucket::per_minute(1), 0, true),
            (Bucket::OFF, 1, true),
            (Bucket::per_minute(1), 1, true),
        ] {
            assert_eq!(tenant(turns, tokens).is_limited(), expected);
        }
    }

    #[test]
    fn charge_reserves_at_most_the_budget_and_expires_when_all_is_settled() {
        for (turns, budget, reserve, reserved, expires_at) in [
            (Bucket::OFF, 0, 600, None, 7_200),
            (Bucket::OFF, 1_000, 600, Some((600, 400)), 7_200),
            (Bucket::OFF, 1_000, 1_000, Some((1_000, 0)), 7_200),
            (Bucket::OFF, 1_000, u64::MAX, Some((1_000, 0)), 7_200),
            // The bucket is full again after the window is settled.
            (Bucket::new(3, 1, Duration::from_secs(3_600)), 1_000, 0, Some((0, 1_000)), 10_807),
        ] {
            let charge = tenant(turns, budget).charge(reserve, at(7));
            let tokens = charge.tokens.map(|tokens| (tokens.reserve, tokens.room()));
            assert_eq!((tokens, charge.expires_at), (reserved, expires_at), "{budget} {reserve}");
        }
    }

    #[test]
    fn charge_is_refused_by_the_limit_that_lasts_longest() {
        let turns = Bucket::per_minute(2);
        let refusal = |seconds, limit| Some(Refusal { retry_after: Duration::from_secs(seconds), limit });
        let tokens = Limit::Tokens(Payer::Tenant);
        for (now, full_at, used, expected) in [
            (0, None, None, None),
            (0, Some(30 * SECOND), Some(400), None),
            (0, Some(60 * SECOND), Some(400), refusal(30, Limit::Turns)),
            (0, Some(30 * SECOND), Some(401), refusal(3_600, tokens)),
            (0, Some(60 * SECOND), Some(401), refusal(3_600, tokens)),
            (3_599 * SECOND, Some(3_659 * SECOND), Some(401), refusal(30, Limit::Turns)),
            (3_599 * SECOND + 1, None, Some(401), refusal(1, tokens)),
            // Less than nothing: what a turn gave back was counted in a record that had expired.
            (0, None, Some(-5), None),
        ] {
            let charge = tenant(turns, 1_000).charge(600, Timestamp::from_microsecond(now).unwrap());
            assert_eq!(charge.refusal(full_at, used, now), expected, "{now} {full_at:?} {used:?}");
        }
    }

    #[test]
    fn raise_asks_for_the_difference_and_never_for_more_than_the_budget() {
        let charge = tenant(Bucket::OFF, 1_000).charge(600, at(0));
        let held = Held::of(charge, [].iter()).unwrap();
        for (total, expected) in [
            (0, Raise::Enough),
            (600, Raise::Enough),
            (601, Raise::More { more: 1, room: 999 }),
            (1_600, Raise::More { more: 1_000, room: 0 }),
            (1_601, Raise::TooMuch),
            (u64::MAX, Raise::TooMuch),
        ] {
            assert_eq!(held.raise(total), expected, "{total}");
        }
    }

    #[test]
    fn a_charge_without_a_budget_holds_nothing() {
        assert_eq!(Held::of(tenant(Bucket::per_minute(1), 0).charge(600, at(0)), [].iter()), None);
    }
}
