use std::sync::Arc;

use chatkit_shared::assistant::Assistant;
use chatkit_shared::conversation::{Engine, Limits};
use chatkit_shared::endpoints::Endpoints;
use chatkit_shared::files::Files;
use chatkit_shared::http::LogAddress;
use chatkit_shared::identity::{AuthModes, SessionTokens};
use chatkit_shared::limits::Bucket;
use chatkit_shared::model::{Model, ModelConfig};
use chatkit_shared::secret;
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::{Connection, Counters, Threads, Usage};

use crate::App;
use crate::aws::Aws;

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
    /// When a variable is missing or makes no sense, or a secret cannot be read.
    pub async fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        const WANTS: &str = "a whole number, 0 for no limit";
        let Setup { env, clock, ids, .. } = setup;
        let connection = Connection::from_env(env)?;
        let (signing, openai, tools) =
            tokio::join!(secret::signing_keys(env), secret::openai_key(env), secret::tool_signing_secrets(env));
        let model = ModelConfig { api_key: openai?, ..ModelConfig::from_env(env)? };
        let assistant = Assistant::from_env(env)?;
        Ok(Self {
            sessions: SessionTokens::new(signing?),
            anonymous: AuthModes::from_env(env)?.anonymous,
            connections: env.parsed("LIMIT_USER_CONNECTIONS", 10, WANTS)?,
            messages: Bucket::per_minute(env.parsed("LIMIT_CONNECTION_MESSAGES_PER_MINUTE", 120, WANTS)?),
            log_address: LogAddress::from_env(env)?,
            aws: Aws::from_env(env, clock.clone())?,
            engine: Engine {
                threads: Threads::from_env(&connection, env)?,
                counters: Counters::from_env(&connection, env)?,
                usage: Usage::from_env(&connection, env)?,
                files: Files::from_env(env, clock.clone())?,
                model: Model::new(&model)?,
                endpoints: Endpoints::new(&assistant, &tools?)?,
                assistant: Arc::new(assistant),
                limits: Limits::from_env(env)?,
                clock: clock.clone(),
                ids: ids.clone(),
            },
        })
    }
}
