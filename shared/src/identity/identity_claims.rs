use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Claims, Identity, Owner};

/// A user's identity as tokens of ours carry it that are no sessions: chat tokens and login cookies.
#[derive(Serialize, Deserialize)]
pub(super) struct IdentityClaims {
    aud: String,
    sub: String,
    tenant: String,
    iat: i64,
    exp: i64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    permissions: Vec<String>,
    #[serde(default, skip_serializing_if = "Claims::is_empty")]
    profile: Claims,
}

impl IdentityClaims {
    /// For so long from now, with these permissions.
    pub(super) fn new(
        audience: &str,
        identity: &Identity,
        permissions: Vec<String>,
        now: Timestamp,
        lifetime: Duration,
    ) -> Self {
        Self {
            aud: audience.to_owned(),
            sub: identity.owner.user().to_owned(),
            tenant: identity.owner.tenant().to_owned(),
            iat: now.as_second(),
            exp: (now + lifetime).as_second(),
            permissions,
            profile: identity.claims.clone(),
        }
    }

    /// Whose they are, and since when; none if their time is over.
    pub(super) fn identity(self, now: Timestamp) -> Option<(Identity, Timestamp)> {
        if now.as_second() >= self.exp {
            return None;
        }
        let owner = Owner::new(self.tenant, self.sub).ok()?;
        let identity = Identity { permissions: self.permissions, claims: self.profile, ..Identity::of(owner) };
        Some((identity, Timestamp::from_second(self.iat).ok()?))
    }
}
