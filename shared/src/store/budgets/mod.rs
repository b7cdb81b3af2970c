//! Limits and budgets: units of buckets, and model tokens of windows. One record and one write for each account.

mod charge;
mod decision;
mod reservation;
mod window;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::time::timeout;

use self::charge::{BUDGET, Held, Raise};
use self::window::Period;
use super::DynamoDb;
use super::error::StoreError;
use super::key::Key;
use super::record::{Record, TIME_TO_LIVE, number};
use super::table::{Consistency, Table, Write};
use super::tables::COUNTERS;
use super::update::{Update, WriteId, WriteIds};
use crate::env::{Env, EnvError};
use crate::identity::Owner;
use crate::limits::{Bucket, Verdict};
use crate::telemetry::chain;

pub(super) use self::charge::Charge;
pub use self::charge::{Account, Limit, Payer, Refusal, Scope};
pub use self::decision::{Admission, Decision};
pub use self::reservation::{Reservation, TurnMark};
pub use self::window::Window;

/// The state of a bucket: the moment at which it is full again, in microseconds.
const FULL_AT: &str = "full_at";
/// Attempts at one charge. Each one that fails has seen the state that the next one needs.
const CHARGE_ATTEMPTS: usize = 8;
/// How long a function that starts waits for the connection.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(1_500);
/// Buckets whose last state is remembered.
const MAX_KNOWN_STATES: usize = 1024;

/// Limits and budgets. Cheap to clone; clones share what they remember.
#[derive(Debug, Clone)]
pub struct Budgets {
    table: Table,
    /// The last known states of buckets. Only a guess at which of two conditions will hold, never a decision.
    states: Arc<Mutex<HashMap<Key, i64>>>,
    write_ids: WriteIds,
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

/// What became of a charge.
pub(super) enum Charged {
    /// The record as it is now.
    Admitted(Record),
    Refused(Refusal),
}

impl Budgets {
    /// Reads `TABLE_COUNTERS`.
    pub fn from_env(dynamodb: &DynamoDb, env: &Env) -> Result<Self, EnvError> {
        let table = Table::from_env(dynamodb, env, COUNTERS)?;
        Ok(Self { table, states: Arc::default(), write_ids: WriteIds::new() })
    }

    /// Connects to DynamoDB before the first request needs it, by asking for a record that does not exist. The answer
    /// does not matter, nor whether there is one: a failure shows when something is asked for.
    pub async fn open(&self) {
        let key = Key { partition: "O#".to_owned(), sort: "open".to_owned() };
        let _ = timeout(CONNECT_TIMEOUT, self.table.get(&key, Consistency::Eventual)).await;
    }

    /// Takes one unit of a bucket, with one write in the common case and none when the limit is off. Any number of
    /// callers anywhere together get no more than the bucket holds.
    pub async fn take(
        &self,
        scope: Scope<'_>,
        name: &str,
        bucket: &Bucket,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        if bucket.is_off() {
            return Ok(Decision::Admitted);
        }
        Ok(match self.charge(&Charge::unit(scope.key(name), *bucket, now), None, now).await? {
            Charged::Admitted(_) => Decision::Admitted,
            Charged::Refused(Refusal { retry_after, .. }) => Decision::Refused { retry_after },
        })
    }

