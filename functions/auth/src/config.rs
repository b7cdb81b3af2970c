use chatkit_shared::http::{Authenticator, HttpLayer};
use chatkit_shared::identity::{ChatTokens, PendingLogins, Provider, SigningKeys};
use chatkit_shared::sessions::{AddressLimit, Logins};
use chatkit_shared::setup::{Setup, SetupError};
use chatkit_shared::store::{Budgets, Claims};

use crate::App;
use crate::pages::Pages;
use crate::sign_in::{SignIn, lifetime};

impl App {
    /// Reads this function's variables:
    ///
    /// - `JWT_*`, `JWKS_URL`, `SESSION_*`, `USER_*`: who gets a chat token
    /// - `AUTH_MODE`: whether people sign in here; if so `OIDC_*`: at which provider, `AUTH_URL`: where it sends them
    ///   back, `LOGIN_HOURS`: for how long
    /// - `SESSION_SIGNING_SECRET` or `SESSION_SIGNING_SECRET_ARN`: what our cookies are signed with
    /// - `LIMIT_ADDRESS_*`, `TABLE_COUNTERS`, `AWS_*`: how often
    /// - `ALLOWED_ORIGINS`, `LOG_ADDRESS`: see [`HttpLayer`]
    pub fn from_setup(setup: &Setup) -> Result<Self, SetupError> {
        let Setup { env, clock, ids, cookie, .. } = setup;
        let clients = setup.clients()?;
        let keys = SigningKeys::required(env, &clients.secrets)?;
        let budgets = Budgets::from_env(&clients.dynamodb, env)?;
        let http = HttpLayer::from_env(env, keys.clone(), clock.clone(), ids.clone())?;
        let sign_in = |logins| -> Result<_, SetupError> {
            Ok(SignIn {
                provider: Provider::from_env(env, &clients.secrets, &clients.http, clock)?,
                pending: PendingLogins::new(keys.clone(), *cookie),
                logins,
                answers: Claims::from_env(&clients.dynamodb, env)?,
                pages: Pages::from_env(env, http.origins())?,
                lifetime: lifetime(env)?,
            })
        };
        Ok(Self {
            authenticator: Authenticator::from_setup(setup, &clients, &keys, None)?,
            chat_tokens: ChatTokens::new(keys.clone()),
            sign_in: Logins::from_setup(setup, &clients, keys.clone())?.map(sign_in).transpose()?,
            http,
            limit: AddressLimit::from_env(env, budgets.clone(), clock.clone())?,
            budgets,
            secrets: clients.secrets,
            clock: clock.clone(),
            ids: ids.clone(),
        })
    }

    /// Reads the secrets and connects to DynamoDB, in parallel, so that the first request does not wait for that. Ends
    /// within two seconds and cannot fail: what could not be read is read again when it is needed.
    pub async fn open(&self) {
        tokio::join!(self.secrets.open(), self.budgets.open(), self.authenticator.open());
    }
}
