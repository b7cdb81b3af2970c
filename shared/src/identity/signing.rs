use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};

use crate::env::EnvError;
use crate::hash::sha256_hex;

/// Bytes that an HMAC secret must have (RFC 7518, section 3.2).
const SHORTEST: usize = 32;

/// The secrets that our own tokens are signed with: the current one, and the previous one while tokens made with it
/// are still about. A token names its key (`kid`).
#[derive(Clone)]
pub struct SigningKeys {
    current: Key,
    previous: Option<Key>,
}

#[derive(Clone)]
struct Key {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl SigningKeys {
    /// Keys from the secrets. A previous one that is too short has never signed anything, so it counts as none.
    ///
    /// # Errors
    /// When the current one has fewer than 32 bytes.
    pub fn new(current: &SecretString, previous: Option<&SecretString>) -> Result<Self, EnvError> {
        Ok(Self { current: Key::new(current)?, previous: previous.and_then(|secret| Key::new(secret).ok()) })
    }

    /// The key that signs, with its id.
    pub(super) fn signing(&self) -> (&str, &EncodingKey) {
        (&self.current.id, &self.current.encoding)
    }

    /// The key with an id.
    pub(super) fn verifying(&self, id: &str) -> Option<&DecodingKey> {
        let known = [Some(&self.current), self.previous.as_ref()];
        known.into_iter().flatten().find(|key| key.id == id).map(|key| &key.decoding)
    }
}

impl Key {
    fn new(secret: &SecretString) -> Result<Self, EnvError> {
        let secret = secret.expose_secret();
        if secret.len() < SHORTEST {
            return Err(EnvError::new("SESSION_SIGNING_SECRET", format!("must have at least {SHORTEST} bytes")));
        }
        let mut id = sha256_hex(&format!("key id of {secret}"));
        id.truncate(16);
        let bytes = secret.as_bytes();
        Ok(Self { id, encoding: EncodingKey::from_secret(bytes), decoding: DecodingKey::from_secret(bytes) })
    }
}
