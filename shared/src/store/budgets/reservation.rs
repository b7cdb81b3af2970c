//! What is held for a turn, and the mark by which whoever finds it can settle a turn whose process has died.

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Deserialize, Serialize};

use super::charge::{Account, BUDGET, Held};
use crate::store::error::StoreError;
use crate::store::key::Key;
use crate::store::record::{Record, json};

/// What the attribute that marks a turn begins with; the turn's id follows.
const MARKER: &str = "r_";

/// Names a turn on its user's record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnMark {
    /// A ULID, which says when the turn was admitted.
    pub id: String,
    /// The thread in which it runs; none outside of threads.
    pub thread_id: Option<String>,
    /// Of the message that begins the thread, by which the same message sent again is known.
    pub digest: Option<String>,
}

/// Tokens held for a turn until it is known what it used.
///
/// Where it marks the record of its user, the mark is there from the admission on and goes with the write that settles
/// the turn, so that a turn is settled once: by its own process or, if that has died, by another one. What is reserved
/// without a mark and never settled lapses with its windows.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use = "reserved tokens count as used until they are settled"]
pub struct Reservation {
    /// Of the turn; empty where there is no mark.
    #[serde(skip)]
    pub id: String,
    /// The thread in which the turn runs.
    #[serde(default, rename = "thread", skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<String>,
    /// Of the message that begins the thread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// By account, as far as its tokens are counted.
    pub(super) held: Vec<Held>,
    /// The user's record, which has the mark.
    #[serde(skip)]
    pub(super) marked: Option<Key>,
    /// What the turn took of the user's bucket, in microseconds.
    #[serde(skip)]
    pub(super) turn_interval: i64,
    /// The user's other turns that are not settled yet.
    #[serde(skip)]
    pub open_turns: Vec<Self>,
}

impl Reservation {
    /// One that holds nothing yet. `user` is the account whose record is marked.
    pub(super) fn of(user: Option<&Account<'_>>, turn: Option<TurnMark>) -> Self {
        let (Some(user), Some(TurnMark { id, thread_id, digest })) = (user, turn) else { return Self::default() };
        let turn_interval = if user.turns.is_off() { 0 } else { user.turns.interval() };
        Self { id, thread_id, digest, marked: Some(user.scope.key(BUDGET)), turn_interval, ..Self::default() }
    }

    /// The most that is held for the turn in any account.
    pub(crate) fn tokens(&self) -> u64 {
        self.held.iter().map(|held| held.tokens).max().unwrap_or_default()
    }

    /// The smallest budget of those that it draws on; none if no tokens are counted.
    pub(crate) fn least_budget(&self) -> Option<u64> {
        self.held.iter().map(|held| held.budget).min()
    }

    /// Those whose marks are on a user's record.
    pub(super) fn all(key: &Key, record: &Record) -> Vec<Self> {
        let read = |name: &String| {
            let id = name.strip_prefix(MARKER)?.to_owned();
            let reservation: Self = serde_json::from_str(record.text(name)?).ok()?;
            Some(Self { id, marked: Some(key.clone()), ..reservation })
        };
        record.names().filter_map(read).collect()
    }

    /// Whether the mark is on this record.
    pub(super) fn marks(&self, key: &Key) -> bool {
        self.marked.as_ref() == Some(key)
    }

    /// The attribute that marks the turn.
    pub(super) fn marker(&self) -> String {
        format!("{MARKER}{}", self.id)
    }

    /// The attribute that marks the turn, with its value.
    pub(super) fn mark(&self) -> Result<(String, AttributeValue), StoreError> {
        Ok((self.marker(), json(self)?))
    }
}
