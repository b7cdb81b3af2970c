//! Session tokens: what the widget sends to `chat`. Signed, so that verifying needs no I/O.

use std::fmt::{self, Display};
use std::time::Duration;

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Validation};
use serde::{Deserialize, Serialize};

use super::signing::is_of_type;
use super::{AuthModes, Claims, Identity, Owner, SigningError, SigningKeys};
use crate::ids::{self, Ids};
use crate::secrets::{Secret, SecretError};

const TYPE: &str = "chatkit-session+jwt";
const ISSUER: &str = "chatkit";
const AUDIENCE: &str = "chatkit-session";

/// A verified session token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub identity: Identity,
    /// When it ends or ended.
    pub expires_at: Timestamp,
    /// When the first session of the family was started.
    pub began_at: Timestamp,
}

/// A session's place in its family: the sessions that were refreshed one from the other. As text, in a token's `jti`,
/// it is `ses_<ulid>` for the first one, then `ses_<ulid>.1`, `ses_<ulid>.2`, ….
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionId {
    /// The id of the family.
    pub family: String,
    /// How often the family was refreshed.
    pub generation: u32,
}

impl SessionId {
    /// The first session of a new family.
    pub fn first(ids: &Ids) -> Self {
        Self { family: ids.mint(ids::SESSION), generation: 0 }
    }

    /// The session that this one is exchanged for.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { family: self.family.clone(), generation: self.generation.saturating_add(1) }
    }
}

impl Display for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.generation {
            0 => formatter.write_str(&self.family),
            generation => write!(formatter, "{}.{generation}", self.family),
        }
    }
}

impl From<&str> for SessionId {
    fn from(text: &str) -> Self {
        let parts = text.rsplit_once('.').and_then(|(family, generation)| Some((family, generation.parse().ok()?)));
        let (family, generation) = parts.unwrap_or((text, 0));
        Self { family: family.to_owned(), generation }
    }
}

/// Why a session token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Not one of ours, or changed.
    #[error("the session token is not valid")]
    Invalid,
    /// It was one of ours.
    #[error("the session token has expired")]
    Expired,
    /// A visitor's, from when `AUTH_MODE` had `anonymous`.
    #[error("anonymous visitors are not allowed")]
    AnonymousNotAllowed,
    /// There is no key to verify it with at the moment.
    #[error(transparent)]
    Secret(#[from] SecretError),
}

#[derive(Serialize, Deserialize)]
struct Payload {
    iss: String,
    aud: String,
    sub: String,
    tenant: String,
    jti: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    anonymous: bool,
    /// When the first session of the family was started.
    auth_time: i64,
    #[serde(default, skip_serializing_if = "Claims::is_empty")]
    profile: Claims,
    /// What the assistant's tools may ask for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<String>,
}

/// Mints and verifies session tokens.
#[derive(Clone)]
pub struct SessionTokens {
    keys: Secret<SigningKeys>,
}

impl SessionTokens {
    /// How long a token lasts. OpenAI's own sessions last as long.
    const LIFETIME: Duration = Duration::from_mins(10);

    /// Tokens signed with these keys.
    pub const fn new(keys: Secret<SigningKeys>) -> Self {
        Self { keys }
    }

    /// Whether a token says that it is one of ours.
    pub(crate) fn claims_to_be_ours(token: &str) -> bool {
        is_of_type(token, TYPE)
    }

    /// A token, and when it expires. The same arguments make the same token, until the signing secret is rotated.
    pub async fn mint(
        &self,
        identity: &Identity,
        id: &SessionId,
        began_at: Timestamp,
        now: Timestamp,
    ) -> Result<(String, Timestamp), SigningError> {
        let expires_at = now + Self::LIFETIME;
        let payload = Payload {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: identity.owner.user().to_owned(),
            tenant: identity.owner.tenant().to_owned(),
            jti: id.to_string(),
            iat: now.as_second(),
            exp: expires_at.as_second(),
            anonymous: identity.anonymous,
            auth_time: began_at.as_second(),
            profile: identity.claims.clone(),
            permissions: identity.tool_permissions(),
        };
        Ok((self.keys.sign(TYPE, &payload).await?, expires_at))
    }

    /// The session of a token that is good for requests now.
    pub async fn authenticate(&self, token: &str, now: Timestamp, modes: AuthModes) -> Result<Session, SessionError> {
        let (session, _) = self.verify(token, now, Duration::ZERO).await?;
        if session.identity.anonymous && !modes.anonymous {
            return Err(SessionError::AnonymousNotAllowed);
        }
        Ok(session)
    }

    /// The session of a token that has not been expired for longer than `grace`, and its place in its family.
    pub async fn verify(
        &self,
        token: &str,
        now: Timestamp,
        grace: Duration,
    ) -> Result<(Session, SessionId), SessionError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| SessionError::Invalid)?;
        if header.typ.as_deref() != Some(TYPE) {
            return Err(SessionError::Invalid);
        }
        let key_id = header.kid.ok_or(SessionError::Invalid)?;
        let key = self.keys.verifying(&key_id).await?.ok_or(SessionError::Invalid)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        // The time is injected, so it is compared below.
        validation.validate_exp = false;
        let token =
            jsonwebtoken::decode::<Payload>(token, &key.decoding, &validation).map_err(|_| SessionError::Invalid)?;
        let payload = token.claims;
        let owner = Owner::new(payload.tenant, payload.sub).map_err(|_| SessionError::Invalid)?;
        let expires_at = Timestamp::from_second(payload.exp).map_err(|_| SessionError::Invalid)?;
        let began_at = Timestamp::from_second(payload.auth_time).map_err(|_| SessionError::Invalid)?;
        if now >= expires_at + grace {
            return Err(SessionError::Expired);
        }
        let Payload { anonymous, profile: claims, permissions, .. } = payload;
        let identity = Identity { anonymous, claims, permissions, ..Identity::of(owner) };
        Ok((Session { identity, expires_at, began_at }, SessionId::from(payload.jti.as_str())))
    }
}
