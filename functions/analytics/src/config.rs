use chatkit_shared::engine::Tenants;
use chatkit_shared::http::{Authenticator, HttpLayer};
use chatkit_shared::identity::{SessionTokens, SigningKeys};
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::{Budgets, Usage};

use crate::App;

impl App {
    /// Reads this function's variables:
    ///
    /// - `SESSION_SIGNING_SECRET` or `SESSION_SIGNING_SECRET_ARN`, `AUTH_MODE`, `JWT_*`, `JWKS_URL`: whose tokens are
    ///   valid
    /// - `LIMIT_USER_*`, `TABLE_SETTINGS`: how often, and what `/api/usage/me` compares with
    /// - `TABLE_COUNTERS`, `TABLE_USAGE`, `AWS_*`
    /// - `ALLOWED_ORIGINS`, `LOG_ADDRESS`: see [`HttpLayer`]
    pub fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        let Setup { env, clock, ids, .. } = setup;
        let clients = setup.clients()?;
        let keys = SigningKeys::required(env, &clients.secrets)?;
        let sessions = SessionTokens::new(keys.clone());
        Ok(Self {
            http: HttpLayer::from_env(env, keys.clone(), clock.clone(), ids.clone())?,
            authenticator: Authenticator::from_setup(setup, &clients, &keys, Some(sessions))?,
            budgets: Budgets::from_env(&clients.dynamodb, env)?,
            usage: Usage::from_env(&clients.dynamodb, env)?,
            tenants: Tenants::from_env(&clients.dynamodb, env, clock, None)?,
            secrets: clients.secrets,
            clock: clock.clone(),
        })
    }

    /// Reads the secrets and connects to DynamoDB, in parallel, so that the first request does not wait for
    /// that. Ends within two seconds and cannot fail: what could not be read is read again when it is needed.
    pub async fn open(&self) {
        tokio::join!(self.secrets.open(), self.budgets.open(), self.tenants.open(), self.authenticator.open());
    }
}
