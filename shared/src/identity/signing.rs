use std::sync::Arc;

use jsonwebtoken::{DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};

use crate::env::{Env, EnvError};
use crate::hash::{HashKey, sha256_hex};
use crate::secrets::{Kind, Previous, Secret, SecretError, Secrets, Versions};

/// Bytes that an HMAC secret must have (RFC 7518, section 3.2).
const SHORTEST: usize = 32;

/// The secrets that our own tokens are signed with: the current one, and the previous one while tokens made with it
/// are still about. A token names its key (`kid`).
#[derive(Clone)]
pub struct SigningKeys {
    current: Key,
    previous: Option<Key>,
    names: HashKey,
}

#[derive(Clone)]
struct Key {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// A token cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// There is no key at the moment.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// None in practice: the claims are no JSON.
    #[error("the token cannot be signed")]
    Token(#[from] jsonwebtoken::errors::Error),
}

impl SigningKeys {
    const SECRET: Kind<Self> = Kind {
        variable: "SESSION_SIGNING_SECRET",
        arn_variable: "SESSION_SIGNING_SECRET_ARN",
        previous: Previous::WhenRejected,
        parse: Self::parse,
    };

    /// The keys of `SESSION_SIGNING_SECRET`, or of the secret that `SESSION_SIGNING_SECRET_ARN` names, whose previous
    /// version still verifies.
    ///
    /// # Errors
    /// When neither is set, or the first is too short.
    pub fn required(env: &Env, secrets: &Secrets) -> Result<Secret<Self>, EnvError> {
        secrets.required(env, Self::SECRET, "the secret that session tokens are signed with")
    }

    /// Keys from the secrets. A previous one that is too short has never signed anything, so it counts as none.
    fn parse(versions: &Versions) -> Result<Self, String> {
        let previous = versions.previous.as_ref().and_then(|secret| Key::new(secret).ok());
        let secret = long_enough(&versions.current)?;
        let names = HashKey::new(secret, "names in the log").map_err(|error| error.to_string())?;
        Ok(Self { current: Key::new(&versions.current)?, previous, names })
    }

    /// What stands for an address, a user or a tenant in the log, until the secret is rotated.
    pub fn pseudonym(&self, name: &str) -> String {
        self.names.short_hash(name)
    }

    /// The key that signs, with its id.
    pub(super) fn signing(&self) -> (&str, &EncodingKey) {
        (&self.current.id, &self.current.encoding)
    }

    fn verifying(&self, id: &str) -> Option<&DecodingKey> {
        let known = [Some(&self.current), self.previous.as_ref()];
        known.into_iter().flatten().find(|key| key.id == id).map(|key| &key.decoding)
    }
}

impl Secret<SigningKeys> {
    /// The key with an id. One that is not known may be what another function signs with since the secret was rotated,
    /// or what this one signed with before.
    pub(super) async fn verifying(&self, id: &str) -> Result<Option<DecodingKey>, SecretError> {
        let keys: Arc<SigningKeys> = self.get().await?;
        if let Some(key) = keys.verifying(id) {
            return Ok(Some(key.clone()));
        }
        Ok(self.newer_than(&keys).await.and_then(|keys| keys.verifying(id).cloned()))
    }
}

impl Key {
    fn new(secret: &SecretString) -> Result<Self, String> {
        let bytes = long_enough(secret)?;
        let mut id = sha256_hex(&format!("key id of {}", secret.expose_secret()));
        id.truncate(16);
        Ok(Self { id, encoding: EncodingKey::from_secret(bytes), decoding: DecodingKey::from_secret(bytes) })
    }
}

/// The bytes of an HMAC secret, if it has enough of them; else what it must.
pub(super) fn long_enough(secret: &SecretString) -> Result<&[u8], String> {
    let bytes = secret.expose_secret().as_bytes();
    if bytes.len() < SHORTEST { Err(format!("must have at least {SHORTEST} bytes")) } else { Ok(bytes) }
}
