use std::time::Duration;

use http::{HeaderValue, Method, Uri};
use tower_http::cors::{AllowHeaders, CorsLayer};

use super::REQUEST_ID;
use crate::env::{Env, EnvError};

/// Exactly the origins of `ALLOWED_ORIGINS` may call from a browser, and pages of the same origin.
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
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        // ChatKit and the page's own `fetch` add headers that cannot be known here.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([REQUEST_ID, http::header::RETRY_AFTER])
        .max_age(Duration::from_secs(7200)))
}

/// An origin as browsers send it: in lower case, without a default port and without a path. Another spelling would never be
/// equal to theirs.
fn origin_value(origin: &str) -> Option<HeaderValue> {
    let uri: Uri = origin.parse().ok()?;
    let exact = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
    let default_port =
        matches!((uri.scheme_str(), uri.port_u16()), (Some("http"), Some(80)) | (Some("https"), Some(443)));
    let is_exact =
        exact == origin && !default_port && !origin.contains(|c: char| c.is_ascii_uppercase() || "*@".contains(c));
    is_exact.then(|| HeaderValue::from_str(origin).ok()).flatten()
}
