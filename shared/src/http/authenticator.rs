//! Who sends a request: the extractors of the handlers.

use axum::extract::{FromRef, FromRequestParts};
use http::header::ACCEPT_LANGUAGE;
use http::request::Parts;

use super::cors::other_origin;
use super::token_sources::{TokenSources, bearer_token};
use super::{ClientAddress, Error, Origins, RequestLog};
use crate::clock::Clock;
use crate::identity::{
    AuthModes, ChatTokens, Identity, Languages, Refusal, SessionTokens, SigningKeys, SiteSessions, UserTokenError,
    UserTokens,
};
use crate::secrets::Secret;
use crate::sessions::Logins;
use crate::setup::{Clients, Setup, SetupError};

/// An identity that something in front of the router has verified, in the request's extensions. The local server puts
/// the developer's header there; nothing that comes over the network can.
#[derive(Debug, Clone)]
pub struct TrustedIdentity(pub Identity);

/// In place of a [`TrustedIdentity`] where the header names a user that cannot exist; the text says what it must be.
#[derive(Debug, Clone, Copy)]
pub struct RefusedIdentity(pub &'static str);

/// Verifies the tokens of requests, without any I/O but to read a key that is missing, old or unknown.
#[derive(Clone)]
pub struct Authenticator {
    sessions: Option<SessionTokens>,
    chat_tokens: Option<ChatTokens>,
    users: Option<UserTokens>,
    site_sessions: Option<SiteSessions>,
    logins: Option<Logins>,
    sources: TokenSources,
    origins: Origins,
    modes: AuthModes,
    clock: Clock,
}

impl Authenticator {
    /// Accepts what `AUTH_MODE` allows, and session tokens if the function takes them.
    pub fn from_setup(
        setup: &Setup,
        clients: &Clients,
        keys: &Secret<SigningKeys>,
        sessions: Option<SessionTokens>,
    ) -> Result<Self, SetupError> {
        let Setup { env, clock, .. } = setup;
        let Clients { http, secrets, .. } = clients;
        let modes = AuthModes::from_env(env)?;
        // Where a session is good, a chat token is.
        let chat_tokens = sessions.is_some().then(|| ChatTokens::new(keys.clone()));
        let users = modes.jwt.then(|| UserTokens::from_env(env, secrets, http, clock)).transpose()?;
        let site_sessions = modes.session.then(|| SiteSessions::from_env(env, secrets, http, clock)).transpose()?;
        let logins = Logins::from_setup(setup, clients, keys.clone())?;
        let (sources, origins) = (TokenSources::from_env(env)?, Origins::from_env(env)?);
        Ok(Self { sessions, chat_tokens, users, site_sessions, logins, sources, origins, modes, clock: clock.clone() })
    }

    /// Reads the keys of user tokens, so that no request waits for them later.
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
        match self.sources.header(request)? {
            Some(token) => Ok(Some(self.verify(token).await?)),
            None => self.user_of_cookie(request).await,
        }
    }

    /// Whom a token of the site's names: a user token, or else a session that the site is asked about.
    async fn verify(&self, token: &str) -> Result<Identity, UserTokenError> {
        match (&self.users, &self.site_sessions) {
            (Some(users), None) => users.verify(token, self.clock.now()).await,
            (Some(users), Some(_)) if is_jwt(token) => users.verify(token, self.clock.now()).await,
            (_, Some(site_sessions)) => site_sessions.verify(token).await,
            (None, None) => Err(UserTokenError::Invalid(Refusal::Mode)),
        }
    }

    /// Whom a cookie names, the site's or one of a login here. A browser sends it for every page that asks it to, so what
    /// changes something is done for our own pages only.
    async fn user_of_cookie(&self, request: &Parts) -> Result<Option<Identity>, Error> {
        let is_change = !request.method.is_safe();
        // Another part of the site may have a cookie of the same name.
        let may_be_a_users = |token: &String| self.site_sessions.is_some() || self.users.is_some() && is_jwt(token);
        for token in self.sources.cookies(&request.headers).filter(may_be_a_users) {
            if is_change {
                self.origins.admit_with_cookie(&request.headers)?;
            }
            match self.verify(&token).await {
                Ok(identity) => return Ok(Some(identity)),
                // A browser sends a cookie when its session has ended, too, and nobody can take it out.
                Err(UserTokenError::Invalid(refusal)) => {
                    tracing::debug!(reason = refusal.as_str(), "a cookie is not accepted");
                }
                Err(error) => return Err(error.into()),
            }
        }
        let Some(logins) = &self.logins else { return Ok(None) };
        let login = logins.recognise(&request.headers).await?;
        // A page of another site cannot send this cookie at all.
        if is_change && login.is_some() {
            self.origins.admit(&request.headers)?;
        }
        Ok(login)
    }

    async fn session_or_user(&self, request: &Parts) -> Result<Identity, Error> {
        if let Some(token) = bearer_token(request)? {
            let now = self.clock.now();
            if let Some(sessions) = self.sessions.as_ref().filter(|_| SessionTokens::claims_to_be_ours(token)) {
                return Ok(sessions.authenticate(token, now, self.modes).await?.identity);
            }
            if let Some(chat_tokens) = self.chat_tokens.as_ref().filter(|_| ChatTokens::claims_to_be_ours(token)) {
                let invalid = || Error::unauthorized("the chat token is not valid, or it has ended");
                return chat_tokens.verify(token, now).await?.ok_or_else(invalid);
            }
        }
        let missing = || Error::unauthorized("this route needs `Authorization: Bearer <token>`");
        self.user(request).await?.ok_or_else(missing)
    }
}

/// The identity of a request's session token or user token. As an extractor it refuses with `unauthorized`, and puts
/// the identity into the request's log line.
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
        log_owner(parts, &identity);
        let address = parts.extensions.get::<ClientAddress>().and_then(|address| address.0);
        let languages = parts.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let languages = languages.map(Languages::accepted).unwrap_or_default();
        Ok(Self(Identity { address, languages, origin: other_origin(&parts.headers), ..identity }))
    }
}

/// The user for whom the site vouches, if it vouches for one. Refuses with `unauthorized` a token that is not valid.
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
            log_owner(parts, identity);
        }
        Ok(Self(identity))
    }
}

fn log_owner(parts: &Parts, identity: &Identity) {
    if let Some(log) = parts.extensions.get::<RequestLog>() {
        log.owner(&identity.owner);
    }
}

fn is_jwt(token: &str) -> bool {
    jsonwebtoken::decode_header(token).is_ok()
}
