//! Anonymous visitors: a signed cookie keeps them the same person over a reload.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::cookies::{self, VisitorCookie};
use super::{Identity, InvalidOwner, Owner, SigningError, SigningKeys};
use crate::ids::{self, Ids};
use crate::secrets::{Secret, SecretError};

const TYPE: &str = "chatkit-visitor+jwt";
const AUDIENCE: &str = "chatkit-visitor";
const LIFETIME: Duration = Duration::from_hours(365 * 24);

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    sub: String,
    exp: i64,
}

/// A visitor, and since when the cookie says so; none for somebody new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visitor {
    pub id: String,
    pub since: Option<Timestamp>,
}

/// Recognises visitors and makes new ones.
#[derive(Clone)]
pub struct Visitors {
    keys: Secret<SigningKeys>,
    cookie: VisitorCookie,
}

impl Visitor {
    /// Somebody new.
    pub fn new(ids: &Ids) -> Self {
        Self { id: ids.mint(ids::VISITOR), since: None }
    }
}

impl Visitors {
    /// Visitors whose cookies are signed with these keys.
    pub const fn new(keys: Secret<SigningKeys>, cookie: VisitorCookie) -> Self {
        Self { keys, cookie }
    }

    /// The identity of a visitor with this id. Does not fail for an id that was minted here.
    pub fn identity(id: &str) -> Result<Identity, InvalidOwner> {
        Ok(Identity { anonymous: true, ..Identity::of(Owner::new(Owner::DEFAULT_TENANT, id)?) })
    }

    /// The visitor of the cookie, if it is one of ours, else a new one.
    pub async fn recognise(&self, headers: &HeaderMap, now: Timestamp, ids: &Ids) -> Result<Visitor, SecretError> {
        for token in cookies::values(headers, self.name()) {
            if let Some(visitor) = self.verify(&token, now).await? {
                return Ok(visitor);
            }
        }
        Ok(Visitor::new(ids))
    }

    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Visitor>, SecretError> {
        let claims: Option<Claims> = self.keys.verify(TYPE, AUDIENCE, token).await?;
        let claims = claims.filter(|claims| now.as_second() < claims.exp);
        Ok(claims.and_then(|Claims { sub, exp, .. }| {
            let since = Timestamp::from_second(exp).ok()?.checked_sub(LIFETIME).ok()?;
            Some(Visitor { id: sub, since: Some(since) })
        }))
    }

    /// The `Set-Cookie` header's value that keeps a visitor's id for a year from now.
    pub async fn set_cookie(&self, id: &str, now: Timestamp) -> Result<String, SigningError> {
        let exp = (now + LIFETIME).as_second();
        let claims = Claims { aud: AUDIENCE.to_owned(), sub: id.to_owned(), exp };
        Ok(self.header(&self.keys.sign(TYPE, &claims).await?, LIFETIME))
    }

    /// The `Set-Cookie` header's value that makes the browser forget the visitor.
    pub fn remove_cookie(&self) -> String {
        self.header("", Duration::ZERO)
    }

    fn name(&self) -> &'static str {
        self.cookie.name("__Host-chatkit_visitor")
    }

    fn header(&self, value: &str, max_age: Duration) -> String {
        let cookie = Cookie::build((self.name(), value));
        let cookie = match self.cookie {
            VisitorCookie::CrossSite => cookie.secure(true).same_site(SameSite::None).partitioned(true),
            VisitorCookie::Loopback => cookie.same_site(SameSite::Lax),
        };
        cookies::header(cookie, max_age)
    }
}
