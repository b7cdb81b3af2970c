//! What the site is asked is signed as Standard Webhooks 1.0 has it: <https://www.standardwebhooks.com>.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::header::InvalidHeaderValue;
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::secrets::{Kind, Previous, Versions};

const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// By the specification.
const MIN_SECRET_BYTES: usize = 24;

/// Signs calls with the current secret and the previous one, because an endpoint may have either.
#[derive(Clone)]
pub struct Signer(Vec<Hmac<Sha256>>);

impl Signer {
    /// `TOOL_SIGNING_SECRET`, or the secret that `TOOL_SIGNING_SECRET_ARN` names and its previous version.
    pub const SECRET: Kind<Self> = Kind {
        variable: "TOOL_SIGNING_SECRET",
        arn_variable: "TOOL_SIGNING_SECRET_ARN",
        previous: Previous::Always,
        parse: Self::parse,
    };

    /// An invalid previous secret is ignored: it has never signed anything.
    /// The error says what the current secret must be.
    pub fn parse(versions: &Versions) -> Result<Self, String> {
        let current = key(&versions.current);
        let current = current.ok_or_else(expected)?;
        let previous = versions.previous.as_ref().and_then(key);
        Ok(Self([Some(current), previous].into_iter().flatten().collect()))
    }

    pub(crate) fn headers(&self, id: &str, at: Timestamp, body: &[u8]) -> Result<HeaderMap, InvalidHeaderValue> {
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

fn key(secret: &SecretString) -> Option<Hmac<Sha256>> {
    let secret = secret.expose_secret();
    // A secret that Secrets Manager generates has no prefix.
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_").unwrap_or(secret)).ok()?;
    let key = Hmac::new_from_slice(&bytes).ok()?;
    (bytes.len() >= MIN_SECRET_BYTES).then_some(key)
}

fn expected() -> String {
    format!("must be the base64 of {MIN_SECRET_BYTES} bytes or more, with `whsec_` in front or without")
}

impl fmt::Debug for Signer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Signer").finish_non_exhaustive()
    }
}
