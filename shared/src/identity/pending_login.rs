//! A sign-in that has begun and not ended: what connects the provider's answer to the browser that asked for it.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use http::HeaderMap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::cookies::{self, VisitorCookie};
use super::{SigningError, SigningKeys};
use crate::hash::HashKey;
use crate::ids::Ids;
use crate::secrets::{Secret, SecretError};

const TYPE: &str = "chatkit-pending-login+jwt";
const AUDIENCE: &str = "chatkit-pending-login";

/// A sign-in of one browser. Its secrets are derived from an id with a key of ours: the browser has the id in a signed
/// cookie, and learns of the secrets only what the provider is asked with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLogin {
    state: String,
    nonce: String,
    code_verifier: String,
    /// The page that gets the browser back.
    pub return_to: String,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    aud: String,
    jti: String,
    exp: i64,
    return_to: String,
}

/// Begins sign-ins, and recognises them by their cookie.
#[derive(Clone)]
pub struct PendingLogins {
    keys: Secret<SigningKeys>,
    cookie: VisitorCookie,
}

impl PendingLogin {
    /// How long a person may take at the provider.
    pub const LIFETIME: Duration = Duration::from_mins(10);

    fn new(id: &str, key: &HashKey, return_to: String) -> Self {
        let secret = |name: &str| key.hash(&format!("{name} {id}"));
        Self { state: secret("state"), nonce: secret("nonce"), code_verifier: secret("code_verifier"), return_to }
    }

    /// What the provider sends back. Each is good for one answer.
    pub fn state(&self) -> &str {
        &self.state
    }

    pub(super) fn nonce(&self) -> &str {
        &self.nonce
    }

    pub(super) fn code_verifier(&self) -> &str {
        &self.code_verifier
    }

    /// RFC 7636, section 4.2.
    pub(super) fn code_challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.code_verifier.as_bytes()))
    }
}

impl PendingLogins {
    pub const fn new(keys: Secret<SigningKeys>, cookie: VisitorCookie) -> Self {
        Self { keys, cookie }
    }

    /// A new sign-in, and the `Set-Cookie` header's value that binds it to the browser.
    pub async fn begin(
        &self,
        return_to: &str,
        ids: &Ids,
        now: Timestamp,
    ) -> Result<(PendingLogin, String), SigningError> {
        let keys = self.keys.get().await?;
        let payload = Payload {
            aud: AUDIENCE.to_owned(),
            jti: ids.mint_bare(),
            exp: (now + PendingLogin::LIFETIME).as_second(),
            return_to: return_to.to_owned(),
        };
        let token = keys.sign(TYPE, &payload)?;
        let login = PendingLogin::new(&payload.jti, keys.pending_logins(), payload.return_to);
        Ok((login, self.header(&token, PendingLogin::LIFETIME)))
    }

    /// The sign-in that this browser has begun.
    pub async fn recognise(&self, headers: &HeaderMap, now: Timestamp) -> Result<Option<PendingLogin>, SecretError> {
        for token in cookies::values(headers, self.name()) {
            if let Some((payload, key)) = self.keys.verify_with_key::<Payload>(TYPE, AUDIENCE, &token).await? {
                let login = PendingLogin::new(&payload.jti, &key.pending_logins, payload.return_to);
                return Ok((now.as_second() < payload.exp).then_some(login));
            }
        }
        Ok(None)
    }

    /// The `Set-Cookie` header's value that makes the browser forget the sign-in.
    pub fn remove_cookie(&self) -> String {
        self.header("", Duration::ZERO)
    }

    fn name(&self) -> &'static str {
        self.cookie.name("__Host-chatkit_pending_login")
    }

    fn header(&self, value: &str, max_age: Duration) -> String {
        // `Lax`: the browser comes back by a link of another site, the provider's.
        let cookie = Cookie::build((self.name(), value)).same_site(SameSite::Lax);
        cookies::header(cookie.secure(self.cookie.is_secure()), max_age)
    }
}
