//! Cookies: those that come, and how ours, which are signed tokens, travel.

use std::time::Duration;

use cookie::{Cookie, CookieBuilder};
use http::HeaderMap;
use http::header::COOKIE;

/// Where cookies are sent, which decides their attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VisitorCookie {
    /// Over HTTPS, the visitor's from pages of other origins too: `Secure; SameSite=None; Partitioned`.
    CrossSite,
    /// To a server on the developer's own machine, which has no HTTPS.
    Loopback,
}

impl VisitorCookie {
    /// A cookie's name as it is sent. With the prefix a browser takes it from this host only, never from a sibling's
    /// page; without HTTPS it would take no such cookie at all.
    pub(super) fn name(self, name: &'static str) -> &'static str {
        match self {
            Self::CrossSite => name,
            Self::Loopback => name.strip_prefix("__Host-").unwrap_or(name),
        }
    }

    pub(super) const fn is_secure(self) -> bool {
        matches!(self, Self::CrossSite)
    }
}

/// The cookies of a request; what is none is left out.
pub(crate) fn sent_cookies(headers: &HeaderMap) -> impl Iterator<Item = Cookie<'static>> {
    let values = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| Cookie::split_parse(value.to_owned())).flatten()
}

/// The values of the cookies with a name. A browser may send several, such as a partitioned one and another one, in any
/// order.
pub(super) fn values(headers: &HeaderMap, name: &str) -> Vec<String> {
    sent_cookies(headers).filter(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned()).collect()
}

/// The value of `Set-Cookie`, for every path and out of the reach of scripts.
pub(super) fn header(cookie: CookieBuilder<'_>, max_age: Duration) -> String {
    // Written by hand: the crate's `max_age` needs the `time` crate's type, nothing else does.
    format!("{}; Max-Age={}", cookie.path("/").http_only(true).build(), max_age.as_secs())
}
