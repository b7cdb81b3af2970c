use chatkit_shared::http::{Authenticator, HttpLayer, Idempotency};
use chatkit_shared::identity::{SessionTokens, SigningKeys};
use chatkit_shared::setup::{Setup, SetupError};

use crate::App;

impl App {
    /// Reads this function's variables:
    ///
    /// - `SESSION_SIGNING_SECRET` or `SESSION_SIGNING_SECRET_ARN`, `AUTH_MODE`, `JWT_*`, `JWKS_URL`: whose tokens are
    ///   valid
    /// - the engine's: see [`Clients::engine`](chatkit_shared::setup::Clients::engine)
    /// - `AWS_*`, `ALLOWED_ORIGINS`, `LOG_ADDRESS`, `CLIENT_ADDRESS_HEADER`: see [`HttpLayer`]
    pub fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        let Setup { env, clock, ids, .. } = setup;
        let clients = setup.clients()?;
        let keys = SigningKeys::required(env, &clients.secrets)?;
        let sessions = SessionTokens::new(keys.clone());
        Ok(Self {
            http: HttpLayer::from_env(env, keys.clone(), clock.clone(), ids.clone())?,
            authenticator: Authenticator::from_setup(setup, &clients, &keys, Some(sessions))?,
            idempotency: Idempotency::from_setup(setup, &clients)?,
            engine: clients.engine(setup, keys)?,
            secrets: clients.secrets,
        })
    }

    /// Reads the secrets and connects to DynamoDB and the model, in parallel, so that the first request does not wait
    /// for that. Ends within two seconds and cannot fail: what could not be read is read again when it is needed.
    pub async fn open(&self) {
        tokio::join!(
            self.secrets.open(),
            self.engine.store.budgets.open(),
            self.engine.tenants.open(),
            self.engine.model.open(),
            self.authenticator.open()
        );
    }
}
