use chatkit_shared::conversation::Limits;
use chatkit_shared::http::HttpLayer;
use chatkit_shared::identity::{AuthModes, Authenticator, SessionTokens};
use chatkit_shared::secret;
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::{Connection, Counters, Usage};

use crate::App;

impl App {
    /// Reads this function's variables:
    ///
    /// - `SESSION_SIGNING_SECRET` or `SESSION_SIGNING_SECRET_ARN`, `AUTH_MODE`, `JWT_*`: whose tokens are good
    /// - `LIMIT_USER_*`: what `/api/usage/me` compares with
    /// - `TABLE_COUNTERS`, `TABLE_USAGE`, `AWS_*`
    /// - `ALLOWED_ORIGINS`, `LOG_ADDRESS`: see [`HttpLayer`]
    ///
    /// # Errors
    /// When a variable is missing or makes no sense, or a secret cannot be read.
    pub async fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        let Setup { env, clock, ids, .. } = setup;
        let connection = Connection::from_env(env)?;
        let sessions = SessionTokens::new(secret::signing_keys(env).await?);
        Ok(Self {
            http: HttpLayer::from_env(env, clock.clone(), ids.clone())?,
            authenticator: Authenticator::from_env(env, AuthModes::from_env(env)?, Some(sessions), clock.clone())?,
            counters: Counters::from_env(&connection, env)?,
            usage: Usage::from_env(&connection, env)?,
            limits: Limits::from_env(env)?,
            clock: clock.clone(),
        })
    }
}
