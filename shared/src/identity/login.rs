//! People whom this server has signed in: a signed cookie says who they are, for as long as a sign-in lasts.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::HeaderMap;
use jiff::Timestamp;

use super::cookies::{self, VisitorCookie};
use super::identity_claims::IdentityClaims;
use super::{Identity, SigningError, SigningKeys};
use crate::secrets::{Secret, SecretError};

const TYPE: &str = "chatkit-login+jwt";
const AUDIENCE: &str = "chatkit-login";

/// Of a cookie, its name included: browsers drop a larger one.
const MAX_COOKIE_BYTES: usize = 4_096;

/// Somebody who is signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    pub identity: Identity,
    /// When they signed in.
    pub began_at: Timestamp,
}

/// Why there is no cookie for somebody who has signed in.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error("what the identity provider says of the user does not fit into a cookie")]
    TooLarge,
}

/// Makes and verifies the cookies of people who are signed in.
#[derive(Clone)]
pub struct LoginCookies {
    keys: Secret<SigningKeys>,
    cookie: VisitorCookie,
}

impl LoginCookies {
    /// Cookies that are signed with these keys.
    pub const fn new(keys: Secret<SigningKeys>, cookie: VisitorCookie) -> Self {
        Self { keys, cookie }
    }

    /// Who is signed in, by the cookie; none if it is none of ours, or its time is over.
    pub async fn recognise(&self, headers: &HeaderMap, now: Timestamp) -> Result<Option<Login>, SecretError> {
        for token in cookies::values(headers, self.name()) {
            if let Some(claims) = self.keys.verify::<IdentityClaims>(TYPE, AUDIENCE, &token).await? {
                return Ok(claims.identity(now).map(|(identity, began_at)| Login { identity, began_at }));
            }
        }
        Ok(None)
    }

    /// The `Set-Cookie` header's value that signs somebody in for so long.
    pub async fn set_cookie(
        &self,
        identity: &Identity,
        now: Timestamp,
        lifetime: Duration,
    ) -> Result<String, LoginError> {
        let claims = IdentityClaims::new(AUDIENCE, identity, identity.permissions.clone(), now, lifetime);
        let token = self.keys.sign(TYPE, &claims).await?;
        if self.name().len() + token.len() > MAX_COOKIE_BYTES {
            return Err(LoginError::TooLarge);
        }
        Ok(self.header(&token, lifetime))
    }

    /// The `Set-Cookie` header's value that signs the browser out.
    pub fn remove_cookie(&self) -> String {
        self.header("", Duration::ZERO)
    }

    fn name(&self) -> &'static str {
        self.cookie.name("__Host-chatkit_login")
    }

    /// A page of another site cannot send it, except by a link to a page of ours.
    fn header(&self, value: &str, max_age: Duration) -> String {
        let cookie = Cookie::build((self.name(), value)).same_site(SameSite::Lax);
        cookies::header(cookie.secure(self.cookie.is_secure()), max_age)
    }
}
