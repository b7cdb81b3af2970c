//! Who stands in the log: hashes with a key, so that one person can be followed through it and nobody be found out by
//! trying all addresses.

use std::net::IpAddr;

use crate::env::{Env, EnvError};
use crate::identity::SigningKeys;
use crate::secrets::Secret;

/// What names become in the log. The key comes out of the secret that session tokens are signed with: all functions of a
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
    /// Reads `LOG_ADDRESS`: whether addresses are `hashed` (default), or stand in the log as they are (`plain`).
    ///
    /// # Errors
    /// For any other value.
    pub fn from_env(env: &Env, keys: Secret<SigningKeys>) -> Result<Self, EnvError> {
        let addresses = match env.get("LOG_ADDRESS") {
            None | Some("hashed") => Addresses::Hashed,
            Some("plain") => Addresses::Plain,
            Some(_) => return Err(EnvError::new("LOG_ADDRESS", "must be `hashed` or `plain`")),
        };
        Ok(Self { keys, addresses })
    }

    /// What stands for a client's address; none while there is no key.
    pub(super) fn of_address(&self, address: IpAddr) -> Option<String> {
        match self.addresses {
            Addresses::Hashed => self.of(&address.to_string()),
            Addresses::Plain => Some(address.to_string()),
        }
    }

    /// What stands for a name; none while there is no key.
    pub(super) fn of(&self, name: &str) -> Option<String> {
        self.keys.known().map(|keys| keys.pseudonym(name))
    }
}
