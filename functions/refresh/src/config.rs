use chatkit_shared::http::HttpLayer;
use chatkit_shared::identity::{AuthModes, Authenticator};
use chatkit_shared::secret;
use chatkit_shared::sessions::{AddressLimit, Sessions};
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::{Connection, Counters};

use crate::App;

impl App {
    /// Reads this function's variables, which are those of `start`.
    ///
    /// # Errors
    /// When a variable is missing or makes no sense, or a secret cannot be read.
    pub async fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        let Setup { env, clock, ids, .. } = setup;
        let counters = Counters::from_env(&Connection::from_env(env)?, env)?;
        let keys = secret::signing_keys(env).await?;
        Ok(Self {
            http: HttpLayer::from_env(env, clock.clone(), ids.clone())?,
            authenticator: Authenticator::from_env(env, AuthModes::from_env(env)?, None, clock.clone())?,
            limit: AddressLimit::from_env(env, counters.clone(), clock.clone())?,
            sessions: Sessions::from_env(env, keys, counters, clock.clone(), ids.clone()).await?,
        })
    }
}
