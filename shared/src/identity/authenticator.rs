use std::time::Duration;

use axum::extract::{FromRef, FromRequestParts};
use http::header::AUTHORIZATION;
use http::request::Parts;
use reqwest::Client;

use super::{AuthModes, Identity, SessionError, SessionTokens, UserTokens};
use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::http::{ClientAddress, Error, RequestLog};
use crate::secrets::Secrets;

/// An identity that something in front of the router has verified, in the request's extensions. The local server puts
/// the developer's header there; nothing that comes over the network can.
#[derive(Debug, Clone)]
pub struct TrustedIdentity(pub Identity);

/// In place of a [`TrustedIdentity`] where what stands in front was told a name that cannot be one; the text says what
/// one looks like. Whoever needs the site's word refuses with it.
#[derive(Debug, Clone, Copy)]
pub struct RefusedIdentity(pub &'static str);

/// Finds out who is asking, without any I/O but to read a key that is missing, old or unknown.
#[derive(Clone)]
pub struct Authenticator {
    sessions: Option<SessionTokens>,
    users: Option<UserTokens>,
    anonymous: bool,
    clock: Clock,
}

impl Authenticator {
    /// Accepts what `AUTH_MODE` allows, and session tokens if the function has their keys.
    ///
    /// # Errors
    /// When `AUTH_MODE` makes no sense, or what user tokens are verified against is needed and missing.
    pub fn from_env(
        env: &Env,
        secrets: &Secrets,
        client: &Client,
        sessions: Option<SessionTokens>,
        clock: Clock,
    ) -> Result<Self, EnvError> {
        let modes = AuthModes::from_env(env)?;
        let users = modes.jwt.then(|| UserTokens::from_env(env, secrets, client, &clock)).transpose()?;
        Ok(Self { sessions, users, anonymous: modes.anonymous, clock })
    }

    /// Reads what is needed to verify user tokens, so that nobody has to wait for it later.
    pub async fn open(&self) {
        if let Some(users) = &self.users {
            users.open().await;
        }
    }

    async fn user(&self, request: &Parts) -> Result<Option<Identity>, Error> {
        if let Some(TrustedIdentity(identity)) = request.extensions.get() {
            return Ok(Some(identity.clone()));
        }
        if let Some(RefusedIdentity(message)) = request.extensions.get() {
            return Err(Error::unauthorized(*message));
        }
        let Some(token) = bearer(request)? else { return Ok(None) };
        let identity = match &self.users {
            Some(users) => users.verify(token, self.clock.now()).await?,
            None => None,
        };
        identity.map(Some).ok_or_else(|| Error::unauthorized("the user token is not valid"))
    }

    async fn session_or_user(&self, request: &Parts) -> Result<Identity, Error> {
        if let (Some(sessions), Some(token)) = (&self.sessions, bearer(request)?)
            && SessionTokens::claims_to_be_ours(token)
        {
            let identity = sessions.verify(token, self.clock.now(), Duration::ZERO).await?.identity;
            // Visitors who came while they were let in.
            if identity.anonymous && !self.anonymous {
                return Err(Error::unauthorized("anonymous visitors are not let in"));
            }
            return Ok(identity);
        }
        let missing = || Error::unauthorized("this route needs `Authorization: Bearer <token>`");
        self.user(request).await?.ok_or_else(missing)
    }
}

/// The identity of a request's session token or user token. As an extractor it refuses with `unauthorized`, and notes
/// the identity in the log line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller(pub Identity);

impl<S> FromRequestParts<S> for Caller
where
    S: Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let identity = Authenticator::from_ref(state).session_or_user(parts).await?;
        note(parts, &identity);
        let address = parts.extensions.get::<ClientAddress>().and_then(|address| address.0);
        Ok(Self(Identity { address, ..identity }))
    }
}

/// Who the site itself says is asking, if it says so. Refuses with `unauthorized` what it says and is not true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteUser(pub Option<Identity>);

impl<S> FromRequestParts<S> for SiteUser
where
    S: Sync,
    Authenticator: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Error> {
        let identity = Authenticator::from_ref(state).user(parts).await?;
        if let Some(identity) = &identity {
            note(parts, identity);
        }
        Ok(Self(identity))
    }
}

fn note(parts: &Parts, identity: &Identity) {
    if let Some(log) = parts.extensions.get::<RequestLog>() {
        log.owner(&identity.owner);
    }
}

fn bearer(request: &Parts) -> Result<Option<&str>, Error> {
    let Some(value) = request.headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Error::unauthorized("the header `Authorization` must be `Bearer <token>`")),
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Invalid | SessionError::Expired => Self::unauthorized(error.to_string()),
            SessionError::Secret(error) => error.into(),
        }
    }
}
