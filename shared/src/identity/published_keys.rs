//! The keys that an identity provider publishes for its tokens: a JWK Set (RFC 7517).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{FutureExt, TryStreamExt};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use reqwest::{Client, Url};
use serde::Deserialize;
use serde_json::Value;

use crate::clock::Clock;
use crate::env::EnvError;
use crate::https::{read_at_most, safe_url};
use crate::reload::{ReloadPolicy, ReloadReason};
use crate::telemetry::chain;

/// Keys that are older are read again. Providers announce a new key well before they sign with it.
const RELOAD_INTERVAL: Duration = Duration::from_hours(1);
/// For one read.
const READ_TIMEOUT: Duration = Duration::from_millis(1_500);
/// A set with a dozen keys and their certificates has some 30 KB.
const MAX_SET_BYTES: usize = 128 * 1024;

/// Of an RSA key (RFC 7518, section 3.3).
const MIN_RSA_BITS: usize = 2048;

/// The keys at an address. Read when they are missing or old, and once a minute at most when a token names a key that
/// is not among them; those that were good stay until there are others. Cheap to clone; clones share them.
#[derive(Clone)]
pub(super) struct PublishedKeys(Arc<Inner>);

struct Inner {
    client: Client,
    url: Url,
    /// Whose they are, for the log.
    whose: &'static str,
    reload: ReloadPolicy,
    cached: Mutex<CachedKeys>,
}

struct CachedKeys {
    keys: Vec<Arc<PublishedKey>>,
    /// Of the last read.
    problem: Problem,
}

/// A key with the one algorithm that it is good for (RFC 8725, section 3.1).
pub(super) struct PublishedKey {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
}

/// No keys have been read so far, or the set has none that can be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there are no keys of {whose}")]
pub struct NoPublishedKeys {
    whose: &'static str,
    #[source]
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("they were not read yet")]
    Unread,
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it answered with the status {0}")]
    Status(u16),
    #[error("its answer is larger than {MAX_SET_BYTES} bytes")]
    TooLarge,
    #[error("its answer is no JWK set with a key for RS256, ES256 or EdDSA")]
    Unusable,
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl PublishedKeys {
    /// The variable with the address of those of user tokens.
    pub(super) const VARIABLE: &str = "JWKS_URL";

    /// The keys of user tokens. Nothing is read yet.
    pub(super) fn of_user_tokens(url: &str, client: Client, clock: Clock) -> Result<Self, EnvError> {
        let wants = "must be an `https` URL without credentials and fragment, or `http` to this machine";
        let url = safe_url(url).ok_or_else(|| EnvError::new(Self::VARIABLE, wants))?;
        Ok(Self::new(url, "`JWKS_URL`", client, clock))
    }

    /// The keys at an address that can be trusted. Nothing is read yet.
    pub(super) fn new(url: Url, whose: &'static str, client: Client, clock: Clock) -> Self {
        let cached = Mutex::new(CachedKeys { keys: Vec::new(), problem: Problem::Unread });
        Self(Arc::new(Inner { client, url, whose, reload: ReloadPolicy::new(clock, RELOAD_INTERVAL), cached }))
    }

    pub(super) async fn open(&self) {
        self.read(ReloadReason::Routine).await;
    }

    /// The key that a token names; a token without a name is signed with the key without one.
    pub(super) async fn find(&self, id: Option<&str>) -> Result<Option<Arc<PublishedKey>>, NoPublishedKeys> {
        let reason = if self.0.cached().keys.is_empty() { ReloadReason::Missing } else { ReloadReason::Routine };
        self.read(reason).await;
        let found = self.0.find(id)?;
        if found.is_some() {
            return Ok(found);
        }
        self.read(ReloadReason::Rejected).await;
        self.0.find(id)
    }

    async fn read(&self, reason: ReloadReason) {
        let inner = Arc::clone(&self.0);
        self.0.reload.read_if_due(reason, async move { inner.read().await }.boxed()).await;
    }
}

impl Inner {
    /// Reads the keys once; whether there are any after that.
    async fn read(&self) -> bool {
        let fetched = self.fetch().await;
        let mut cached = self.cached();
        match fetched {
            Ok(keys) => cached.keys = keys,
            Err(problem) => {
                let error = NoPublishedKeys { whose: self.whose, problem: problem.clone() };
                tracing::error!(error = chain(&error), "user tokens cannot be verified with new keys");
                cached.problem = problem;
            }
        }
        !cached.keys.is_empty()
    }

    async fn fetch(&self) -> Result<Vec<Arc<PublishedKey>>, Problem> {
        let unreachable = |error: reqwest::Error| Problem::Unreachable(chain(&error.without_url()));
        let response = self.client.get(self.url.clone()).timeout(READ_TIMEOUT).send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(Problem::Status(response.status().as_u16()));
        }
        let body = response.bytes_stream().map_err(unreachable);
        let body = read_at_most(body, MAX_SET_BYTES, || Problem::TooLarge).await?;
        let set: KeySet = serde_json::from_slice(&body).map_err(|_| Problem::Unusable)?;
        let keys: Vec<_> = set.keys.into_iter().filter_map(PublishedKey::new).map(Arc::new).collect();
        if keys.is_empty() { Err(Problem::Unusable) } else { Ok(keys) }
    }

    fn find(&self, id: Option<&str>) -> Result<Option<Arc<PublishedKey>>, NoPublishedKeys> {
        let cached = self.cached();
        if cached.keys.is_empty() {
            return Err(NoPublishedKeys { whose: self.whose, problem: cached.problem.clone() });
        }
        Ok(cached.keys.iter().find(|key| key.id.as_deref() == id).cloned())
    }

    fn cached(&self) -> MutexGuard<'_, CachedKeys> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PublishedKey {
    /// A key of the set, if it is one for signatures that are verified here. Others may be there for others.
    fn new(key: Value) -> Option<Self> {
        let key: Jwk = serde_json::from_value(key).ok()?;
        let (algorithm, name) = match &key.algorithm {
            AlgorithmParameters::RSA(rsa) if modulus_bits(&rsa.n) >= MIN_RSA_BITS => {
                (Algorithm::RS256, KeyAlgorithm::RS256)
            }
            AlgorithmParameters::EllipticCurve(curve) if curve.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(curve) if curve.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            // Short keys, other curves and secrets; the enum may grow.
            _ => return None,
        };
        let is_for_this = key.common.key_algorithm.is_none_or(|algorithm| algorithm == name)
            && key.common.public_key_use.as_ref().is_none_or(|usage| *usage == PublicKeyUse::Signature);
        let decoding_key = DecodingKey::from_jwk(&key).ok()?;
        is_for_this.then_some(Self { id: key.common.key_id, algorithm, key: decoding_key })
    }
}

/// The size of an RSA key, by its modulus in Base64.
fn modulus_bits(modulus: &str) -> usize {
    let bytes = URL_SAFE_NO_PAD.decode(modulus).unwrap_or_default();
    let significant = bytes.iter().position(|byte| *byte != 0).map(|first| &bytes[first..]).unwrap_or_default();
    let leading_zeros = significant.first().map_or(0, |byte| byte.leading_zeros());
    significant.len() * 8 - leading_zeros as usize
}
