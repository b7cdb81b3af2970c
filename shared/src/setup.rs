//! What a function is built from.

use std::error::Error;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use reqwest::Client;

use crate::assistant::Assistant;
use crate::aws::Aws;
use crate::clock::Clock;
use crate::endpoints::Endpoints;
use crate::engine::{Engine, Limits, LiveRuns, Tenants};
use crate::env::{Env, EnvError};
use crate::files::Files;
use crate::https;
use crate::identity::{SigningKeys, VisitorCookie};
use crate::ids::Ids;
use crate::model::{Model, ModelConfig, Prices};
use crate::secrets::{Secret, Secrets};
use crate::store::{DynamoDb, Store};
use crate::telemetry::chain;
use crate::webhooks::Signer;

/// Where and when a function runs: all that differs between Lambda, the local server and the tests.
#[derive(Debug, Clone)]
pub struct Setup {
    pub env: Env,
    pub clock: Clock,
    pub ids: Ids,
    /// The attributes of visitors' cookies.
    pub cookie: VisitorCookie,
    /// What answers DynamoDB's requests where it is in this process; else they go over the network.
    pub dynamodb: Option<SharedHttpClient>,
}

/// The clients of a function, over one HTTP client. Nothing is connected yet.
#[derive(Clone)]
pub struct Clients {
    pub http: Client,
    pub aws: Aws,
    pub secrets: Secrets,
    pub dynamodb: DynamoDb,
}

impl Clients {
    /// The engine, as `chat` and `socket` have it. Reads:
    ///
    /// - `ASSISTANT`, `MODEL`, `INSTRUCTIONS`, `MAX_OUTPUT_TOKENS`, `MAX_CONTEXT_TOKENS`, `REASONING_SUMMARIES`: see
    ///   [`Assistant`]
    /// - `TOOL_SIGNING_SECRET` or `TOOL_SIGNING_SECRET_ARN`: see [`Endpoints`]
    /// - `OPENAI_BASE_URL`, `OPENAI_API_KEY` or `OPENAI_SECRET_ARN`, `MODEL_API`, `TRANSCRIBE_MODEL`: where the model
    ///   is and how it is asked, see [`ModelConfig`]
    /// - `LIMIT_USER_*`, `LIMIT_ADDRESS_TOKENS_PER_HOUR`, `LIMIT_TENANT_TOKENS_PER_DAY`, `LIMIT_MESSAGE_CHARS`,
    ///   `USAGE_RETENTION_DAYS`: see [`Limits`]
    /// - `FILES_BUCKET`, `FILES_MAX_BYTES`, `FILES_MAX_PER_MESSAGE`, `FILES_TYPES`: see [`Files`]
    /// - `TABLE_SETTINGS`, `SETTINGS_MAX_AGE_SECONDS`: see [`Tenants`]
    /// - `TABLE_THREADS`, `TABLE_COUNTERS`, `TABLE_USAGE`
    pub fn engine(&self, setup: &Setup, keys: Secret<SigningKeys>) -> Result<Engine, SetupError> {
        let Setup { env, clock, ids, .. } = setup;
        let Self { http, aws, secrets, dynamodb } = self;
        let assistant = Arc::new(Assistant::from_env(env)?);
        let signer = secrets.secret(env, Signer::SECRET)?;
        Ok(Engine {
            store: Store::from_env(dynamodb, env)?,
            files: Files::from_env(env, aws, http.clone(), clock.clone())?,
            keys,
            model: Model::new(&ModelConfig::from_env(env, secrets)?, http.clone()),
            endpoints: Endpoints::new(assistant.has_endpoints(), http.clone(), signer)?,
            limits: Limits::from_env(env)?,
            prices: Prices::table(),
            tenants: Tenants::from_env(dynamodb, env, clock, Some(&assistant))?,
            assistant,
            has_page: true,
            clock: clock.clone(),
            ids: ids.clone(),
            live_runs: LiveRuns::default(),
        })
    }
}

/// Why a function cannot start, for the operator: it names the variable. Its `Debug` is the whole chain of causes,
/// because that is what a `main` shows.
pub struct SetupError(Box<dyn Error + Send + Sync>);

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for SetupError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl Display for SetupError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&chain(&*self.0))
    }
}

impl Debug for SetupError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, formatter)
    }
}

impl Setup {
    /// The clients that the environment configures.
    pub fn clients(&self) -> Result<Clients, EnvError> {
        let http = https::client(&self.env)?;
        let aws = Aws::from_env(&self.env, http.clone())?;
        let secrets = Secrets::new(&aws, &self.env, self.clock.clone());
        let dynamodb = DynamoDb::new(&aws, &self.env, self.dynamodb.clone());
        Ok(Clients { http, aws, secrets, dynamodb })
    }

    /// On Lambda.
    pub fn lambda() -> Self {
        let clock = Clock::system();
        let (env, ids) = (Env::process(), Ids::system(clock.clone()));
        Self { env, clock, ids, cookie: VisitorCookie::CrossSite, dynamodb: None }
    }
}
