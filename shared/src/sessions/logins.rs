use std::time::Duration;

use http::HeaderMap;

use super::exchange::{end_all, has_ended};
use crate::clock::Clock;
use crate::identity::{AuthModes, Identity, Login, LoginCookies, LoginError, Owner, SigningKeys};
use crate::secrets::{Secret, SecretError};
use crate::setup::{Clients, Setup, SetupError};
use crate::store::{self, StoreError};

/// People whom this server has signed in, where `AUTH_MODE` has `login`. Cheap to clone.
#[derive(Clone)]
pub struct Logins {
    cookies: LoginCookies,
    records: store::Sessions,
    clock: Clock,
}

/// It cannot be told whether somebody is signed in.
#[derive(Debug, thiserror::Error)]
pub enum UnknownLogin {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Logins {
    /// Reads `AUTH_MODE` and `TABLE_COUNTERS`.
    pub fn from_setup(setup: &Setup, clients: &Clients, keys: Secret<SigningKeys>) -> Result<Option<Self>, SetupError> {
        let Setup { env, clock, cookie, .. } = setup;
        if !AuthModes::from_env(env)?.login {
            return Ok(None);
        }
        let cookies = LoginCookies::new(keys, *cookie);
        let records = store::Sessions::from_env(&clients.dynamodb, env)?;
        Ok(Some(Self { cookies, records, clock: clock.clone() }))
    }

    /// Who is signed in in this browser, and has not signed out since in another one.
    pub async fn recognise(&self, headers: &HeaderMap) -> Result<Option<Identity>, UnknownLogin> {
        let Some(Login { identity, began_at }) = self.cookies.recognise(headers, self.clock.now()).await? else {
            return Ok(None);
        };
        let has_ended = has_ended(&self.records, &identity.owner, began_at).await?;
        Ok((!has_ended).then_some(identity))
    }

    /// The `Set-Cookie` header's value that signs somebody in for so long.
    pub async fn begin(&self, identity: &Identity, lifetime: Duration) -> Result<String, LoginError> {
        self.cookies.set_cookie(identity, self.clock.now(), lifetime).await
    }

    /// Signs somebody out everywhere: all of their sessions end, too.
    pub async fn end_all(&self, owner: &Owner) -> Result<(), StoreError> {
        end_all(&self.records, owner, self.clock.now()).await
    }

    /// The `Set-Cookie` header's value that makes the browser forget who was signed in.
    pub fn remove_cookie(&self) -> String {
        self.cookies.remove_cookie()
    }
}
