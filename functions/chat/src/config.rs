use std::sync::Arc;

use chatkit_shared::assistant::Assistant;
use chatkit_shared::conversation::{Engine, Limits};
use chatkit_shared::endpoints::Endpoints;
use chatkit_shared::files::Files;
use chatkit_shared::http::HttpLayer;
use chatkit_shared::identity::{AuthModes, Authenticator, SessionTokens};
use chatkit_shared::model::{Model, ModelConfig};
use chatkit_shared::secret;
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::{Connection, Counters, Threads, Usage};

use crate::App;

impl App {
    /// Reads this function's variables:
    ///
    /// - `SESSION_SIGNING_SECRET` or `SESSION_SIGNING_SECRET_ARN`, `AUTH_MODE`, `JWT_*`: whose tokens are good
    /// - `ASSISTANT`, `MODEL`, `INSTRUCTIONS`, `MAX_OUTPUT_TOKENS`, `MAX_CONTEXT_TOKENS`, `REASONING_SUMMARIES`: see
    ///   [`Assistant`]
    /// - `TOOL_SIGNING_SECRET` or `TOOL_SIGNING_SECRET_ARN`: see [`Endpoints`]
    /// - `OPENAI_BASE_URL`, `OPENAI_API_KEY` or `OPENAI_SECRET_ARN`, `MODEL_API`, `TRANSCRIBE_MODEL`: where the model is
    ///   and how it is asked, see [`ModelConfig`]
    /// - `LIMIT_USER_*`, `LIMIT_MESSAGE_CHARS`, `USAGE_RETENTION_DAYS`: see [`Limits`]
    /// - `FILES_BUCKET`, `FILES_MAX_BYTES`, `FILES_MAX_PER_MESSAGE`, `FILES_TYPES`: see [`Files`]
    /// - `TABLE_THREADS`, `TABLE_COUNTERS`, `TABLE_USAGE`, `AWS_*`
    /// - `ALLOWED_ORIGINS`, `LOG_ADDRESS`: see [`HttpLayer`]
    ///
    /// # Errors
    /// When a variable is missing or makes no sense, or a secret cannot be read.
    pub async fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        let Setup { env, clock, ids, .. } = setup;
        let connection = Connection::from_env(env)?;
        let (signing, openai, tools) =
            tokio::join!(secret::signing_keys(env), secret::openai_key(env), secret::tool_signing_secrets(env));
        let sessions = SessionTokens::new(signing?);
        let model = ModelConfig { api_key: openai?, ..ModelConfig::from_env(env)? };
        let assistant = Assistant::from_env(env)?;
        Ok(Self {
            http: HttpLayer::from_env(env, clock.clone(), ids.clone())?,
            authenticator: Authenticator::from_env(env, AuthModes::from_env(env)?, Some(sessions), clock.clone())?,
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
