use std::time::Duration;

use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::http::{ClientAddress, Error};
use crate::limits::{Bucket, address_key};
use crate::store::{Counters, Decision, Scope};

/// The token bucket of each client address, before anything costs money. Cheap to clone.
#[derive(Clone)]
pub struct AddressLimit {
    bucket: Bucket,
    counters: Counters,
    clock: Clock,
}

impl AddressLimit {
    /// Reads `LIMIT_ADDRESS_BURST` (10) and `LIMIT_ADDRESS_PER_SECOND` (1); 0 turns the limit off.
    ///
    /// # Errors
    /// When one is not a whole number.
    pub fn from_env(env: &Env, counters: Counters, clock: Clock) -> Result<Self, EnvError> {
        const WANTS: &str = "a whole number, 0 for no limit";
        let burst = env.parsed("LIMIT_ADDRESS_BURST", 10, WANTS)?;
        let per_second = env.parsed("LIMIT_ADDRESS_PER_SECOND", 1, WANTS)?;
        Ok(Self { bucket: Bucket::new(burst, per_second, Duration::from_secs(1)), counters, clock })
    }

    /// Takes one request out of the address's bucket.
    ///
    /// # Errors
    /// `rate_limit_exceeded`, or `unavailable` when the store does not answer.
    pub async fn admit(&self, address: ClientAddress) -> Result<(), Error> {
        let key = address_key(address.0);
        match self.counters.take(Scope::Address(&key), "sessions", &self.bucket, self.clock.now()).await? {
            Decision::Admitted => Ok(()),
            Decision::Refused { retry_after } => Err(Error::rate_limited(retry_after)),
        }
    }
}
