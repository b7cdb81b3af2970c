use chatkit_shared::http::{Authenticator, HttpLayer};
use chatkit_shared::identity::{AuthModes, SigningKeys, Visitors};
use chatkit_shared::sessions::{AddressLimit, Sessions};
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::Budgets;

use crate::App;

impl App {
    /// Reads this function's variables:
    ///
    /// - `AUTH_MODE`, `JWT_SECRET` or `JWT_SECRET_ARN` or `JWKS_URL`, `JWT_ISSUER`, `JWT_AUDIENCE`: who may start a
    ///   session
    /// - `CHATKIT_MODE`, `CHATKIT_WORKFLOW_ID`, `OPENAI_*`: whose sessions; `SESSION_*_DAYS`: for how long
    /// - `SESSION_SIGNING_SECRET` or `SESSION_SIGNING_SECRET_ARN`: what our tokens are signed with
    /// - `LIMIT_ADDRESS_*`, `TABLE_COUNTERS`, `AWS_*`: how often
    /// - `ALLOWED_ORIGINS`, `LOG_ADDRESS`: see [`HttpLayer`]
    pub fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        let Setup { env, clock, ids, cookie, .. } = setup;
        let clients = setup.clients()?;
        let budgets = Budgets::from_env(&clients.dynamodb, env)?;
        let keys = SigningKeys::required(env, &clients.secrets)?;
        let visitors = AuthModes::from_env(env)?.anonymous.then(|| Visitors::new(keys.clone(), *cookie));
        Ok(Self {
            http: HttpLayer::from_env(env, keys.clone(), clock.clone(), ids.clone())?,
            authenticator: Authenticator::from_setup(setup, &clients, &keys, None)?,
            visitors,
            limit: AddressLimit::from_env(env, budgets.clone(), clock.clone())?,
            sessions: Sessions::from_env(setup, &clients.secrets, keys, clients.http, &clients.dynamodb)?,
            budgets,
            secrets: clients.secrets,
            clock: clock.clone(),
            ids: ids.clone(),
        })
    }

    /// Reads the secrets and connects to DynamoDB, and in hosted mode to OpenAI, in parallel, so that the first request
    /// does not wait for that. Ends within two seconds and cannot fail: what could not be read is read again when it is
    /// needed.
    pub async fn open(&self) {
        tokio::join!(self.secrets.open(), self.budgets.open(), self.authenticator.open(), self.sessions.open());
    }
}
