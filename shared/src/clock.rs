//! Time as a value that is passed in.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;

/// The current time: the system's, or one that a test sets.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's time.
    pub const fn system() -> Self {
        Self(None)
    }

    /// A time that changes only by [`Clock::advance`]; clones share it.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at.as_microsecond()))))
    }

    /// Moves a fixed clock by a number of milliseconds, which may be negative. The system's clock stays as it is.
    pub fn advance(&self, milliseconds: i64) {
        if let Some(microseconds) = &self.0 {
            microseconds.fetch_add(milliseconds * 1_000, Ordering::SeqCst);
        }
    }

    /// The time, in whole microseconds.
    pub fn now(&self) -> Timestamp {
        let microseconds = match &self.0 {
            Some(fixed) => fixed.load(Ordering::SeqCst),
            #[expect(clippy::disallowed_methods, reason = "this is where time is injected from")]
            None => Timestamp::now().as_microsecond(),
        };
        Timestamp::from_microsecond(microseconds).unwrap_or_default()
    }
}
