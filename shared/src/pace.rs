//! When something that is kept in memory is read again from where it came from.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use jiff::Timestamp;

use crate::clock::Clock;

/// After one failed read, before the next one. Doubled after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest that it becomes: what an operator has mended works after this time at the latest.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
/// Between two reads because of something that was rejected: anybody can send what will be.
const REJECTION_PAUSE: Duration = Duration::from_mins(1);

/// Why to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Nothing can be done without.
    Missing,
    /// What is there was not accepted, or does not accept: there may be a newer one.
    Rejected,
    /// To be sure that it still is as it was.
    Routine,
}

/// One read at a time, and none too soon. Clones share it.
///
/// No lock is held while one reads: whoever finds a read under way and needs it waits for the same future, which any of
/// them carries on.
#[derive(Clone)]
pub(crate) struct Pace(Arc<Inner>);

struct Inner {
    clock: Clock,
    routine: Duration,
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

impl Pace {
    /// A pace at which a read that nothing calls for happens every `routine`.
    pub(crate) fn new(clock: Clock, routine: Duration) -> Self {
        Self(Arc::new(Inner { clock, routine, state: Mutex::default() }))
    }

    /// Reads if there is a reason and it is time, else returns at once. `read` gives whether nothing is missing now, and
    /// bounds its own time.
    pub(crate) async fn read(&self, reason: Reason, read: BoxFuture<'static, bool>) {
        if let Some(reading) = self.reading(reason, read) {
            reading.await;
        }
    }

    fn reading(&self, reason: Reason, read: BoxFuture<'static, bool>) -> Option<Shared<BoxFuture<'static, ()>>> {
        let now = self.0.clock.now();
        let mut state = self.state();
        if let Some(reading) = &state.reading {
            return (reason != Reason::Routine).then(|| reading.clone());
        }
        if !state.is_due(reason, now, self.0.routine) {
            return None;
        }
        state.read_at = Some(now);
        if reason == Reason::Rejected {
            state.rejected_at = Some(now);
        }
        let pace = self.clone();
        let reading = async move {
            let complete = read.await;
            let mut state = pace.state();
            state.failures = if complete { 0 } else { state.failures.saturating_add(1) };
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
    fn is_due(&self, reason: Reason, now: Timestamp, routine: Duration) -> bool {
        let (last, pause) = match reason {
            Reason::Missing => {
                let doublings = self.failures.saturating_sub(1).min(16);
                (self.read_at, (FIRST_PAUSE * 2_u32.pow(doublings)).min(LONGEST_PAUSE))
            }
            Reason::Rejected => (self.rejected_at, REJECTION_PAUSE),
            Reason::Routine => (self.read_at, routine),
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
        pace: Pace,
        clock: Clock,
        count: Arc<AtomicU32>,
    }

    impl Reads {
        fn new() -> Self {
            let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
            let pace = Pace::new(clock.clone(), Duration::from_mins(5));
            Self { pace, clock, count: Arc::default() }
        }

        /// Whether it was read.
        async fn read(&self, reason: Reason, complete: bool) -> bool {
            let (before, count) = (self.count.load(Ordering::SeqCst), Arc::clone(&self.count));
            let read = async move {
                count.fetch_add(1, Ordering::SeqCst);
                complete
            };
            self.pace.read(reason, read.boxed()).await;
            self.count.load(Ordering::SeqCst) > before
        }
    }

    #[tokio::test]
    async fn what_is_missing_is_read_ever_more_rarely() {
        let reads = Reads::new();
        assert!(reads.read(Reason::Missing, false).await);
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            reads.clock.advance(pause * 1_000 - 1);
            assert!(!reads.read(Reason::Missing, false).await, "before {pause} s");
            reads.clock.advance(1);
            assert!(reads.read(Reason::Missing, false).await, "after {pause} s");
        }
        reads.clock.advance(60_000);
        assert!(reads.read(Reason::Missing, true).await);
        reads.clock.advance(1_000);
        assert!(reads.read(Reason::Missing, false).await, "it begins anew");
    }

    #[tokio::test]
    async fn what_is_rejected_is_read_once_a_minute_and_all_is_read_now_and_then() {
        let reads = Reads::new();
        assert!(reads.read(Reason::Routine, true).await);
        assert!(reads.read(Reason::Rejected, true).await, "the first time at once");
        reads.clock.advance(59_999);
        assert!(!reads.read(Reason::Rejected, true).await);
        reads.clock.advance(1);
        assert!(reads.read(Reason::Rejected, true).await);
        reads.clock.advance(299_999);
        assert!(!reads.read(Reason::Routine, true).await);
        reads.clock.advance(1);
        assert!(reads.read(Reason::Routine, true).await);
    }

    #[tokio::test]
    async fn whoever_needs_it_waits_for_the_read_under_way_and_nobody_else_does() {
        let reads = Reads::new();
        let (answer, answered) = oneshot::channel();
        let slow = async move { answered.await.unwrap() }.boxed();
        let mut first = Box::pin(reads.pace.read(Reason::Missing, slow));
        assert!(futures_util::poll!(&mut first).is_pending());
        assert!(!reads.read(Reason::Routine, true).await, "it has something meanwhile");
        let mut second = Box::pin(reads.read(Reason::Missing, true));
        assert!(futures_util::poll!(&mut second).is_pending());
        // The one who began leaves; the other carries on.
        drop(first);
        answer.send(true).unwrap();
        assert!(!second.await, "there was one read only");
        assert!(!reads.read(Reason::Missing, true).await, "which has ended");
    }
}
