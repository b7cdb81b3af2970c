use super::{Engine, Error};
use crate::env::{Env, EnvError};
use crate::identity::Owner;
use crate::limits::Bucket;
use crate::store::{Decision, Scope};

/// The name of a user's limit on what does not call the model.
pub const REQUESTS: &str = "requests";

/// As many as fit into the 64 KB of a stored message if each is one byte.
const MAX_MESSAGE_CHARS: usize = 65_000;

/// How much may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A user's operations that call the model.
    pub turns: Bucket,
    /// Every other operation of a user.
    pub requests: Bucket,
    /// A user's model tokens in a clock hour; 0 means no limit.
    pub tokens_per_hour: u64,
    /// Model tokens in a clock hour of all anonymous visitors at one client address; 0 means no limit.
    pub address_tokens_per_hour: u64,
    /// Model tokens in a day, by UTC, of all users of a tenant; 0 means no limit.
    pub tenant_tokens_per_day: u64,
    /// Characters of one message; 0 means no limit.
    pub message_chars: usize,
    /// Days that a usage record is kept.
    pub usage_retention_days: u32,
}

impl Limits {
    /// Reads `LIMIT_USER_TURNS_PER_MINUTE` (20), `LIMIT_USER_REQUESTS_PER_MINUTE` (240), `LIMIT_USER_TOKENS_PER_HOUR`
    /// (100000), `LIMIT_ADDRESS_TOKENS_PER_HOUR` (300000), `LIMIT_TENANT_TOKENS_PER_DAY` (0), `LIMIT_MESSAGE_CHARS`
    /// (10000), each with 0 for "off", and `USAGE_RETENTION_DAYS` (90).
    ///
    /// # Errors
    /// When a value is not a whole number, or more characters are allowed than fit into a message.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const WANTS: &str = "a whole number, 0 for no limit";
        const CHARS: &str = "LIMIT_MESSAGE_CHARS";
        let message_chars = env.parsed(CHARS, 10_000, WANTS)?;
        if message_chars > MAX_MESSAGE_CHARS {
            let wants = format!("must be at most {MAX_MESSAGE_CHARS}, because a message holds 64 KB");
            return Err(EnvError::new(CHARS, wants));
        }
        Ok(Self {
            turns: Bucket::per_minute(env.parsed("LIMIT_USER_TURNS_PER_MINUTE", 20, WANTS)?),
            requests: Bucket::per_minute(env.parsed("LIMIT_USER_REQUESTS_PER_MINUTE", 240, WANTS)?),
            tokens_per_hour: env.parsed("LIMIT_USER_TOKENS_PER_HOUR", 100_000, WANTS)?,
            address_tokens_per_hour: env.parsed("LIMIT_ADDRESS_TOKENS_PER_HOUR", 300_000, WANTS)?,
            tenant_tokens_per_day: env.parsed("LIMIT_TENANT_TOKENS_PER_DAY", 0, WANTS)?,
            message_chars,
            usage_retention_days: env.parsed("USAGE_RETENTION_DAYS", 90, "a whole number of days")?,
        })
    }
}

impl Engine {
    /// Counts an operation that does not call the model.
    pub(super) async fn admit_request(&self, owner: &Owner) -> Result<(), Error> {
        match self.store.budgets.take(Scope::User(owner), REQUESTS, &self.limits.requests, self.clock.now()).await? {
            Decision::Admitted => Ok(()),
            Decision::Refused { retry_after } => Err(Error::RateLimited { retry_after }),
        }
    }
}
