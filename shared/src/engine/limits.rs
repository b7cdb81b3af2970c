use std::time::Duration;

use jiff::Timestamp;

use super::{Engine, Error};
use crate::env::{Env, EnvError};
use crate::identity::Identity;
use crate::limits::{Bucket, address_key};
use crate::store::{Account, Admission, Budgets, Decision, Refusal, Scope, StoreError, Window};

/// The name of a user's limit on what does not call the model.
const REQUESTS: &str = "requests";

/// As many as fit into the 64 KB of a stored message if each is one byte.
pub(super) const MAX_MESSAGE_CHARS: u32 = 65_000;

/// How much may be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A user's operations that call the model.
    pub turns: Bucket,
    /// A user's actions, which the site's endpoint carries out.
    pub actions: Bucket,
    /// Every other operation of a user.
    pub requests: Bucket,
    /// The same of all anonymous visitors at one client address.
    pub address_requests: Bucket,
    /// Bytes of files that a user may upload in a clock hour; 0 means no limit.
    pub upload_bytes_per_hour: u64,
    /// The same of all anonymous visitors at one client address.
    pub address_upload_bytes_per_hour: u64,
    /// Bytes that all users of a tenant may upload in a day, by UTC.
    pub tenant_upload_bytes_per_day: u64,
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
    /// Reads the variables that begin with `LIMIT_`, each with 0 for "off", and `USAGE_RETENTION_DAYS`; see
    /// `docs/src/configuration.md`.
    ///
    /// # Errors
    /// When a value is not a whole number, or more characters are allowed than fit into a message.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const WANTS: &str = "a whole number, 0 for no limit";
        const CHARS: &str = "LIMIT_MESSAGE_CHARS";
        let message_chars = env.parsed(CHARS, 10_000, WANTS)?;
        if message_chars > MAX_MESSAGE_CHARS as usize {
            let wants = format!("must be at most {MAX_MESSAGE_CHARS}, because a message holds 64 KB");
            return Err(EnvError::new(CHARS, wants));
        }
        let megabytes =
            |name, default| env.parsed::<u64>(name, default, WANTS).map(|count| count.saturating_mul(1_000_000));
        Ok(Self {
            turns: Bucket::per_minute(env.parsed("LIMIT_USER_TURNS_PER_MINUTE", 20, WANTS)?),
            actions: Bucket::per_minute(env.parsed("LIMIT_USER_ACTIONS_PER_MINUTE", 30, WANTS)?),
            requests: Bucket::per_minute(env.parsed("LIMIT_USER_REQUESTS_PER_MINUTE", 240, WANTS)?),
            address_requests: Bucket::per_minute(env.parsed("LIMIT_ADDRESS_REQUESTS_PER_MINUTE", 600, WANTS)?),
            upload_bytes_per_hour: megabytes("LIMIT_USER_UPLOAD_MB_PER_HOUR", 200)?,
            address_upload_bytes_per_hour: megabytes("LIMIT_ADDRESS_UPLOAD_MB_PER_HOUR", 600)?,
            tenant_upload_bytes_per_day: megabytes("LIMIT_TENANT_UPLOAD_MB_PER_DAY", 20_000)?,
            tokens_per_hour: env.parsed("LIMIT_USER_TOKENS_PER_HOUR", 100_000, WANTS)?,
            address_tokens_per_hour: env.parsed("LIMIT_ADDRESS_TOKENS_PER_HOUR", 300_000, WANTS)?,
            tenant_tokens_per_day: env.parsed("LIMIT_TENANT_TOKENS_PER_DAY", 0, WANTS)?,
            message_chars,
            usage_retention_days: env.parsed("USAGE_RETENTION_DAYS", 90, "a whole number of days")?,
        })
    }

    /// Counts an operation that does not call the model: for its user and, as one person can be any number of visitors,
    /// for a visitor's address.
    pub async fn admit_request(
        &self,
        budgets: &Budgets,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        self.take(budgets, identity, (REQUESTS, &self.requests), now).await
    }

    async fn take(
        &self,
        budgets: &Budgets,
        identity: &Identity,
        (name, of_user): (&str, &Bucket),
        now: Timestamp,
    ) -> Result<Decision, StoreError> {
        let address = address_key(identity.address);
        let of_address = if identity.anonymous { self.address_requests } else { Bucket::OFF };
        let (user, address) = tokio::try_join!(
            budgets.take(Scope::User(&identity.owner), name, of_user, now),
            budgets.take(Scope::Address(&address), REQUESTS, &of_address, now),
        )?;
        Ok(if user == Decision::Admitted { address } else { user })
    }
}

impl Engine {
    /// Counts an operation that does not call the model.
    pub(super) async fn admit_request(&self, identity: &Identity) -> Result<(), Error> {
        let admitted = self.limits.admit_request(&self.store.budgets, identity, self.clock.now()).await?;
        admitted.or(rate_limited)
    }

    /// Counts an action. The site's endpoint may take its time, in which the function waits.
    pub(super) async fn admit_action(&self, identity: &Identity) -> Result<(), Error> {
        let limit = ("actions", &self.limits.actions);
        self.limits.take(&self.store.budgets, identity, limit, self.clock.now()).await?.or(rate_limited)
    }

    /// Counts a file that is announced, whether it comes or not.
    pub(super) async fn admit_upload(&self, identity: &Identity, bytes: u64) -> Result<(), Error> {
        self.admit_request(identity).await?;
        let Limits { upload_bytes_per_hour, address_upload_bytes_per_hour, tenant_upload_bytes_per_day, .. } =
            self.limits;
        let limits = [upload_bytes_per_hour, address_upload_bytes_per_hour, tenant_upload_bytes_per_day];
        let address = address_key(identity.address);
        let accounts = accounts(|scope, window| Account::of("uploads", scope, window), identity, &address, limits);
        // What is reserved stays counted.
        match self.store.budgets.admit(&accounts, bytes, None, self.clock.now()).await? {
            Admission::Admitted(_) => Ok(()),
            Admission::Refused(Refusal { retry_after, .. }) => Err(rate_limited(retry_after)),
        }
    }
}

/// What a person draws on: an account of their own for each clock hour, and shares in those of their address and
/// tenant.
///
/// One person can be any number of visitors. The users that the site knows it has let in one by one, and many of them
/// may share the address of an office.
pub(super) fn accounts<'a>(
    account: impl Fn(Scope<'a>, Window) -> Account<'a>,
    identity: &'a Identity,
    address: &'a str,
    [of_user, of_address, of_tenant]: [u64; 3],
) -> [Account<'a>; 3] {
    let owner = &identity.owner;
    let of_address = if identity.anonymous { of_address } else { 0 };
    let limited = |scope, tokens, window| Account { tokens, ..account(scope, window) };
    [
        limited(Scope::User(owner), of_user, Window::Hour),
        limited(Scope::Address(address), of_address, Window::Hour),
        limited(Scope::Tenant(owner.tenant()), of_tenant, Window::Day),
    ]
}

const fn rate_limited(retry_after: Duration) -> Error {
    Error::RateLimited { retry_after }
}