    /// Takes a turn and reserves tokens for it from all accounts at once, with one write for each in the common case. 0
    /// turns a limit off; an account with nothing but such is not written. A reservation greater than a whole budget
    /// counts as the whole budget. Where one account refuses, the tokens of the others are given back; their turns are
    /// not, because a turn that is asked for too soon counts, too.
    ///
    /// `turn` marks the user's record until the turn is settled.
    pub async fn admit(
        &self,
        accounts: &[Account<'_>],
        reserve: u64,
        turn: Option<TurnMark>,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let has_budget = accounts.iter().any(|account| account.tokens > 0);
        let is_marked = |account: &Account<'_>| matches!(account.scope, Scope::User(_)) && turn.is_some() && has_budget;
        let charged = accounts.iter().filter(|account| account.is_limited() || is_marked(account));
        let charges: Vec<_> = charged.map(|account| account.charge(reserve, now)).collect();
        let mut reservation = Reservation::of(accounts.iter().find(|account| is_marked(account)), turn);
        reservation.held = charges.iter().filter_map(|charge| Held::of(charge.clone(), [].iter())).collect();
        let mark = reservation.marked.is_some().then(|| reservation.mark()).transpose()?;
        reservation.held.clear();
        // Where a refusal is likely, one after the other: a user without turns must not hold what others share.
        let at_a_time = if charges.iter().any(|charge| self.known_exhausted(charge, now)) { 1 } else { charges.len() };
        let mut refusals = Vec::new();
        let mut failure = None;
        let mut charges = charges.into_iter().peekable();
        while charges.peek().is_some() && refusals.is_empty() && failure.is_none() {
            let next = charges.by_ref().take(at_a_time);
            let charged = next.map(async |charge| {
                let mark = mark.clone().filter(|_| reservation.marks(&charge.key));
                let charged = self.charge(&charge, mark, now).await;
                (charge, charged)
            });
            for (charge, charged) in join_all(charged).await {
                match charged {
                    Ok(Charged::Admitted(record)) => {
                        if reservation.marks(&charge.key) {
                            reservation.open_turns = Reservation::all(&charge.key, &record);
                            reservation.open_turns.retain(|open| open.id != reservation.id);
                        }
                        reservation.held.extend(Held::of(charge, record.names()))
                    }
                    Ok(Charged::Refused(refusal)) => refusals.push(refusal),
                    Err(error) => {
                        failure = Some(error);
                        // It may have been written all the same. Where the mark is there, so are the tokens.
                        if reservation.marks(&charge.key) {
                            reservation.held.extend(Held::of(charge, [].iter()));
                        }
                    }
                }
            }
        }
        let refusal = refusals.into_iter().max_by_key(|refusal| refusal.retry_after);
        let Some(refused) = failure.map(Err).or(refusal.map(Ok)) else {
            return Ok(Admission::Admitted(reservation));
        };
        if let Err(error) = self.settle(&reservation, 0).await {
            tracing::warn!(error = chain(&error), "could not refund the tokens of a turn that was refused");
        }
        refused.map(Admission::Refused)
    }

    /// The turns of a user that are not settled yet.
    pub async fn open_turns(&self, owner: &Owner) -> Result<Vec<Reservation>, StoreError> {
        let key = Scope::User(owner).key(BUDGET);
        let record = self.table.get(&key, Consistency::Strong).await?;
        Ok(record.map(|record| Reservation::all(&key, &record)).unwrap_or_default())
    }

    /// Reserves more for a turn, in the windows in which it was admitted, so that `total` tokens are held for it; why
    /// there is no room, if so: what was held then stays held. At most one write for each account.
    pub async fn hold(
        &self,
        reservation: &mut Reservation,
        total: u64,
        now: Timestamp,
    ) -> Result<Option<Refusal>, StoreError> {
        let mut wanted = reservation.clone();
        wanted.held.iter_mut().for_each(|held| held.tokens = held.tokens.max(total));
        let raised = reservation.held.iter_mut().zip(&wanted.held).map(|(held, want)| {
            let marked = wanted.marks(&held.key).then_some(&wanted);
            self.raise_one(held, want.tokens, marked, now.as_microsecond())
        });
        let refusals = join_all(raised).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        Ok(refusals.into_iter().flatten().max_by_key(|refusal| refusal.retry_after))
    }

    async fn raise_one(
        &self,
        held: &mut Held,
        total: u64,
        marked: Option<&Reservation>,
        now: i64,
    ) -> Result<Option<Refusal>, StoreError> {
        let (more, room) = match held.raise(total) {
            Raise::Enough => return Ok(None),
            Raise::TooMuch => return Ok(Some(held.refusal(now))),
            Raise::More { more, room } => (more, room),
        };
        let window = held.period.attribute();
        let mut update = self
            .counting(held)
            .once(self.write_ids.next())
            .when(format!("(attribute_not_exists(#{window}) OR #{window} <= :room)"))
            .add(&window, "more", number(more))
            .value("room", number(room));
        if let Some(reservation) = marked {
            let (name, value) = reservation.mark()?;
            update = update.when(format!("attribute_exists(#{name})")).set(&name, value);
        }
        if let Write::Refused(record) = self.table.update(update).await? {
            if marked.is_some_and(|reservation| !record.contains(&reservation.marker())) {
                return Err(StoreError::Other { source: "the turn was settled by another process".into() });
            }
            return Ok(Some(held.refusal(now)));
        }
        held.tokens = total;
        Ok(None)
    }

    /// Puts what a turn really used in place of what was reserved for it, in the windows in which it was admitted. At
    /// most one write for each account. False where another process has settled the turn before.
    ///
    /// # Errors
    /// [`StoreError`]: what was reserved in an account that could not be written stays counted until its window ends.
    pub async fn settle(&self, reservation: &Reservation, used: u64) -> Result<bool, StoreError> {
        self.settle_and_refund(reservation, used, 0).await
    }

    /// As [`Budgets::settle`], for a turn that does not take place and must not count either.
    pub(crate) async fn cancel(&self, reservation: &Reservation) -> Result<bool, StoreError> {
        self.settle_and_refund(reservation, 0, reservation.turn_interval).await
    }

    async fn settle_and_refund(
        &self,
        reservation: &Reservation,
        used: u64,
        turn_interval: i64,
    ) -> Result<bool, StoreError> {
        let Reservation { id, held, marked, .. } = reservation;
        let shared = held.iter().filter(|held| !reservation.marks(&held.key));
        let settled = shared.map(|held| async move {
            let update = self.settling(held, used);
            match update {
                Some(update) => self.table.update(update.once(self.settlement_id(id))).await.map(|_| ()),
                None => Ok(()),
            }
        });
        // The mark goes last: as long as it is there, whoever finds it settles the rest.
        join_all(settled).await.into_iter().collect::<Result<(), _>>()?;
        let Some(key) = marked else { return Ok(true) };
        let update = held.iter().find(|held| held.key == *key).and_then(|held| self.settling(held, used));
        let mut update = update.unwrap_or_else(|| Update::of(key.clone())).once(self.write_ids.next());
        if turn_interval > 0 {
            update = update.add(FULL_AT, "turn", number(-turn_interval));
        }
        let marker = reservation.marker();
        let update = update.remove(&marker).when(format!("attribute_exists(#{marker})"));
        Ok(self.table.update(update).await?.is_done())
    }

    /// Two processes that settle one turn write the same id, so that the second write counts nothing.
    fn settlement_id(&self, turn: &str) -> WriteId {
        if turn.is_empty() { self.write_ids.next() } else { WriteId::of(turn) }
    }

    /// The write that settles an account; none if there is nothing to write.
    fn settling(&self, held: &Held, used: u64) -> Option<Update> {
        let difference = i128::from(used) - i128::from(held.tokens);
        if difference == 0 && held.outdated.is_empty() {
            return None;
        }
        let update = self.counting(held).add(&held.period.attribute(), "difference", number(difference));
        Some(held.outdated.iter().fold(update, |update, name| update.remove(name)))
    }

    /// An update that counts something in the window in which a turn was admitted.
    fn counting(&self, held: &Held) -> Update {
        Update::of(held.key.clone())
            // The record may have expired meanwhile, and a new one needs an end, too.
            .set_to(TIME_TO_LIVE, &format!("if_not_exists(#{TIME_TO_LIVE}, :{TIME_TO_LIVE})"))
            .value(TIME_TO_LIVE, number(held.period.settled_at()))
    }

    /// What a user has used by now. `turns` is the bucket that [`Budgets::admit`] takes from.
    pub async fn used(&self, owner: &Owner, turns: &Bucket, now: Timestamp) -> Result<Used, StoreError> {
        let key = Scope::User(owner).key(BUDGET);
        let record = self.table.get(&key, Consistency::Eventual).await?.unwrap_or_default();
        let hour = Period::of(Window::Hour, now);
        let state = record.number(FULL_AT);
        let tokens: i64 = record.number(&hour.attribute()).unwrap_or_default();
        let full_at = state.and_then(|state| Timestamp::from_microsecond(state).ok());
        Ok(Used {
            turns_available: turns.available(state, now.as_microsecond()),
            turns_full_at: full_at.unwrap_or(now),
            tokens_this_hour: u64::try_from(tokens).unwrap_or_default(),
            tokens_reset_at: Timestamp::from_second(hour.ends_at()).unwrap_or(now),
        })
    }

    /// Writes a charge if all its limits admit it. A condition cannot take the larger of two values, so a bucket that
    /// is full needs another one than a bucket in use; the last known state tells which to try first.
    pub(super) async fn charge(
        &self,
        charge: &Charge,
        mark: Option<(String, AttributeValue)>,
        now: Timestamp,
    ) -> Result<Charged, StoreError> {
        let now = now.as_microsecond();
        let mut is_full = self.known_state(&charge.key).is_none_or(|state| state <= now);
        for _ in 0..CHARGE_ATTEMPTS {
            let mut update = self.charging(charge, is_full, now);
            if let Some((name, value)) = &mark {
                // A write that was delayed and sent again counts once.
                update = update.set(name, value.clone()).when(format!("attribute_not_exists(#{name})"));
            }
            let (record, is_admitted) = match self.table.update(update).await? {
                Write::Done(record) => (record, true),
                Write::Refused(record) => {
                    let has_happened = mark.as_ref().is_some_and(|(name, _)| record.contains(name));
                    (record, has_happened)
                }
            };
            let state = record.number(FULL_AT);
            self.remember(&charge.key, state);
            if is_admitted {
                return Ok(Charged::Admitted(record));
            }
            let used = charge.tokens.and_then(|tokens| record.number(&tokens.attribute()));
            if let Some(refusal) = charge.refusal(state, used, now) {
                return Ok(Charged::Refused(refusal));
            }
            is_full = state.is_none_or(|state| state <= now);
        }
        Err(StoreError::exhausted("a limit changed faster than it could be taken"))
    }

    /// The write of a charge, for a bucket that is full or for one in use.
    fn charging(&self, charge: &Charge, is_full: bool, now: i64) -> Update {
        let Charge { key, bucket, tokens, expires_at } = charge;
        let mut update = Update::of(key.clone()).set(TIME_TO_LIVE, number(expires_at)).once(self.write_ids.next());
        if !bucket.is_off() {
            update = update.value("now", number(now));
            update = match is_full {
                true => update
                    .set(FULL_AT, number(now.saturating_add(bucket.interval())))
                    .when(format!("(attribute_not_exists(#{FULL_AT}) OR #{FULL_AT} <= :now)")),
                false => update
                    .set_to(FULL_AT, &format!("#{FULL_AT} + :interval"))
                    .value("interval", number(bucket.interval()))
                    .when(format!("#{FULL_AT} BETWEEN :now AND :latest"))
                    .value("latest", number(bucket.latest(now))),
            };
        }
        if let Some(tokens) = tokens {
            let window = tokens.attribute();
            update = update
                .add(&window, "reserve", number(tokens.reserve))
                .when(format!("(attribute_not_exists(#{window}) OR #{window} <= :room)"))
                .value("room", number(tokens.room()));
        }
        update.returning_new()
    }

    /// Whether a bucket was so empty when this process last saw it that it has no unit yet.
    fn known_exhausted(&self, charge: &Charge, now: Timestamp) -> bool {
        matches!(charge.bucket.take(self.known_state(&charge.key), now.as_microsecond()), Verdict::Refused(_))
    }

    fn known_state(&self, key: &Key) -> Option<i64> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(key).copied()
    }

    fn remember(&self, key: &Key, state: Option<i64>) {
        let Some(state) = state else { return };
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if states.len() >= MAX_KNOWN_STATES && !states.contains_key(key) {
            states.clear();
        }
        states.insert(key.clone(), state);
    }
}
