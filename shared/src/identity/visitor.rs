//! Anonymous visitors: a signed cookie keeps them the same person over a reload.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::HeaderMap;
use http::header::COOKIE;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{Identity, InvalidOwner, Owner, SigningError, SigningKeys};
use crate::ids::{self, Ids};
use crate::secrets::{Secret, SecretError};

pub(super) const TYPE: &str = "chatkit-visitor+jwt";
const AUDIENCE: &str = "chatkit-visitor";
const LIFETIME: Duration = Duration::from_hours(365 * 24);

/// Where the cookie is sent, which decides its attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitorCookie {
    /// Over HTTPS, from pages of other origins too: `Secure; SameSite=None; Partitioned`.
    CrossSite,
    /// To a server on the developer's own machine, which has no HTTPS.
    Loopback,
}

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

impl VisitorCookie {
    /// The cookie's name. With the prefix a browser takes it from this host only, never from a sibling's page.
    const fn name(self) -> &'static str {
        match self {
            Self::CrossSite => "__Host-chatkit_visitor",
            Self::Loopback => "chatkit_visitor",
        }
    }

    /// The value of `Set-Cookie`.
    fn header(self, value: &str, max_age: Duration) -> String {
        let cookie = Cookie::build((self.name(), value)).path("/").http_only(true);
        let cookie = match self {
            Self::CrossSite => cookie.secure(true).same_site(SameSite::None).partitioned(true),
            Self::Loopback => cookie.same_site(SameSite::Lax),
        };
        // Written by hand: the crate's `max_age` needs the `time` crate's type, nothing else does.
        format!("{}; Max-Age={}", cookie.build(), max_age.as_secs())
    }
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
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = cookies.flat_map(|value| Cookie::split_parse(value.to_owned())).flatten();
        // A browser may send a partitioned cookie and another one together, in any order.
        let cookies: Vec<_> = cookies.filter(|cookie| cookie.name() == self.cookie.name()).collect();
        for cookie in cookies {
            if let Some(visitor) = self.verify(cookie.value(), now).await? {
                return Ok(visitor);
            }
        }
        Ok(Visitor::new(ids))
    }

    async fn verify(&self, token: &str, now: Timestamp) -> Result<Option<Visitor>, SecretError> {
        let header = jsonwebtoken::decode_header(token).ok().filter(|header| header.typ.as_deref() == Some(TYPE));
        let Some(key_id) = header.and_then(|header| header.kid) else { return Ok(None) };
        let Some(key) = self.keys.verifying(&key_id).await? else { return Ok(None) };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_exp = false;
        let token = jsonwebtoken::decode::<Claims>(token, &key, &validation).ok();
        let claims = token.map(|token| token.claims).filter(|claims| now.as_second() < claims.exp);
        Ok(claims.and_then(|Claims { sub, exp, .. }| {
            let since = Timestamp::from_second(exp).ok()?.checked_sub(LIFETIME).ok()?;
            Some(Visitor { id: sub, since: Some(since) })
        }))
    }

    /// The `Set-Cookie` header's value that keeps a visitor's id for a year from now.
    pub async fn set_cookie(&self, id: &str, now: Timestamp) -> Result<String, SigningError> {
        let keys = self.keys.get().await?;
        let (key_id, key) = keys.signing();
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key_id.to_owned());
        let exp = (now + LIFETIME).as_second();
        let claims = Claims { aud: AUDIENCE.to_owned(), sub: id.to_owned(), exp };
        let token = jsonwebtoken::encode(&header, &claims, key)?;
        Ok(self.cookie.header(&token, LIFETIME))
    }

    /// The `Set-Cookie` header's value that makes the browser forget the visitor.
    pub fn remove_cookie(&self) -> String {
        self.cookie.header("", Duration::ZERO)
    }
}
