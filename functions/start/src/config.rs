use chatkit_shared::http::HttpLayer;
use chatkit_shared::identity::{AuthModes, Authenticator, Visitors};
use chatkit_shared::secret;
use chatkit_shared::sessions::{AddressLimit, Sessions};
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::{Connection, Counters};

use crate::App;

impl App {
    /// Reads this function's variables:
    ///
    /// - `AUTH_MODE`, `JWT_SECRET`, `JWT_ISSUER`, `JWT_AUDIENCE`: who may start a session
    /// - `CHATKIT_MODE`, `CHATKIT_WORKFLOW_ID`, `OPENAI_*`: whose sessions
    /// - `SESSION_SIGNING_SECRET` or `SESSION_SIGNING_SECRET_ARN`: what our tokens are signed with
    /// - `LIMIT_ADDRESS_*`, `TABLE_COUNTERS`, `AWS_*`: how often
    /// - `ALLOWED_ORIGINS`, `LOG_ADDRESS`: see [`HttpLayer`]
    ///
    /// # Errors
    /// When a variable is missing or makes no sense, or a secret cannot be read.
    pub async fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        let Setup { env, clock, ids, cookie } = setup;
        let modes = AuthModes::from_env(env)?;
        let counters = Counters::from_env(&Connection::from_env(env)?, env)?;
        let keys = secret::signing_keys(env).await?;
        Ok(Self {
            http: HttpLayer::from_env(env, clock.clone(), ids.clone())?,
            authenticator: Authenticator::from_env(env, modes, None, clock.clone())?,
            visitors: modes.anonymous.then(|| Visitors::new(keys.clone(), *cookie)),
            limit: AddressLimit::from_env(env, counters.clone(), clock.clone())?,
            sessions: Sessions::from_env(env, keys, counters, clock.clone(), ids.clone()).await?,
            clock: clock.clone(),
            ids: ids.clone(),
        })
    }
}
