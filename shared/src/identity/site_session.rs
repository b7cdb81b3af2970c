//! Sessions of the site: a token that says nothing by itself, such as Better Auth's. The site is asked whose it is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::{BoxFuture, Shared};
use futures_util::{FutureExt, TryStreamExt};
use hmac::{Hmac, KeyInit, Mac};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Url};
use serde::Deserialize;
use serde_json::json;
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::signing::long_enough;
use super::{ClaimNames, Identity, Refusal, UserTokenError};
use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::hash::sha256_hex;
use crate::https::{read_at_most, safe_url, send_with_retry};
use crate::protocol::Object;
use crate::secrets::{Kind, Previous, Secret, SecretError, Secrets, Versions};
use crate::telemetry::chain;
use crate::webhooks::Signer;

/// For one question and its answer.
const TIMEOUT: Duration = Duration::from_secs(3);
const RETRY_PAUSE: Duration = Duration::from_millis(100);
const MAX_ANSWER_BYTES: usize = 16 * 1024;
/// Whoever sends more sends no session.
const MAX_TOKEN_BYTES: usize = 4_096;

/// How long an answer counts that does not say it.
const DEFAULT_AGE: SignedDuration = SignedDuration::from_secs(60);
/// How long it counts at most: a person who signs out must be gone soon.
const MAX_AGE: SignedDuration = SignedDuration::from_mins(10);
/// How long it counts that there is no such session.
const REFUSAL_AGE: SignedDuration = SignedDuration::from_secs(10);
/// Answers that are kept. What is thrown away is asked again.
const MAX_ANSWERS: usize = 1_000;
/// Questions at the same time: anybody can send tokens that nobody knows.
const MAX_QUESTIONS: usize = 32;

/// Asks the site about its sessions, and keeps what it says. Cheap to clone.
#[derive(Clone)]
pub struct SiteSessions(Arc<Inner>);

struct Inner {
    client: Client,
    url: Url,
    signer: Secret<Signer>,
    /// Of the site's cookies, where it signs them.
    cookie_keys: Option<Secret<CookieKeys>>,
    names: ClaimNames,
    clock: Clock,
    answers: Mutex<HashMap<String, Asked>>,
    questions: Semaphore,
}

/// A question under way, or its answer.
type Asked = Shared<BoxFuture<'static, Result<Answer, NoSiteAnswer>>>;

/// The site does not say whose session it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoSiteAnswer {
    #[error("`SESSION_INTROSPECTION_URL` cannot be reached: {0}")]
    Unreachable(String),
    #[error("`SESSION_INTROSPECTION_URL` does not answer within {} s", TIMEOUT.as_secs())]
    Slow,
    #[error("`SESSION_INTROSPECTION_URL` answers with the status {0}")]
    Status(u16),
    #[error("`SESSION_INTROSPECTION_URL` answers with more than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    #[error("`SESSION_INTROSPECTION_URL` must answer with JSON: `active`, and of an active session its user's claims")]
    NotJson,
    #[error(transparent)]
    Secret(#[from] SecretError),
}

/// What the site has said of a session.
#[derive(Clone)]
struct Answer {
    identity: Result<Identity, Refusal>,
    counts_until: Timestamp,
}

/// The site's answer: whether it is a session, and the claims of its user.
#[derive(Deserialize)]
struct Introspection {
    active: bool,
    /// Unix seconds.
    exp: Option<i64>,
    /// How long the answer counts, in seconds.
    max_age: Option<u32>,
    #[serde(flatten)]
    claims: Object,
}

/// The keys that a site's cookies are signed with: HMAC-SHA-256 in base64 behind a dot, as Better Auth does it.
struct CookieKeys(Vec<Hmac<Sha256>>);

impl SiteSessions {
    /// Reads `SESSION_INTROSPECTION_URL`, `TOOL_SIGNING_SECRET` or `TOOL_SIGNING_SECRET_ARN`, `SESSION_COOKIE_SECRET` or
    /// `SESSION_COOKIE_SECRET_ARN`, and `USER_CLAIMS`.
    pub fn from_env(env: &Env, secrets: &Secrets, client: &Client, clock: &Clock) -> Result<Self, EnvError> {
        const URL: &str = "SESSION_INTROSPECTION_URL";
        let url = env.required(URL, "where the site says whose a session is, because `AUTH_MODE` has `session`")?;
        let wants = "must be an `https` URL without credentials and fragment, or `http` to this machine";
        Ok(Self(Arc::new(Inner {
            client: client.clone(),
            url: safe_url(&url).ok_or_else(|| EnvError::new(URL, wants))?,
            signer: secrets.required(
                env,
                Signer::SECRET,
                "the secret that questions about sessions are signed with",
            )?,
            cookie_keys: secrets.secret(env, CookieKeys::SECRET)?,
            names: ClaimNames::from_env(env)?,
            clock: clock.clone(),
            answers: Mutex::default(),
            questions: Semaphore::new(MAX_QUESTIONS),
        })))
    }

