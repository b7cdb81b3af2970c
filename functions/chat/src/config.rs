use std::sync::Arc;

use chatkit_shared::assistant::Assistant;
use chatkit_shared::conversation::{Engine, Limits};
use chatkit_shared::endpoints::{Endpoints, Signer};
use chatkit_shared::files::Files;
use chatkit_shared::http::HttpLayer;
use chatkit_shared::identity::{Authenticator, SessionTokens};
use chatkit_shared::model::{Model, ModelConfig};
use chatkit_shared::setup::{Outside, Setup, SetupError};
use chatkit_shared::store::{Counters, Threads, Usage};

use crate::App;

impl App {
    /// Reads this function's variables:
    ///
    /// - `SESSION_SIGNING_SECRET` or `SESSION_SIGNING_SECRET_ARN`, `AUTH_MODE`, `JWT_*`, `JWKS_URL`: whose tokens are good
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
    /// When a variable is missing or makes no sense.
    pub fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        let Setup { env, clock, ids, .. } = setup;
        let Outside { http, aws, secrets, connection } = setup.outside()?;
        let sessions = SessionTokens::from_env(env, &secrets)?;
        let assistant = Assistant::from_env(env)?;
        let signer = secrets.secret(env, Signer::SECRET)?;
        Ok(Self {
            http: HttpLayer::from_env(env, clock.clone(), ids.clone())?,
            authenticator: Authenticator::from_env(env, &secrets, &http, Some(sessions), clock.clone())?,
            engine: Engine {
                threads: Threads::from_env(&connection, env)?,
                counters: Counters::from_env(&connection, env)?,
                usage: Usage::from_env(&connection, env)?,
                files: Files::from_env(env, &aws, http.clone(), clock.clone())?,
                model: Model::new(&ModelConfig::from_env(env, &secrets)?, http.clone()),
                endpoints: Endpoints::new(&assistant, http, signer)?,
                assistant: Arc::new(assistant),
                limits: Limits::from_env(env)?,
                clock: clock.clone(),
                ids: ids.clone(),
            },
            secrets,
        })
    }

    /// Reads the secrets and connects to DynamoDB and the model, side by side, so that the first request does not wait for that. Ends
    /// within two seconds, and fails never: what cannot be had now is tried again when it is needed.
    pub async fn open(&self) {
        tokio::join!(
            self.secrets.open(),
            self.engine.counters.open(),
            self.engine.model.open(),
            self.authenticator.open()
        );
    }
}
