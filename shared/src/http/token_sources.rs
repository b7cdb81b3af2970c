//! Where in a request the tokens of a site's users stand.

use cookie::Cookie;
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName};
use percent_encoding::percent_decode_str;

use super::Error;
use crate::env::{Env, EnvError};
use crate::identity::sent_cookies;

/// Where a site keeps its tokens, besides `Authorization`: `USER_TOKEN_HEADER` and `USER_TOKEN_COOKIES`.
#[derive(Clone)]
pub(super) struct TokenSources {
    header: HeaderName,
    cookies: Vec<String>,
}

impl TokenSources {
    pub(super) fn from_env(env: &Env) -> Result<Self, EnvError> {
        const HEADER: &str = "USER_TOKEN_HEADER";
        let header = env.get(HEADER).unwrap_or("x-session-token").parse();
        let header = header.map_err(|_| EnvError::new(HEADER, "must be the name of a header, in lower case"))?;
        let cookies = match env.list("USER_TOKEN_COOKIES") {
            names if names.is_empty() => vec!["session_token".to_owned()],
            names => names,
        };
        Ok(Self { header, cookies })
    }

    /// The token of a header; `Authorization` comes first.
    pub(super) fn header<'a>(&self, request: &'a Parts) -> Result<Option<&'a str>, Error> {
        if let Some(token) = bearer_token(request)? {
            return Ok(Some(token));
        }
        let Some(token) = request.headers.get(&self.header) else { return Ok(None) };
        let wants = || Error::unauthorized(format!("the header `{}` must be a token", self.header));
        token.to_str().map(|token| Some(token.trim())).map_err(|_| wants())
    }

    /// The values of the site's cookies, whose names may have one of the prefixes that browsers know.
    pub(super) fn cookies(&self, headers: &HeaderMap) -> impl Iterator<Item = String> {
        let is_the_sites = |cookie: &Cookie<'_>| {
            let name = cookie.name();
            let name = ["__Secure-", "__Host-"].iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
            self.cookies.iter().any(|known| known == name)
        };
        sent_cookies(headers).filter(is_the_sites).filter_map(|cookie| {
            let value = percent_decode_str(cookie.value()).decode_utf8().ok()?;
            Some(value.into_owned())
        })
    }
}

pub(super) fn bearer_token(request: &Parts) -> Result<Option<&str>, Error> {
    let Some(value) = request.headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = value.to_str().ok().and_then(|value| value.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim())),
        _ => Err(Error::unauthorized("the header `Authorization` must be `Bearer <token>`")),
    }
}
