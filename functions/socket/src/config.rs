use std::time::Duration;

use chatkit_shared::http::{Origins, Pseudonyms};
use chatkit_shared::identity::{AuthModes, SessionTokens, SigningKeys};
use chatkit_shared::limits::Bucket;
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::{Claims, Connections};

use crate::App;
use crate::answer::PING_INTERVAL;
use crate::calls::Calls;

impl App {
    /// Reads the variables of `chat` except those of user tokens: a connection is opened with a session token only. And
    /// its own:
    ///
    /// - `SOCKET_URL`: the URL of the API's stage behind `/@connections`,
    ///   `https://<api>.execute-api.<region>.amazonaws.com/<stage>`
    /// - `LIMIT_USER_CONNECTIONS` (10): open connections of a user
    /// - `LIMIT_CONNECTION_MESSAGES_PER_MINUTE` (120): messages on a connection; turns and other operations are limited
    ///   besides, as over HTTP
    ///
    /// 0 turns a limit off.
    pub fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        const WANTS: &str = "a whole number, 0 for no limit";
        let Setup { env, clock, .. } = setup;
        let clients = setup.clients()?;
        let keys = SigningKeys::required(env, &clients.secrets)?;
        Ok(Self {
            sessions: SessionTokens::new(keys.clone()),
            modes: AuthModes::from_env(env)?,
            origins: Origins::from_env(env)?,
            connections: Connections::from_env(&clients.dynamodb, env)?,
            claims: Claims::from_env(&clients.dynamodb, env)?,
            max_connections: env.parsed("LIMIT_USER_CONNECTIONS", 10, WANTS)?,
            messages: Bucket::per_minute(env.parsed("LIMIT_CONNECTION_MESSAGES_PER_MINUTE", 120, WANTS)?),
            pseudonyms: Pseudonyms::from_env(env, keys.clone())?,
            ping_interval: PING_INTERVAL,
            calls: Calls::from_env(env, &clients, clock.clone())?,
            engine: clients.engine(setup, keys)?,
            secrets: clients.secrets,
        })
    }

    /// With another time than 20 s after which a ping is sent.
    #[must_use]
    pub fn with_ping_interval(self, ping_interval: Duration) -> Self {
        Self { ping_interval, ..self }
    }

    /// Reads the secrets and connects to DynamoDB and the model, side by side, so that the first message does not wait
    /// for that. Ends within two seconds and cannot fail: what could not be read is read again when it is needed.
    pub async fn open(&self) {
        tokio::join!(
            self.secrets.open(),
            self.engine.store.budgets.open(),
            self.engine.tenants.open(),
            self.engine.model.open()
        );
    }
}
