use std::sync::Arc;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Owner;
use crate::env::{Env, EnvError};
use crate::hash::{HashKey, sha256_hex};
use crate::secrets::{Kind, Previous, Secret, SecretError, Secrets, Versions};

/// Of an HMAC secret (RFC 7518, section 3.2).
const MIN_SECRET_BYTES: usize = 32;

/// The secrets that our own tokens are signed with. Tokens of the previous one are still valid. A token names its key
/// (`kid`).
#[derive(Clone)]
pub struct SigningKeys {
    current: Key,
    previous: Option<Key>,
    names: HashKey,
    people: HashKey,
}

#[derive(Clone)]
pub(super) struct Key {
    id: String,
    encoding: EncodingKey,
    pub(super) decoding: DecodingKey,
    /// For the secrets of sign-ins.
    pub(super) pending_logins: HashKey,
}

/// A token cannot be signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// There is no key at the moment.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Does not happen in practice: the claims are no JSON.
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
    pub fn required(env: &Env, secrets: &Secrets) -> Result<Secret<Self>, EnvError> {
        secrets.required(env, Self::SECRET, "the secret that session tokens are signed with")
    }

    /// A previous secret that is too short has never signed a token, so it is left out.
    fn parse(versions: &Versions) -> Result<Self, String> {
        let previous = versions.previous.as_ref().and_then(|secret| Key::new(secret).ok());
        let secret = long_enough(&versions.current)?;
        let key = |purpose| HashKey::new(secret, purpose).map_err(|error| error.to_string());
        let (names, people) = (key("names in the log")?, key("people at the model's server")?);
        Ok(Self { current: Key::new(&versions.current)?, previous, names, people })
    }

    /// The log has this in place of an address, a user or a tenant, until the secret is rotated.
    pub fn pseudonym(&self, name: &str) -> String {
        self.names.short_hash(name)
    }

    /// The model's server knows a user by this, until the secret is rotated.
    pub(crate) fn safety_identifier(&self, owner: &Owner) -> String {
        self.people.hash(&format!("{}\n{}", owner.tenant(), owner.user()))
    }

    /// For the secrets of sign-ins that begin now.
    pub(super) const fn pending_logins(&self) -> &HashKey {
        &self.current.pending_logins
    }

    /// A token of a kind of ours, which its header names as its media type: so no other kind is taken for it (RFC 8725,
    /// section 3.11).
    pub(super) fn sign(&self, media_type: &str, claims: &impl Serialize) -> Result<String, SigningError> {
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(media_type.to_owned());
        header.kid = Some(self.current.id.clone());
        Ok(jsonwebtoken::encode(&header, claims, &self.current.encoding)?)
    }

    fn verifying(&self, id: &str) -> Option<&Key> {
        let known = [Some(&self.current), self.previous.as_ref()];
        known.into_iter().flatten().find(|key| key.id == id)
    }
}

impl Secret<SigningKeys> {
    /// As [`SigningKeys::sign`].
    pub(super) async fn sign(&self, media_type: &str, claims: &impl Serialize) -> Result<String, SigningError> {
        self.get().await?.sign(media_type, claims)
    }

    /// The claims of a token of this kind; none if it is no such token. The caller compares its times.
    pub(super) async fn verify<T: DeserializeOwned>(
        &self,
        media_type: &str,
        audience: &str,
        token: &str,
    ) -> Result<Option<T>, SecretError> {
        Ok(self.verify_with_key(media_type, audience, token).await?.map(|(claims, _)| claims))
    }

    /// As [`Secret::verify`], and the key that the token is signed with.
    pub(super) async fn verify_with_key<T: DeserializeOwned>(
        &self,
        media_type: &str,
        audience: &str,
        token: &str,
    ) -> Result<Option<(T, Key)>, SecretError> {
        let header = jsonwebtoken::decode_header(token).ok();
        let header = header.filter(|header| header.typ.as_deref() == Some(media_type));
        let Some(key_id) = header.and_then(|header| header.kid) else { return Ok(None) };
        let Some(key) = self.verifying(&key_id).await? else { return Ok(None) };
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[audience]);
        // The clock is injected.
        validation.validate_exp = false;
        let decoded = jsonwebtoken::decode(token, &key.decoding, &validation).ok();
        Ok(decoded.map(|token| (token.claims, key)))
    }

    /// The key with an id. An unknown id may be that of a key with which another function signs since the secret was
    /// rotated, or with which this function signed before.
    pub(super) async fn verifying(&self, id: &str) -> Result<Option<Key>, SecretError> {
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
        let pending_logins = HashKey::new(bytes, "sign-ins that have begun").map_err(|error| error.to_string())?;
        let (encoding, decoding) = (EncodingKey::from_secret(bytes), DecodingKey::from_secret(bytes));
        Ok(Self { id, encoding, decoding, pending_logins })
    }
}

/// Whether a token says that it is of this kind of ours.
pub(super) fn is_of_type(token: &str, media_type: &str) -> bool {
    jsonwebtoken::decode_header(token).is_ok_and(|header| header.typ.as_deref() == Some(media_type))
}

/// The bytes of an HMAC secret, or what the secret must have.
pub(super) fn long_enough(secret: &SecretString) -> Result<&[u8], String> {
    let bytes = secret.expose_secret().as_bytes();
    if bytes.len() < MIN_SECRET_BYTES { Err(format!("must have at least {MIN_SECRET_BYTES} bytes")) } else { Ok(bytes) }
}
