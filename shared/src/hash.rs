//! Hashes of values that must not be kept or shown themselves.

use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// SHA-256 in hex.
pub fn sha256_hex(value: &str) -> String {
    hex::encode(Sha256::digest(value.as_bytes()))
}

/// Hashes that only who has the key can make. There are few enough addresses and names of users to try them all against
/// a hash without one.
#[derive(Clone)]
pub struct HashKey(Hmac<Sha256>);

impl HashKey {
    /// A key for one purpose, out of a secret that has others: what is hashed begins with the purpose.
    ///
    /// # Errors
    /// None in practice: a secret may have any length.
    pub fn new(secret: &[u8], purpose: &str) -> Result<Self, InvalidLength> {
        let mut key = <Hmac<Sha256> as KeyInit>::new_from_slice(secret)?;
        key.update(purpose.as_bytes());
        key.update(b"\n");
        Ok(Self(key))
    }

    /// The first 12 hex digits of the HMAC-SHA-256: enough to follow one user through a log, not to name them.
    pub fn short_hash(&self, value: &str) -> String {
        let mut hash = hex::encode(self.0.clone().chain_update(value).finalize().into_bytes());
        hash.truncate(12);
        hash
    }
}
