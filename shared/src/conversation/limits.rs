use super::prompt::tokens;
use super::{Engine, Error};
use crate::assistant::Assistant;
use crate::env::{Env, EnvError};
use crate::identity::{Identity, Owner};
use crate::limits::{Bucket, address_key};
use crate::model::{Prompt, estimate_tokens};
use crate::store::{Account, Admission, Decision, Limit, Refusal, Reservation, Scope, Window};

/// The name of a user's limit on what does not call the model.
pub const REQUESTS: &str = "requests";

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
    /// When a value is not a whole number.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const WANTS: &str = "a whole number, 0 for no limit";
        Ok(Self {
            turns: Bucket::per_minute(env.parsed("LIMIT_USER_TURNS_PER_MINUTE", 20, WANTS)?),
            requests: Bucket::per_minute(env.parsed("LIMIT_USER_REQUESTS_PER_MINUTE", 240, WANTS)?),
            tokens_per_hour: env.parsed("LIMIT_USER_TOKENS_PER_HOUR", 100_000, WANTS)?,
            address_tokens_per_hour: env.parsed("LIMIT_ADDRESS_TOKENS_PER_HOUR", 300_000, WANTS)?,
            tenant_tokens_per_day: env.parsed("LIMIT_TENANT_TOKENS_PER_DAY", 0, WANTS)?,
            message_chars: env.parsed("LIMIT_MESSAGE_CHARS", 10_000, WANTS)?,
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

    /// The most that asking the model once can cost, which is what is reserved before a turn begins.
    fn worst_case_tokens(&self) -> u64 {
        let Assistant { max_output_tokens, max_context_tokens, instructions, .. } = &*self.assistant;
        let instructions = instructions.as_deref().map_or(0, estimate_tokens);
        u64::from(*max_output_tokens) + u64::from(*max_context_tokens) + instructions
    }

    /// Counts a turn and reserves the most it can cost, and `beside` for what the model is asked beside it.
    pub(super) async fn admit_turn(&self, identity: &Identity, beside: u64) -> Result<Reservation, Error> {
        self.admit(identity, self.worst_case_tokens() + beside).await
    }

    /// Counts a turn and reserves tokens for it with everybody whose budget it is, in one round trip.
    pub(super) async fn admit(&self, identity: &Identity, reserve: u64) -> Result<Reservation, Error> {
        // A turn that cannot be answered is refused before anything of it is written.
        self.model.check_key().await?;
        let Limits { turns, tokens_per_hour, address_tokens_per_hour, tenant_tokens_per_day, .. } = self.limits;
        let address = address_key(identity.address);
        // Visitors are as many as they like. Whom the site knows it has let in one by one, often from one office.
        let of_address = if identity.anonymous { address_tokens_per_hour } else { 0 };
        let account = |scope, tokens, window| Account { scope, turns: Bucket::OFF, tokens, window };
        let accounts = [
            Account { turns, ..account(Scope::User(&identity.owner), tokens_per_hour, Window::Hour) },
            account(Scope::Address(&address), of_address, Window::Hour),
            account(Scope::Tenant(identity.owner.tenant()), tenant_tokens_per_day, Window::Day),
        ];
        match self.store.budgets.admit(&accounts, reserve, self.clock.now()).await? {
            Admission::Admitted(reservation) => Ok(reservation),
            Admission::Refused(refusal) => Err(refusal.into()),
        }
    }

    /// Holds what a prompt costs beyond what was reserved without knowing it: a message is shown however long it is, and
    /// documents count by their pages. Where there is no room, nothing is given back.
    pub(super) async fn hold(&self, reservation: &mut Reservation, prompt: &Prompt, beside: u64) -> Result<(), Error> {
        let total = tokens(prompt) + u64::from(self.assistant.max_output_tokens) + beside;
        match self.store.budgets.hold_at_first(reservation, total, self.clock.now()).await? {
            None => Ok(()),
            Some(refusal) => Err(refusal.into()),
        }
    }
}

impl From<Refusal> for Error {
    fn from(Refusal { retry_after, limit }: Refusal) -> Self {
        match limit {
            Limit::Turns => Self::RateLimited { retry_after },
            Limit::Tokens(payer) => Self::BudgetExceeded { retry_after, payer },
        }
    }
}
