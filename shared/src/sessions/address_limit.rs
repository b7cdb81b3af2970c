use std::net::IpAddr;
use std::time::Duration;

use super::Error;
use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::limits::{Bucket, address_key};
use crate::store::{Budgets, Scope};

/// The token bucket of each client address, before anything costs money. Cheap to clone.
#[derive(Clone)]
pub struct AddressLimit {
    bucket: Bucket,
    budgets: Budgets,
    clock: Clock,
}

impl AddressLimit {
    /// Reads `LIMIT_ADDRESS_BURST` (10) and `LIMIT_ADDRESS_PER_SECOND` (1); 0 turns the limit off.
    pub fn from_env(env: &Env, budgets: Budgets, clock: Clock) -> Result<Self, EnvError> {
        const WANTS: &str = "a whole number, 0 for no limit";
        let burst = env.parsed("LIMIT_ADDRESS_BURST", 10, WANTS)?;
        let per_second = env.parsed("LIMIT_ADDRESS_PER_SECOND", 1, WANTS)?;
        Ok(Self { bucket: Bucket::new(burst, per_second, Duration::from_secs(1)), budgets, clock })
    }

    /// Takes one request out of the address's bucket.
    pub async fn admit(&self, address: Option<IpAddr>) -> Result<(), Error> {
        let key = address_key(address);
        let taken = self.budgets.take(Scope::Address(&key), "sessions", &self.bucket, self.clock.now()).await?;
        taken.or(|retry_after| Error::RateLimited { retry_after })
    }
}
