//! `Idempotency-Key`: a request that is sent again because its answer was lost is carried out once, and answered as the
//! first time (`draft-ietf-httpapi-idempotency-key-header`).
//!
//! A key belongs to its user, for 24 hours. What is refused before any work leaves the key free. A repetition that comes
//! while the first is carried out is told to come back; one with another body is refused.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::response::Response;
use http::request::Parts;
use http::{HeaderName, HeaderValue};

use super::{Code, Error};
use crate::clock::Clock;
use crate::hash::sha256_hex;
use crate::identity::Owner;
use crate::setup::{Clients, Setup, SetupError};
use crate::store::{Claim, KeyedRequest, KeyedRequests};
use crate::telemetry::chain;

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
/// On the answer to a repetition, as Stripe names it.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

const MAX_KEY_CHARS: usize = 255;

/// A record of DynamoDB has at most 400 KB, and each of them costs a write unit.
const MAX_CONTENT_BYTES: usize = 100_000;

/// When to ask again for the answer of a request that is being carried out.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The key of a request, if it has one. As an extractor it refuses one that cannot be with `bad_request`.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub Option<String>);

/// Answers each request with a key once. Cheap to clone.
#[derive(Clone)]
pub struct Idempotency {
    requests: KeyedRequests,
    clock: Clock,
}

/// What becomes of a request with a key.
pub enum Begun {
    /// It is carried out now.
    Now(KeyedWork),
    /// It was carried out before; the content from which its answer is made.
    Before(String),
}

/// A request with a key that is being carried out. Unless it is kept or released, its key is free after its longest
/// duration.
pub struct KeyedWork {
    idempotency: Idempotency,
    request: KeyedRequest,
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let mut keys = parts.headers.get_all(HEADER).iter();
        let Some(key) = keys.next() else { return Ok(Self(None)) };
        let is_key = |key: &&HeaderValue| {
            (1..=MAX_KEY_CHARS).contains(&key.len()) && key.as_bytes().iter().all(u8::is_ascii_graphic)
        };
        let key = Some(key).filter(is_key).and_then(|key| key.to_str().ok()).filter(|_| keys.next().is_none());
        let wanted = || Error::bad_request("`Idempotency-Key` must be one key of 1 to 255 visible characters of ASCII");
        key.map(|key| Self(Some(key.to_owned()))).ok_or_else(wanted)
    }
}

impl IdempotencyKey {
    /// The hashes of a key and of what was sent with it. Whoever reads them learns neither: a key is as good as random,
    /// and the second hash contains it.
    pub fn hashes(key: &str, operation: &str, body: &[u8]) -> (String, String) {
        (sha256_hex(key), sha256_hex(&format!("{key}\n{operation}\n{}", sha256_hex(body))))
    }
}

impl Idempotency {
    /// Reads `TABLE_COUNTERS`.
    pub fn from_setup(setup: &Setup, clients: &Clients) -> Result<Self, SetupError> {
        let requests = KeyedRequests::from_env(&clients.dynamodb, &setup.env)?;
        Ok(Self { requests, clock: setup.clock.clone() })
    }

    /// Begins a request of the owner's that lasts for at most `max_duration`.
    ///
    /// # Errors
    /// `conflict` if the key belongs to another request, or the same one is being carried out.
    pub async fn begin(
        &self,
        owner: &Owner,
        key: &str,
        operation: &str,
        body: &[u8],
        max_duration: Duration,
    ) -> Result<Begun, Error> {
        let (key, fingerprint) = IdempotencyKey::hashes(key, operation, body);
        match self.requests.claim(owner, &key, &fingerprint, max_duration, self.clock.now()).await? {
            Claim::New(request) => Ok(Begun::Now(KeyedWork { idempotency: self.clone(), request })),
            Claim::Answered(Some(content)) => Ok(Begun::Before(content)),
            Claim::Answered(None) => {
                let message = "this request was carried out before, and its answer was too large to be kept";
                Err(Error::new(Code::Conflict, message))
            }
            Claim::Taken => Err(Error::key_taken()),
            Claim::Running => {
                let error = Error::new(Code::Conflict, "this request is being carried out, please ask again");
                Err(error.until(RETRY_AFTER))
            }
        }
    }
}

impl KeyedWork {
    /// Keeps the content from which the answer is made again. Where that fails, a repetition is carried out once more
    /// when the longest duration is over.
    pub async fn keep(self, content: String) {
        let content = Some(content).filter(|content| content.len() <= MAX_CONTENT_BYTES);
        let Idempotency { requests, clock } = &self.idempotency;
        if let Err(error) = requests.keep(&self.request, content, clock.now()).await {
            tracing::error!(error = chain(&error), "could not keep the answer of a request with an idempotency key");
        }
    }

    /// Gives the key back: nothing was done.
    pub async fn release(self) {
        if let Err(error) = self.idempotency.requests.release(&self.request).await {
            tracing::warn!(error = chain(&error), "could not give back the idempotency key of a refused request");
        }
    }
}

/// Marks the answer to a repetition.
pub fn replayed(mut response: Response) -> Response {
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    response
}
