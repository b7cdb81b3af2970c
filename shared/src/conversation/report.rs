use std::error::Error;

use jiff::Timestamp;

use crate::model::TokenUsage;
pub use crate::store::Outcome;

/// How a turn ended, for the log.
pub struct TurnReport {
    /// Who answered.
    pub model: String,
    /// What it took, the title included.
    pub usage: TokenUsage,
    /// When the client was sent the first of what the model made; none if nothing came.
    pub first_event_at: Option<Timestamp>,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it failed.
    pub cause: Option<Box<dyn Error + Send + Sync>>,
}

/// Called once when a turn has ended and everything of it is stored.
pub type OnEnd = Box<dyn FnOnce(TurnReport) + Send>;
