//! Chat tokens: what a page or program sends in the place of a user's own token, for an hour at most and with no more
//! permissions than it was given.

use std::time::Duration;

use jiff::Timestamp;

use super::identity_claims::IdentityClaims;
use super::signing::is_of_type;
use super::{Identity, SigningError, SigningKeys};
use crate::secrets::{Secret, SecretError};

const TYPE: &str = "chatkit-token+jwt";
const AUDIENCE: &str = "chatkit-token";

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
        is_of_type(token, TYPE)
    }

    /// A token for an identity, with these of its permissions, and when it ends.
    pub async fn mint(
        &self,
        identity: &Identity,
        permissions: Vec<String>,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<(String, Timestamp), SigningError> {
        let lifetime = lifetime.min(Self::MAX_LIFETIME);
        let claims = IdentityClaims::new(AUDIENCE, identity, permissions, now, lifetime);
        Ok((self.0.sign(TYPE, &claims).await?, now + lifetime))
    }

    /// Whom a token names; none if it is not valid now.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Identity>, SecretError> {
        let claims: Option<IdentityClaims> = self.0.verify(TYPE, AUDIENCE, token).await?;
        Ok(claims.and_then(|claims| claims.identity(now)).map(|(identity, _)| identity))
    }
}
