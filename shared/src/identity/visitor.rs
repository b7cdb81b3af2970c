//! Anonymous visitors: a signed cookie keeps them the same person over a reload.

use std::time::Duration;

use cookie::{Cookie, SameSite};
use http::HeaderMap;
use http::header::COOKIE;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

use super::{Identity, Owner, SigningKeys};
use crate::ids::{self, Ids};

pub(super) const TYPE: &str = "chatkit-visitor+jwt";
const AUDIENCE: &str = "chatkit-visitor";
const LIFETIME: Duration = Duration::from_hours(365 * 24);

/// Where the cookie is going to be sent, which decides its attributes.
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

/// Recognises visitors and makes new ones.
#[derive(Clone)]
pub struct Visitors {
    keys: SigningKeys,
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
}

impl Visitors {
    /// Visitors whose cookies are signed with these keys.
    pub const fn new(keys: SigningKeys, cookie: VisitorCookie) -> Self {
        Self { keys, cookie }
    }

    /// The identity of a visitor with this id.
    ///
    /// # Errors
    /// Never for an id that was minted here.
    pub fn identity(id: &str) -> Result<Identity, super::InvalidOwner> {
        let owner = Owner::new(Owner::DEFAULT_TENANT, id)?;
        Ok(Identity { owner, anonymous: true, permissions: Vec::new(), claims: super::Claims::default() })
    }

    /// The visitor's id: that of the cookie, if it is one of ours, else a new one.
    pub fn recognise(&self, headers: &HeaderMap, now: Timestamp, ids: &Ids) -> String {
        let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let cookies = cookies.flat_map(|value| Cookie::split_parse(value.to_owned())).flatten();
        cookies
            .filter(|cookie| cookie.name() == self.cookie.name())
            // One that is partitioned and one that is not can be there together, in any order.
            .find_map(|cookie| self.verify(cookie.value(), now))
            .unwrap_or_else(|| ids.mint(ids::VISITOR))
    }

    fn verify(&self, token: &str, now: Timestamp) -> Option<String> {
        let header = jsonwebtoken::decode_header(token).ok()?;
        if header.typ.as_deref() != Some(TYPE) {
            return None;
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.validate_exp = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, self.keys.verifying(&header.kid?)?, &validation).ok()?.claims;
        (now.as_second() < claims.exp).then_some(claims.sub)
    }

    /// The `Set-Cookie` header's value that keeps a visitor's id for a year from now.
    ///
    /// # Errors
    /// None in practice: when the claims cannot be signed.
    pub fn set_cookie(&self, id: &str, now: Timestamp) -> Result<String, jsonwebtoken::errors::Error> {
        let (key_id, key) = self.keys.signing();
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(key_id.to_owned());
        let exp = (now + LIFETIME).as_second();
        let claims = Claims { aud: AUDIENCE.to_owned(), sub: id.to_owned(), exp };
        let token = jsonwebtoken::encode(&header, &claims, key)?;
        let cookie = Cookie::build((self.cookie.name(), token)).path("/").http_only(true);
        let cookie = match self.cookie {
            VisitorCookie::CrossSite => cookie.secure(true).same_site(SameSite::None).partitioned(true),
            VisitorCookie::Loopback => cookie.same_site(SameSite::Lax),
        };
        // Written by hand: the crate's `max_age` needs the `time` crate's type, nothing else does.
        Ok(format!("{}; Max-Age={}", cookie.build(), LIFETIME.as_secs()))
    }
}
