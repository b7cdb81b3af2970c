//! Whether a limit or a budget lets something in.

use std::time::Duration;

use super::{Refusal, Reservation};

/// Whether a unit of a bucket was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It was.
    Admitted,
    /// It was not.
    Refused {
        /// After which time it would be, in whole seconds.
        retry_after: Duration,
    },
}

impl Decision {
    /// The error of a refusal.
    pub fn or<E>(self, refused: impl FnOnce(Duration) -> E) -> Result<(), E> {
        match self {
            Self::Admitted => Ok(()),
            Self::Refused { retry_after } => Err(refused(retry_after)),
        }
    }
}

/// Whether a turn may begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Admission {
    /// It may; give the reservation back with [`Budgets::settle`](super::Budgets::settle).
    Admitted(Reservation),
    /// It may not.
    Refused(Refusal),
}
