use chatkit_shared::http::{Authenticator, HttpLayer};
use chatkit_shared::identity::{SigningKeys, Visitors};
use chatkit_shared::sessions::{AddressLimit, Sessions};
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::Budgets;

use crate::App;

impl App {
    /// Reads this function's variables, which are those of `start`.
    pub fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        let Setup { env, clock, ids, cookie, .. } = setup;
        let clients = setup.clients()?;
        let budgets = Budgets::from_env(&clients.dynamodb, env)?;
        let keys = SigningKeys::required(env, &clients.secrets)?;
        Ok(Self {
            http: HttpLayer::from_env(env, keys.clone(), clock.clone(), ids.clone())?,
            authenticator: Authenticator::from_setup(setup, &clients, &keys, None)?,
            visitors: Visitors::new(keys.clone(), *cookie),
            limit: AddressLimit::from_env(env, budgets.clone(), clock.clone())?,
            sessions: Sessions::from_env(setup, &clients.secrets, keys, clients.http, &clients.dynamodb)?,
            budgets,
            secrets: clients.secrets,
        })
    }

    /// Reads the secrets and connects to DynamoDB, and in hosted mode to OpenAI, in parallel, so that the first request
    /// does not wait for that. Ends within two seconds and cannot fail: what could not be read is read again when it is
    /// needed.
    pub async fn open(&self) {
        tokio::join!(self.secrets.open(), self.budgets.open(), self.authenticator.open(), self.sessions.open());
    }
}
