//! What every route needs, and the only place that maps failures to HTTP.

mod authenticator;
mod body;
mod cors;
mod error;
mod idempotency;
mod log;
mod pseudonyms;
mod request;
pub mod sse;
mod token_sources;

use http::HeaderName;

pub use self::authenticator::{Authenticator, Caller, RefusedIdentity, SiteUser, TrustedIdentity};
pub use self::body::{JsonBody, expect_json, json, read_body};
pub use self::cors::{Origins, other_origin};
pub use self::error::{Code, Error};
pub use self::idempotency::{Begun, Idempotency, IdempotencyKey, KeyedWork, replayed};
pub use self::log::RequestLog;
pub use self::pseudonyms::Pseudonyms;
pub use self::request::{ClientAddress, HttpLayer};

/// The header with the request's id. It is always minted here: one that a client could choose would let it write into
/// the log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
