use std::time::Duration;

use super::{Engine, Error};
use crate::assistant::{Assistant, estimate_tokens};
use crate::env::{Env, EnvError};
use crate::identity::Owner;
use crate::limits::Bucket;
use crate::store::{Admission, Decision, Limit, Reservation, Scope};

/// How much one user may ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Operations that call the model.
    pub turns: Bucket,
    /// Every other operation.
    pub requests: Bucket,
    /// Model tokens in a clock hour; 0 means no limit.
    pub tokens_per_hour: u64,
    /// Characters of one message; 0 means no limit.
    pub message_chars: usize,
    /// Days that a usage record is kept.
    pub usage_retention_days: u32,
}

impl Limits {
    /// Reads `LIMIT_USER_TURNS_PER_MINUTE` (20), `LIMIT_USER_REQUESTS_PER_MINUTE` (240), `LIMIT_USER_TOKENS_PER_HOUR`
    /// (100000), `LIMIT_MESSAGE_CHARS` (10000), each with 0 for "off", and `USAGE_RETENTION_DAYS` (90).
    ///
    /// # Errors
    /// When a value is not a whole number.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const WANTS: &str = "a whole number, 0 for no limit";
        Ok(Self {
            turns: Bucket::per_minute(env.parsed("LIMIT_USER_TURNS_PER_MINUTE", 20, WANTS)?),
            requests: Bucket::per_minute(env.parsed("LIMIT_USER_REQUESTS_PER_MINUTE", 240, WANTS)?),
            tokens_per_hour: env.parsed("LIMIT_USER_TOKENS_PER_HOUR", 100_000, WANTS)?,
            message_chars: env.parsed("LIMIT_MESSAGE_CHARS", 10_000, WANTS)?,
            usage_retention_days: env.parsed("USAGE_RETENTION_DAYS", 90, "a whole number of days")?,
        })
    }
}

impl Engine {
    /// When the budget is renewed.
    pub(super) fn until_the_next_hour(&self) -> Duration {
        const HOUR: i64 = 3600;
        let left = HOUR - self.clock.now().as_second().rem_euclid(HOUR);
        Duration::from_secs(left.unsigned_abs())
    }

    /// Counts an operation that does not call the model.
    pub(super) async fn admit_request(&self, owner: &Owner) -> Result<(), Error> {
        match self.counters.take(Scope::User(owner), "requests", &self.limits.requests, self.clock.now()).await? {
            Decision::Admitted => Ok(()),
            Decision::Refused { retry_after } => Err(Error::RateLimited { retry_after }),
        }
    }

    /// The most that asking the model once can cost, which is what is reserved before a turn begins.
    fn worst_case_tokens(&self) -> u64 {
        let Assistant { max_output_tokens, max_context_tokens, instructions, .. } = &*self.assistant;
        let instructions = instructions.as_deref().map_or(0, estimate_tokens);
        u64::from(*max_output_tokens) + u64::from(*max_context_tokens) + instructions
    }

    /// Counts a turn and reserves the most it can cost.
    pub(super) async fn admit_turn(&self, owner: &Owner) -> Result<Reservation, Error> {
        // A turn that cannot be answered is refused before anything of it is written.
        self.model.check_key().await?;
        let tokens = self.limits.tokens_per_hour;
        // With a limit below one turn's worst case, one turn at a time is admitted while nothing is used.
        let reserve = self.worst_case_tokens().min(tokens);
        match self.counters.admit(owner, &self.limits.turns, tokens, reserve, self.clock.now()).await? {
            Admission::Admitted(reservation) => Ok(reservation),
            Admission::Refused { retry_after, limit: Limit::Turns } => Err(Error::RateLimited { retry_after }),
            Admission::Refused { retry_after, limit: Limit::Tokens } => Err(Error::BudgetExceeded { retry_after }),
        }
    }
}
