//! When a value that is cached in memory is read again from its source.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;

use crate::clock::Clock;

/// After one failed read, before the next one. Doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// What an operator has mended works after this time at the latest.
const MAX_PAUSE: Duration = Duration::from_mins(1);
/// Between two reads after a rejection: every client can send a value that is rejected.
const REJECTION_PAUSE: Duration = Duration::from_mins(1);

/// Why a cached value is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReloadReason {
    /// There is no value.
    Missing,
    /// The value was rejected, or something was rejected because of it: there may be a newer one.
    Rejected,
    /// The value may have changed since it was read.
    Routine,
}

/// Lets one read run at a time, with pauses between them. Clones share it.
///
/// No lock is held during a read: a caller that needs the value and finds a read under way waits for the same future,
/// which any of the waiting callers drives.
#[derive(Clone)]
pub(crate) struct ReloadPolicy(Arc<Inner>);

struct Inner {
    clock: Clock,
    /// Between two reads whose reason is `Routine`.
    interval: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    read_at: Option<Timestamp>,
    rejected_at: Option<Timestamp>,
    /// Reads in a row that left something missing.
    failures: u32,
    reading: Option<Shared<BoxFuture<'static, ()>>>,
}

impl ReloadPolicy {
    /// Reads every `interval` without any other reason.
    pub(crate) fn new(clock: Clock, interval: Duration) -> Self {
        Self(Arc::new(Inner { clock, interval, state: Mutex::default() }))
    }

    /// Reads if a read for this reason is due, else returns at once. `read` resolves to whether no value is missing any
    /// more, and has its own timeout.
    pub(crate) async fn read_if_due(&self, reason: ReloadReason, read: BoxFuture<'static, bool>) {
        if let Some(reading) = self.reading(reason, read) {
            reading.await;
        }
    }

    fn reading(&self, reason: ReloadReason, read: BoxFuture<'static, bool>) -> Option<Shared<BoxFuture<'static, ()>>> {
        let now = self.0.clock.now();
        let mut state = self.state();
        if let Some(reading) = &state.reading {
            return (reason != ReloadReason::Routine).then(|| reading.clone());
        }
        if !state.is_due(reason, now, self.0.interval) {
            return None;
        }
        state.read_at = Some(now);
        if reason == ReloadReason::Rejected {
            state.rejected_at = Some(now);
        }
        let policy = self.clone();
        let reading = async move {
            let is_complete = read.await;
            let mut state = policy.state();
            state.failures = if is_complete { 0 } else { state.failures.saturating_add(1) };
            state.reading = None;
        };
        let reading = reading.boxed().shared();
        state.reading = Some(reading.clone());
        Some(reading)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_due(&self, reason: ReloadReason, now: Timestamp, interval: Duration) -> bool {
        let (last, pause) = match reason {
            ReloadReason::Missing => {
                let doublings = self.failures.saturating_sub(1).min(16);
                (self.read_at, (FIRST_PAUSE * 2_u32.pow(doublings)).min(MAX_PAUSE))
            }
            ReloadReason::Rejected => (self.rejected_at, REJECTION_PAUSE),
            ReloadReason::Routine => (self.read_at, interval),
        };
        last.is_none_or(|last| now >= last + pause)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use tokio::sync::oneshot;

    use super::*;

    struct Reads {
        policy: ReloadPolicy,
        clock: Clock,
        count: Arc<AtomicU32>,
    }

    impl Reads {
        fn new() -> Self {
            let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
            let policy = ReloadPolicy::new(clock.clone(), Duration::from_mins(5));
            Self { policy, clock, count: Arc::default() }
        }

        /// Whether it was read.
        async fn read(&self, reason: ReloadReason, is_complete: bool) -> bool {
            let (before, count) = (self.count.load(Ordering::SeqCst), Arc::clone(&self.count));
            let read = async move {
                count.fetch_add(1, Ordering::SeqCst);
                is_complete
            };
            self.policy.read_if_due(reason, read.boxed()).await;
            self.count.load(Ordering::SeqCst) > before
        }
    }

    #[tokio::test]
    async fn a_missing_value_is_read_with_growing_pauses() {
        let reads = Reads::new();
        assert!(reads.read(ReloadReason::Missing, false).await);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            reads.clock.advance(pause * 1_000 - 1);
            assert!(!reads.read(ReloadReason::Missing, false).await, "before {pause} s");
            reads.clock.advance(1);
            assert!(reads.read(ReloadReason::Missing, false).await, "after {pause} s");
        }
        reads.clock.advance(60_000);
        assert!(reads.read(ReloadReason::Missing, true).await);
        reads.clock.advance(1_000);
        assert!(reads.read(ReloadReason::Missing, false).await, "the pauses begin again");
    }

    #[tokio::test]
    async fn a_rejected_value_is_read_once_a_minute_and_any_value_every_interval() {
        let reads = Reads::new();
        assert!(reads.read(ReloadReason::Routine, true).await);
        assert!(reads.read(ReloadReason::Rejected, true).await, "the first time at once");
        reads.clock.advance(59_999);
        assert!(!reads.read(ReloadReason::Rejected, true).await);
        reads.clock.advance(1);
        assert!(reads.read(ReloadReason::Rejected, true).await);
        reads.clock.advance(299_999);
        assert!(!reads.read(ReloadReason::Routine, true).await);
        reads.clock.advance(1);
        assert!(reads.read(ReloadReason::Routine, true).await);
    }

    #[tokio::test]
    async fn callers_that_need_the_value_wait_for_the_read_under_way() {
        let reads = Reads::new();
        let (answer, answered) = oneshot::channel();
        let slow = async move { answered.await.unwrap() }.boxed();
        let mut first = Box::pin(reads.policy.read_if_due(ReloadReason::Missing, slow));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(!reads.read(ReloadReason::Routine, true).await, "a caller with a value does not wait");
        let mut second = Box::pin(reads.read(ReloadReason::Missing, true));
        assert!(futures_util::poll!(&mut second).is_pending());
        // The caller that began the read leaves; the other one drives it.
        drop(first);
        answer.send(true).unwrap();
        assert!(!second.await, "there was one read only");
        assert!(!reads.read(ReloadReason::Missing, true).await, "which has ended");
    }
}
