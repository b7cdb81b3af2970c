//! User tokens: the site's own JWTs.

use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::claims::TokenClaims;
use super::{Identity, Owner, session, visitor};
use crate::env::{Env, EnvError};

/// Seconds by which the issuer's clock may differ from ours.
const LEEWAY: f64 = 30.0;

/// Verifies user tokens (HS256).
#[derive(Clone)]
pub struct UserTokens {
    key: DecodingKey,
    validation: Validation,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// Seconds; RFC 7519 allows fractions, and some libraries write them.
    exp: f64,
    nbf: Option<f64>,
    tenant: Option<String>,
    permissions: Option<Vec<String>>,
    /// Permissions as OAuth writes them: separated by spaces.
    scope: Option<String>,
    #[serde(flatten)]
    profile: TokenClaims,
}

impl UserTokens {
    /// Reads `JWT_SECRET`, and `JWT_ISSUER` and `JWT_AUDIENCE`, which are required of each token if they are set.
    ///
    /// # Errors
    /// When the secret is missing or shorter than 32 bytes.
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const NAME: &str = "JWT_SECRET";
        let secret: SecretString = env.required(NAME, "the secret that user tokens are signed with (HS256)")?.into();
        if secret.expose_secret().len() < 32 {
            return Err(EnvError::new(NAME, "must have at least 32 bytes"));
        }
        let mut validation = Validation::new(Algorithm::HS256);
        // Times are compared by hand, because the clock is injected.
        validation.validate_exp = false;
        let mut required = vec!["exp", "sub"];
        match env.get("JWT_ISSUER") {
            Some(issuer) => {
                validation.set_issuer(&[issuer]);
                required.push("iss");
            }
            None => validation.iss = None,
        }
        match env.get("JWT_AUDIENCE") {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        validation.set_required_spec_claims(&required);
        Ok(Self { key: DecodingKey::from_secret(secret.expose_secret().as_bytes()), validation })
    }

    /// Who a token names: `sub`, in the tenant `tenant`, with the permissions of `permissions` and `scope`, and the
    /// claims `name`, `email`, `locale`, `zoneinfo`, `plan` and `chatkit` of [`Claims`](super::Claims). None if it is
    /// not valid, for whatever reason: a caller gets no help in making one.
    pub fn verify(&self, token: &str, now: Timestamp) -> Option<Identity> {
        let TokenData { header, claims, .. } =
            jsonwebtoken::decode::<Claims>(token, &self.key, &self.validation).ok()?;
        // Where everything is signed with one secret, a token of ours is still no user's.
        if header.typ.is_some_and(|typ| [session::TYPE, visitor::TYPE].contains(&typ.as_str())) {
            return None;
        }
        let now = now.as_duration().as_secs_f64();
        if now >= claims.exp + LEEWAY || claims.nbf.is_some_and(|nbf| now < nbf - LEEWAY) {
            return None;
        }
        let tenant = claims.tenant.unwrap_or_else(|| Owner::DEFAULT_TENANT.to_owned());
        let owner = Owner::new(tenant, claims.sub).ok()?;
        let mut permissions = claims.permissions.unwrap_or_default();
        permissions.extend(claims.scope.unwrap_or_default().split_whitespace().map(ToOwned::to_owned));
        Some(Identity { owner, anonymous: false, permissions, claims: claims.profile.bounded() })
    }
}
