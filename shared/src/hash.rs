//! Hashes of values that must not be kept or shown themselves.

use sha2::{Digest, Sha256};

/// SHA-256 in hex.
pub fn sha256_hex(value: &str) -> String {
    hex::encode(Sha256::digest(value.as_bytes()))
}

/// The first 12 hex digits of the SHA-256: enough to follow one user through a log, not to name them.
pub fn short_hash(value: &str) -> String {
    let mut hash = sha256_hex(value);
    hash.truncate(12);
    hash
}
