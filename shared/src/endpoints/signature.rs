//! Signatures as Standard Webhooks 1.0 has them: <https://www.standardwebhooks.com>.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::env::EnvError;

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Bytes that a secret must have, as the specification wants it.
const SHORTEST: usize = 24;

/// Signs calls with every secret that an endpoint may still know.
#[derive(Clone)]
pub struct Signer(Vec<Hmac<Sha256>>);

impl Signer {
    /// The variable with the secret.
    pub const VARIABLE: &str = "TOOL_SIGNING_SECRET";

    /// A signer with these secrets, the current one first. One before it that is none has never signed anything, so it
    /// does not count.
    ///
    /// # Errors
    /// When the current one is not 24 bytes or more in base64, with `whsec_` in front or without.
    pub fn new(secrets: &[SecretString]) -> Result<Self, EnvError> {
        let key = |secret: &SecretString| {
            let bytes = STANDARD.decode(bare(secret.expose_secret())).ok()?;
            let key = Hmac::new_from_slice(&bytes).ok()?;
            (bytes.len() >= SHORTEST).then_some(key)
        };
        if secrets.first().is_some_and(|current| key(current).is_none()) {
            let wants = format!("must be the base64 of {SHORTEST} bytes or more, with `whsec_` in front or without");
            return Err(EnvError::new(Self::VARIABLE, wants));
        }
        Ok(Self(secrets.iter().filter_map(key).collect()))
    }

    /// The headers that prove who sent a body and when.
    pub(super) fn headers(&self, id: &str, at: Timestamp, body: &[u8]) -> Result<HeaderMap, InvalidHeaderValue> {
        let at = at.as_second();
        let sign = |key: &Hmac<Sha256>| {
            let mut mac = key.clone();
            mac.update(format!("{id}.{at}.").as_bytes());
            mac.update(body);
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        };
        let signatures: Vec<_> = self.0.iter().map(sign).collect();
        Ok(HeaderMap::from_iter([
            (ID, HeaderValue::try_from(id)?),
            (TIMESTAMP, HeaderValue::from(at)),
            (SIGNATURE, HeaderValue::try_from(signatures.join(" "))?),
        ]))
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").finish_non_exhaustive()
    }
}

/// The base64 of a secret. Secrets Manager makes secrets by itself, and cannot put a prefix in front of them.
fn bare(secret: &str) -> &str {
    secret.strip_prefix("whsec_").unwrap_or(secret)
}
