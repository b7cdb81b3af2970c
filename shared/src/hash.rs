//! Hashes of values that must not be stored or logged themselves.

use hmac::digest::InvalidLength;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// SHA-256 in hex.
pub fn sha256_hex(value: &(impl AsRef<[u8]> + ?Sized)) -> String {
    hex::encode(Sha256::digest(value))
}

/// A keyed hash. Without a key, addresses and user names could be found by hashing all of them: there are few enough.
#[derive(Clone)]
pub(crate) struct HashKey(Hmac<Sha256>);

impl HashKey {
    /// A key for one purpose, from a secret that has other purposes, too. Does not fail in practice: a secret may have
    /// any length.
    pub(crate) fn new(secret: &[u8], purpose: &str) -> Result<Self, InvalidLength> {
        let mut key = <Hmac<Sha256> as KeyInit>::new_from_slice(secret)?;
        key.update(purpose.as_bytes());
        key.update(b"\n");
        Ok(Self(key))
    }

    /// The HMAC-SHA-256 in hex.
    pub(crate) fn hash(&self, value: &str) -> String {
        hex::encode(self.0.clone().chain_update(value).finalize().into_bytes())
    }

    /// Its first 12 digits: enough to tell users apart in a log.
    pub(crate) fn short_hash(&self, value: &str) -> String {
        let mut hash = self.hash(value);
        hash.truncate(12);
        hash
    }
}
