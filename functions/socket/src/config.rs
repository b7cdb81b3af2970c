use std::time::Duration;

use chatkit_shared::http::Pseudonyms;
use chatkit_shared::identity::{AuthModes, SessionTokens, SigningKeys};
use chatkit_shared::limits::Bucket;
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::{Claims, Connections};

use crate::App;
use crate::answer::SILENCE;
use crate::calls::Calls;

impl App {
    /// Reads the variables of `chat` but for those of user tokens and origins: a connection is opened with a session
    /// token, which no page has that was not given one. And its own:
    ///
    /// - `SOCKET_URL`: the URL of the API's stage behind `/@connections`, `https://<api>.execute-api.<region>.amazonaws.com/<stage>`
    /// - `LIMIT_USER_CONNECTIONS` (10): open connections of a user
    /// - `LIMIT_CONNECTION_MESSAGES_PER_MINUTE` (120): messages on a connection; turns and other operations are limited
    ///   besides, as over HTTP
    ///
    /// Each limit with 0 for "off".
    ///
    /// # Errors
    /// When a variable is missing or makes no sense.
    pub fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        const WANTS: &str = "a whole number, 0 for no limit";
        let Setup { env, clock, .. } = setup;
        let outside = setup.outside()?;
        let keys = SigningKeys::required(env, &outside.secrets)?;
        Ok(Self {
            sessions: SessionTokens::new(keys.clone()),
            modes: AuthModes::from_env(env)?,
            connections: Connections::from_env(&outside.connection, env)?,
            claims: Claims::from_env(&outside.connection, env)?,
            max_connections: env.parsed("LIMIT_USER_CONNECTIONS", 10, WANTS)?,
            messages: Bucket::per_minute(env.parsed("LIMIT_CONNECTION_MESSAGES_PER_MINUTE", 120, WANTS)?),
            pseudonyms: Pseudonyms::from_env(env, keys)?,
            silence: SILENCE,
            calls: Calls::from_env(env, &outside, clock.clone())?,
            engine: outside.engine(setup)?,
            secrets: outside.secrets,
        })
    }

    /// With signs of life so far apart where there is nothing else to send, and not 20 s.
    #[must_use]
    pub fn with_silence(self, silence: Duration) -> Self {
        Self { silence, ..self }
    }

    /// Reads the secrets and connects to DynamoDB and the model, side by side, so that the first message does not wait for
    /// that. Ends within two seconds, and fails never: what cannot be had now is tried again when it is needed.
    pub async fn open(&self) {
        tokio::join!(self.secrets.open(), self.engine.store.budgets.open(), self.engine.model.open());
    }
}
