//! Names in the log: keyed hashes, which show that two lines are of the same user, and not who the user is.

use std::net::IpAddr;

use crate::env::{Env, EnvError};
use crate::identity::SigningKeys;
use crate::secrets::Secret;

/// The hashes of names. Their key is derived from the secret that session tokens are signed with: all functions of a
/// deployment have it, and it is rotated.
#[derive(Debug, Clone)]
pub struct Pseudonyms {
    keys: Secret<SigningKeys>,
    addresses: Addresses,
}

#[derive(Debug, Clone, Copy)]
enum Addresses {
    Hashed,
    Plain,
}

impl Pseudonyms {
    /// Reads `LOG_ADDRESS`: whether the log has addresses `hashed` (default) or `plain`.
    pub fn from_env(env: &Env, keys: Secret<SigningKeys>) -> Result<Self, EnvError> {
        let addresses = match env.get("LOG_ADDRESS") {
            None | Some("hashed") => Addresses::Hashed,
            Some("plain") => Addresses::Plain,
            Some(_) => return Err(EnvError::new("LOG_ADDRESS", "must be `hashed` or `plain`")),
        };
        Ok(Self { keys, addresses })
    }

    /// None while there is no key.
    pub(super) fn of_address(&self, address: IpAddr) -> Option<String> {
        match self.addresses {
            Addresses::Hashed => self.of(&address.to_string()),
            Addresses::Plain => Some(address.to_string()),
        }
    }

    /// None while there is no key.
    pub(super) fn of(&self, name: &str) -> Option<String> {
        self.keys.known().map(|keys| keys.pseudonym(name))
    }
}