    /// Whose session a token is. Asks the site once for each token at a time.
    pub async fn verify(&self, token: &str) -> Result<Identity, UserTokenError> {
        if token.is_empty() || token.len() > MAX_TOKEN_BYTES {
            return Err(UserTokenError::Invalid(Refusal::Malformed));
        }
        if let Some(keys) = &self.0.cookie_keys
            && !keys.get().await?.verify(token)
        {
            return Err(UserTokenError::Invalid(Refusal::Signature));
        }
        let answer = self.answer(token).await?;
        answer.identity.map_err(UserTokenError::Invalid)
    }

    fn answer(&self, token: &str) -> Asked {
        let digest = sha256_hex(token);
        let mut answers = self.0.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.0.clock.now();
        let counts = |answer: &Asked| match answer.peek() {
            None => true,
            Some(Ok(Answer { counts_until, .. })) => now < *counts_until,
            Some(Err(_)) => false,
        };
        if let Some(answer) = answers.get(&digest).filter(|answer| counts(answer)) {
            return answer.clone();
        }
        if answers.len() >= MAX_ANSWERS {
            answers.retain(|_, answer| counts(answer));
        }
        if answers.len() >= MAX_ANSWERS {
            answers.clear();
        }
        let (inner, token) = (Arc::clone(&self.0), token.to_owned());
        let asked = async move { inner.ask(&token).await }.boxed().shared();
        answers.insert(digest, asked.clone());
        asked
    }
}

impl Inner {
    async fn ask(&self, token: &str) -> Result<Answer, NoSiteAnswer> {
        let asked = async {
            let _permit = self.questions.acquire().await;
            let is_transient = |error: &_| matches!(error, NoSiteAnswer::Unreachable(_) | NoSiteAnswer::Status(500..));
            let pause = |error: &NoSiteAnswer, sent: u32| (sent == 1 && is_transient(error)).then_some(RETRY_PAUSE);
            send_with_retry("the site, about a session", pause, || self.ask_once(token)).await
        };
        timeout(TIMEOUT, asked).await.unwrap_or(Err(NoSiteAnswer::Slow))
    }

    async fn ask_once(&self, token: &str) -> Result<Answer, NoSiteAnswer> {
        let now = self.clock.now();
        let body = json!({ "type": "session.introspect", "token": token }).to_string();
        let id = format!("ask_{}", sha256_hex(&format!("{token}.{now}")));
        let signature = self.signer.get().await?.headers(&id, now, body.as_bytes());
        let request = self.client.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        // A hash is always valid in a header.
        let request = request.headers(signature.unwrap_or_default()).body(body);
        let unreachable = |error: reqwest::Error| NoSiteAnswer::Unreachable(chain(&error.without_url()));
        let response = request.send().await.map_err(unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(NoSiteAnswer::Status(response.status().as_u16()));
        }
        let body = response.bytes_stream().map_err(unreachable);
        let answer = read_at_most(body, MAX_ANSWER_BYTES, || NoSiteAnswer::TooLarge).await?;
        let answer: Introspection = serde_json::from_slice(&answer).map_err(|_| NoSiteAnswer::NotJson)?;
        Ok(self.read(&answer, now))
    }

    fn read(&self, answer: &Introspection, now: Timestamp) -> Answer {
        let end = answer.exp.and_then(|end| Timestamp::from_second(end).ok());
        if !answer.active || end.is_some_and(|end| end <= now) {
            return Answer { identity: Err(Refusal::Session), counts_until: now + REFUSAL_AGE };
        }
        let age = answer.max_age.map_or(DEFAULT_AGE, |seconds| SignedDuration::from_secs(seconds.into())).min(MAX_AGE);
        let counts_until = end.into_iter().fold(now + age, Timestamp::min);
        Answer { identity: self.names.identity(&answer.claims), counts_until }
    }
}

impl CookieKeys {
    const SECRET: Kind<Self> = Kind {
        variable: "SESSION_COOKIE_SECRET",
        arn_variable: "SESSION_COOKIE_SECRET_ARN",
        previous: Previous::Always,
        parse: Self::parse,
    };

    fn parse(versions: &Versions) -> Result<Self, String> {
        let key = |secret| Hmac::new_from_slice(long_enough(secret)?).map_err(|error| error.to_string());
        let previous = versions.previous.as_ref().and_then(|secret| key(secret).ok());
        Ok(Self([Some(key(&versions.current)?), previous].into_iter().flatten().collect()))
    }

    fn verify(&self, token: &str) -> bool {
        let Some((value, signature)) = token.rsplit_once('.') else { return false };
        let Ok(signature) = STANDARD.decode(signature) else { return false };
        let is_of = |key: &Hmac<Sha256>| key.clone().chain_update(value).verify_slice(&signature).is_ok();
        self.0.iter().any(is_of)
    }
}
