//! Chat tokens: what a page or program sends in the place of a user's own token, for an hour at most and with no more
//! permissions than it was given.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Claims, Identity, Owner, SigningError, SigningKeys};
use crate::secrets::{Secret, SecretError};

const TYPE: &str = "chatkit-token+jwt";
const AUDIENCE: &str = "chatkit-token";

#[derive(Serialize, Deserialize)]
struct Payload {
    aud: String,
    sub: String,
    tenant: String,
    iat: i64,
    exp: i64,
    permissions: Vec<String>,
    #[serde(default, skip_serializing_if = "Claims::is_empty")]
    profile: Claims,
}

/// Mints and verifies chat tokens. Cheap to clone.
#[derive(Clone)]
pub struct ChatTokens(Secret<SigningKeys>);

impl ChatTokens {
    pub const MAX_LIFETIME: Duration = Duration::from_hours(1);

    /// Tokens that are signed with these keys.
    pub const fn new(keys: Secret<SigningKeys>) -> Self {
        Self(keys)
    }

    /// Whether a token says that it is a chat token.
    pub(crate) fn claims_to_be_ours(token: &str) -> bool {
        jsonwebtoken::decode_header(token).is_ok_and(|header| header.typ.as_deref() == Some(TYPE))
    }

    /// A token for an identity, with these of its permissions, and when it ends.
    pub async fn mint(
        &self,
        identity: &Identity,
        permissions: Vec<String>,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<(String, Timestamp), SigningError> {
        let expires_at = now + lifetime.min(Self::MAX_LIFETIME);
        let payload = Payload {
            aud: AUDIENCE.to_owned(),
            sub: identity.owner.user().to_owned(),
            tenant: identity.owner.tenant().to_owned(),
            iat: now.as_second(),
            exp: expires_at.as_second(),
            permissions,
            profile: identity.claims.clone(),
        };
        Ok((self.0.sign(TYPE, &payload).await?, expires_at))
    }

    /// Whom a token names; none if it is not valid now.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Identity>, SecretError> {
        let payload: Option<Payload> = self.0.verify(TYPE, AUDIENCE, token).await?;
        Ok(payload.filter(|payload| now.as_second() < payload.exp).and_then(|payload| {
            let owner = Owner::new(payload.tenant, payload.sub).ok()?;
            Some(Identity { permissions: payload.permissions, claims: payload.profile, ..Identity::of(owner) })
        }))
    }
}
