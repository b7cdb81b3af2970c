//! Time as a value that is passed in.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// The current time: the system's, or one that a test sets. Clones share it.
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    /// Microseconds of unix time.
    Fixed(Arc<AtomicI64>),
    Function(Arc<dyn Fn() -> Timestamp + Send + Sync>),
}

impl Clock {
    /// The system's time.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A time that changes only by [`Clock::advance`].
    pub fn fixed(at: Timestamp) -> Self {
        Self(Source::Fixed(Arc::new(AtomicI64::new(at.as_microsecond()))))
    }

    /// The time that a function tells.
    pub fn from_fn(now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        Self(Source::Function(Arc::new(now)))
    }

    /// Moves a fixed clock by a number of milliseconds, which may be negative. Any other clock stays as it is.
    pub fn advance(&self, milliseconds: i64) {
        if let Source::Fixed(microseconds) = &self.0 {
            microseconds.fetch_add(milliseconds * 1_000, Ordering::SeqCst);
        }
    }

    /// The time, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        let microseconds = match &self.0 {
            Source::Fixed(microseconds) => microseconds.load(Ordering::SeqCst),
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
