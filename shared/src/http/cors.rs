use std::time::Duration;

use http::{HeaderValue, Method, Uri};
use tower_http::cors::{AllowHeaders, CorsLayer};

use super::REQUEST_ID;
use crate::env::{Env, EnvError};

/// The origins that may call from a browser: exactly those of `ALLOWED_ORIGINS`. Without any, only pages of the same
/// origin can.
///
/// # Errors
/// When an entry is not an origin, as `https://www.example.com` is.
pub(super) fn cors(env: &Env) -> Result<CorsLayer, EnvError> {
    const NAME: &str = "ALLOWED_ORIGINS";
    let origins = env.list(NAME).into_iter().map(|origin| {
        origin_value(&origin).ok_or_else(|| {
            EnvError::new(NAME, "must be a comma-separated list of origins like `https://www.example.com`")
        })
    });
    Ok(CorsLayer::new()
        .allow_origin(origins.collect::<Result<Vec<_>, _>>()?)
        .allow_credentials(true)
        .allow_methods([Method::GET, Method::POST])
        // ChatKit and the page's own `fetch` add headers that cannot be known here.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([REQUEST_ID, http::header::RETRY_AFTER])
        .max_age(Duration::from_secs(7200)))
}

/// The origin as browsers write it: lower case, without a default port, nothing behind it. Any other spelling would
/// never be equal to what they send.
fn origin_value(origin: &str) -> Option<HeaderValue> {
    let uri: Uri = origin.parse().ok()?;
    let exact = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
    let default_port =
        matches!((uri.scheme_str(), uri.port_u16()), (Some("http"), Some(80)) | (Some("https"), Some(443)));
    let is_exact =
        exact == origin && !default_port && !origin.contains(|c: char| c.is_ascii_uppercase() || "*@".contains(c));
    is_exact.then(|| HeaderValue::from_str(origin).ok()).flatten()
}
