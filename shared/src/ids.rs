//! Ids: a prefix that names the kind, and a ULID, so that they sort by time and cannot be guessed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use ulid::Ulid;

use crate::clock::Clock;

pub(crate) const THREAD: &str = "thr";
/// A message, and any other item without a prefix of its own.
pub const MESSAGE: &str = "msg";
pub(crate) const TOOL_CALL: &str = "tc";
pub(crate) const WORKFLOW: &str = "wf";
pub(crate) const ATTACHMENT: &str = "atc";
pub const REQUEST: &str = "req";
pub const RUN: &str = "run";
pub const SESSION: &str = "ses";
pub(crate) const VISITOR: &str = "vis";

/// Mints ids. Clones share one source of randomness.
#[derive(Debug, Clone)]
pub struct Ids {
    clock: Clock,
    random: Arc<Mutex<StdRng>>,
}

impl Ids {
    /// Ids from the operating system's randomness.
    pub fn system(clock: Clock) -> Self {
        Self { clock, random: Arc::new(Mutex::new(StdRng::from_os_rng())) }
    }

    /// The same ids in each run, for tests.
    pub fn seeded(clock: Clock, seed: u64) -> Self {
        Self { clock, random: Arc::new(Mutex::new(StdRng::seed_from_u64(seed))) }
    }

    /// A new id: `<prefix>_<ulid>`.
    pub fn mint(&self, prefix: &str) -> String {
        format!("{prefix}_{}", self.ulid(self.clock.now()))
    }

    /// A ULID without a prefix.
    pub(crate) fn mint_bare(&self) -> String {
        self.ulid(self.clock.now()).to_string()
    }

    /// A new id that sorts after `last`, whatever the clock says. Only the part behind the prefix is compared, so the
    /// two may be of different kinds.
    pub(crate) fn mint_after(&self, prefix: &str, last: &str) -> String {
        let fresh = self.ulid(self.clock.now());
        match parse(last) {
            // In the next millisecond: what follows `last` with `mint_following` still comes before it.
            Some(last) if fresh <= last => {
                format!("{prefix}_{}", Ulid::from_parts(last.timestamp_ms().saturating_add(1), fresh.random()))
            }
            _ => format!("{prefix}_{fresh}"),
        }
    }

    /// A new id right behind `last`, before every id that is minted a millisecond later. The items of a turn follow
    /// the message they answer, even where the person has sent another one meanwhile.
    pub(crate) fn mint_following(&self, prefix: &str, last: &str) -> String {
        match parse(last) {
            Some(last) => self.step(prefix, last),
            None => self.mint(prefix),
        }
    }

    /// `last` and a random step of up to 2^56, so that two ids that follow the same one are not equal.
    fn step(&self, prefix: &str, last: Ulid) -> String {
        let step = u128::from(self.random().next_u64() >> 8) + 1;
        format!("{prefix}_{}", Ulid(last.0.saturating_add(step)))
    }

    fn random(&self) -> MutexGuard<'_, StdRng> {
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ulid(&self, at: Timestamp) -> Ulid {
        let mut random = self.random();
        let bits = (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64());
        Ulid::from_parts(u64::try_from(at.as_millisecond()).unwrap_or_default(), bits)
    }
}

/// The id of the run of a turn: the turn's own, or, where that does not sort after `last`, one with the turn's random
/// part, by which [`is_run_of`] knows it.
pub(crate) fn run_of(turn_id: &str, last: Option<&str>) -> Option<String> {
    let turn = Ulid::from_string(turn_id).ok()?;
    let run = match last.and_then(parse) {
        Some(last) if turn <= last => Ulid::from_parts(last.timestamp_ms().saturating_add(1), turn.random()),
        _ => turn,
    };
    Some(format!("{RUN}_{run}"))
}

/// Whether a run has got its id from this turn.
pub(crate) fn is_run_of(run_id: &str, turn_id: &str) -> bool {
    parse(run_id).is_some_and(|run| Ulid::from_string(turn_id).is_ok_and(|turn| turn.random() == run.random()))
}

/// The id right before another one.
pub(crate) fn just_before(prefix: &str, next: &str) -> Option<String> {
    let before = parse(next)?.0.checked_sub(1)?;
    Some(format!("{prefix}_{}", Ulid(before)))
}

fn parse(id: &str) -> Option<Ulid> {
    sort_key(id).and_then(|key| Ulid::from_string(key).ok())
}

/// When an id was minted, in milliseconds of unix time, according to the id itself.
pub fn milliseconds(id: &str) -> Option<u64> {
    parse(id).map(|ulid| ulid.timestamp_ms())
}

/// Whether a text that a client sent has the form of a thread's id.
pub(crate) fn is_thread(text: &str) -> bool {
    text.starts_with(THREAD) && is_ours(text)
}

/// Whether a text has the form of a visitor's id.
pub(crate) fn is_visitor(text: &str) -> bool {
    text.starts_with(VISITOR) && is_ours(text)
}

/// Whether it is built as an id of any kind.
pub(crate) fn is_ours(text: &str) -> bool {
    text.split_once('_').is_some_and(|(prefix, ulid)| {
        let is_kind = (2..=3).contains(&prefix.len()) && prefix.bytes().all(|byte| byte.is_ascii_lowercase());
        is_kind && Ulid::from_string(ulid).is_ok()
    })
}

/// The part of an id by which it sorts: behind the prefix.
pub(crate) fn sort_key(id: &str) -> Option<&str> {
    id.split_once('_').map(|(_, ulid)| ulid)
}
