//! Time as a value that is passed in.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::sleep;

/// The current time: the system's, or one that a test sets. Clones share it.
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Fixed(Arc<FixedTime>),
    Function(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

#[derive(Default)]
struct FixedTime {
    /// Of unix time.
    microseconds: AtomicI64,
    moved: Notify,
}

impl Clock {
    /// The system's time.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A time that changes only by [`Clock::advance`].
    pub fn fixed(at: Timestamp) -> Self {
        let microseconds = AtomicI64::new(at.as_microsecond());
        Self(Source::Fixed(Arc::new(FixedTime { microseconds, ..FixedTime::default() })))
    }

    /// The time that a function tells.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Source::Function(Arc::new(now)))
    }

    /// Moves a fixed clock by a number of milliseconds, which may be negative. Any other clock stays as it is.
    pub fn advance(&self, milliseconds: i64) {
        if let Source::Fixed(time) = &self.0 {
            time.microseconds.fetch_add(milliseconds * 1_000, Ordering::SeqCst);
            time.moved.notify_waiters();
        }
    }

    /// Waits until it is so late; with a fixed clock, until it is moved there.
    pub async fn sleep_until(&self, at: Timestamp) {
        loop {
            let left = at.as_microsecond() - self.now().as_microsecond();
            let Ok(left @ 1..) = u64::try_from(left) else { return };
            match &self.0 {
                Source::Fixed(time) => {
                    let moved = time.moved.notified();
                    if self.now() < at {
                        moved.await;
                    }
                }
                Source::Function(_) | Source::System => sleep(Duration::from_micros(left)).await,
            }
        }
    }

    /// The time, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        let microseconds = match &self.0 {
            Source::Fixed(time) => time.microseconds.load(Ordering::SeqCst),
            Source::Function(now) => now().as_microsecond(),
            #[expect(clippy::disallowed_methods, reason = "this is where time is injected from")]
            Source::System => Timestamp::now().as_microsecond(),
        };
        Timestamp::from_microsecond(microseconds).unwrap_or_default()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Clock({})", self.now())
    }
}
