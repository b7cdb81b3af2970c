use std::time::Duration;

use http::header::{HOST, ORIGIN, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, Method};
use tower_http::cors::{AllowHeaders, CorsLayer};

use super::{Code, Error, REQUEST_ID};
use crate::env::{Env, EnvError};
use crate::https::is_origin;

/// The pages that may call from a browser: those of `ALLOWED_ORIGINS`, and of the same origin.
#[derive(Debug, Clone)]
pub struct Origins(Vec<HeaderValue>);

impl Origins {
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        const NAME: &str = "ALLOWED_ORIGINS";
        let origins = env.list(NAME).into_iter().map(|origin| {
            HeaderValue::from_str(&origin).ok().filter(|_| is_origin(&origin)).ok_or_else(|| {
                let wants = "must be a comma-separated list of origins like `https://www.example.com`; `http` only of this machine";
                EnvError::new(NAME, wants)
            })
        });
        Ok(Self(origins.collect::<Result<_, _>>()?))
    }

    /// Whether an origin is one of `ALLOWED_ORIGINS`.
    pub fn contains(&self, origin: &str) -> bool {
        self.0.iter().any(|allowed| allowed == origin)
    }

    /// The first of `ALLOWED_ORIGINS`.
    pub fn first(&self) -> Option<&str> {
        self.0.first().and_then(|origin| origin.to_str().ok())
    }

    /// Lets a browser show answers to these pages only.
    pub(super) fn cors(&self) -> CorsLayer {
        CorsLayer::new()
            .allow_origin(self.0.clone())
            .allow_credentials(true)
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            // ChatKit and the page's own `fetch` add headers that cannot be known here.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers([REQUEST_ID, RETRY_AFTER])
            .max_age(Duration::from_secs(7200))
    }

    /// As [`Origins::admit`], for a request whose cookie says who sends it: a browser adds that for any page, so it has
    /// to say that the page may do this.
    pub(super) fn admit_with_cookie(&self, headers: &HeaderMap) -> Result<(), Error> {
        let says_who =
            headers.contains_key(ORIGIN) || headers.get("sec-fetch-site").is_some_and(|v| v == "same-origin");
        if says_who { self.admit(headers) } else { Err(Self::refused()) }
    }

    /// Refuses the request of another page: `forbidden`. CORS alone lets such a page send it, and only hides the
    /// answer. What is no browser sends no `Origin`.
    pub fn admit(&self, headers: &HeaderMap) -> Result<(), Error> {
        // A browser says so itself, wherever the host is rewritten on the way here. No page can write this header.
        let is_from = |site: &str| headers.get("sec-fetch-site").is_some_and(|value| value == site);
        let is_allowed = |origin: &HeaderValue| self.0.contains(origin) || is_of(origin, headers.get(HOST));
        let is_foreign = match headers.contains_key(ORIGIN) {
            true => !headers.get_all(ORIGIN).iter().all(is_allowed),
            false => is_from("cross-site"),
        };
        if is_from("same-origin") || !is_foreign {
            return Ok(());
        }
        Err(Self::refused())
    }

    fn refused() -> Error {
        Error::new(Code::Forbidden, "pages of this origin may not do this: it is not in `ALLOWED_ORIGINS`")
    }
}

/// The origin of the page that sends a request, where it is another one than this server's.
pub fn other_origin(headers: &HeaderMap) -> Option<String> {
    let origin = headers.get(ORIGIN).filter(|origin| !is_of(origin, headers.get(HOST)))?;
    let is_same = headers.get("sec-fetch-site").is_some_and(|value| value == "same-origin");
    (!is_same).then(|| String::from_utf8_lossy(origin.as_bytes()).into_owned())
}

/// Whether an origin is that of a host. The scheme is not compared: TLS may end in front of this server.
fn is_of(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let authority = origin.to_str().ok().and_then(|origin| origin.split_once("://")).map(|(_, authority)| authority);
    authority.is_some_and(|authority| host.is_some_and(|host| host == authority))
}
