//! The identity provider at which people sign in, by OIDC: the authorization code flow with PKCE.
//!
//! ```text
//! discovery.rs  what the provider says of itself
//! end.rs        where it signs a browser out
//! ```
//!
//! It is read when somebody signs in, so one that is down delays that, and nobody who is signed in.

mod discovery;
mod end;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use form_urlencoded::byte_serialize;
use futures_util::{FutureExt, TryStreamExt};
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, StatusCode, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use self::discovery::Metadata;
use super::{ClaimNames, Identity, PendingLogin, Refusal, UserTokenError};
use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::https::{read_at_most, safe_url};
use crate::reload::{ReloadPolicy, ReloadReason};
use crate::secrets::{Kind, Previous, Secret, SecretError, Secrets};
use crate::telemetry::chain;

/// What the provider says of itself is read again when it is older.
const RELOAD_INTERVAL: Duration = Duration::from_hours(1);
/// For one request to the provider.
const TIMEOUT: Duration = Duration::from_secs(8);
/// Of an answer of the provider. A token with a few hundred groups has some 30 KB.
const MAX_ANSWER_BYTES: usize = 128 * 1024;
/// Of an error's code in an answer, for the log.
const MAX_ERROR_CODE_CHARS: usize = 40;

/// The identity provider. Cheap to clone; clones share what was read.
#[derive(Clone)]
pub struct Provider(Arc<Inner>);

struct Inner {
    http: Client,
    issuer: Url,
    /// As it must be in tokens, to the letter.
    issuer_text: String,
    client_id: String,
    client_secret: Option<Secret<SecretString>>,
    scopes: String,
    names: ClaimNames,
    clock: Clock,
    timeout: Duration,
    reload: ReloadPolicy,
    cached: Mutex<Result<Arc<Metadata>, ProviderError>>,
}

/// Why the provider signs nobody in. The text is for the log.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProviderError {
    #[error("the identity provider was not asked yet")]
    Unread,
    #[error("the identity provider cannot be reached: {0}")]
    Unreachable(String),
    #[error("the identity provider did not answer in time")]
    TimedOut,
    #[error("the identity provider's answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    #[error("the identity provider's answer is none: {0}")]
    Broken(&'static str),
    #[error("the identity provider answered with the status {status}, error `{code}`")]
    Refused { status: u16, code: String },
    /// It is not of this sign-in, or was used before.
    #[error("the identity provider does not know this sign-in any more: please go back to the page and sign in again")]
    CodeRefused,
    #[error("the identity provider's ID token is not accepted: {}", .0.as_str())]
    IdToken(Refusal),
    /// Its ID token cannot be verified at the moment.
    #[error(transparent)]
    Unverified(UserTokenError),
    #[error(transparent)]
    Secret(#[from] SecretError),
}

#[derive(Deserialize)]
struct Tokens {
    id_token: Option<String>,
}

#[derive(Deserialize)]
struct Failure {
    error: Option<String>,
}

impl Provider {
    /// Reads `OIDC_ISSUER`, `OIDC_CLIENT_ID`, `OIDC_CLIENT_SECRET` or `OIDC_CLIENT_SECRET_ARN`, `OIDC_SCOPES` and
    /// `USER_CLAIMS`. Asks the provider nothing yet.
    pub fn from_env(env: &Env, secrets: &Secrets, http: &Client, clock: &Clock) -> Result<Self, EnvError> {
        const ISSUER: &str = "OIDC_ISSUER";
        const SCOPES: &str = "OIDC_SCOPES";
        let issuer_text = env.required(ISSUER, "the identity provider at which people sign in")?;
        let issuer = safe_url(&issuer_text).filter(|url| url.query().is_none());
        let wants = "must be an `https` URL without credentials, query and fragment, or `http` to this machine";
        let issuer = issuer.ok_or_else(|| EnvError::new(ISSUER, wants))?;
        discovery::expect_one_tenant(&issuer).map_err(|wants| EnvError::new(ISSUER, wants))?;
        let scopes = env.get(SCOPES).unwrap_or("openid profile email").to_owned();
        if !scopes.split_whitespace().any(|scope| scope == "openid") {
            return Err(EnvError::new(SCOPES, "must have `openid` among its words"));
        }
        let client_secret = Kind {
            variable: "OIDC_CLIENT_SECRET",
            arn_variable: "OIDC_CLIENT_SECRET_ARN",
            previous: Previous::Unused,
            parse: |versions| Ok(versions.current.clone()),
        };
        Ok(Self(Arc::new(Inner {
            http: http.clone(),
            issuer,
            issuer_text,
            client_id: env.required("OIDC_CLIENT_ID", "the client id that the identity provider gave this server")?,
            client_secret: secrets.secret(env, client_secret)?,
            scopes,
            names: ClaimNames::from_env(env)?,
            clock: clock.clone(),
            timeout: TIMEOUT,
            reload: ReloadPolicy::new(clock.clone(), RELOAD_INTERVAL),
            cached: Mutex::new(Err(ProviderError::Unread)),
        })))
    }

    /// The same provider, of which no clone has been made yet, with another timeout.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        if let Some(inner) = Arc::get_mut(&mut self.0) {
            inner.timeout = timeout;
        }
        self
    }

    /// Where the provider asks the person who they are.
    pub async fn authorization_url(&self, redirect_uri: &str, login: &PendingLogin) -> Result<Url, ProviderError> {
        let mut url = self.metadata().await?.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.0.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &self.0.scopes)
            .append_pair("state", login.state())
            .append_pair("nonce", login.nonce())
            .append_pair("code_challenge", &login.code_challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(url)
    }

    /// Whether an answer comes from this provider, by its parameter `iss` (RFC 9207). One that says it sends the
    /// parameter must.
    pub async fn is_of(&self, issuer: Option<&str>) -> Result<bool, ProviderError> {
        match issuer {
            Some(issuer) => Ok(issuer == self.0.issuer_text),
            None => Ok(!self.metadata().await?.names_itself),
        }
    }

    /// Whom the provider vouches for with this code.
    pub async fn exchange(
        &self,
        code: &str,
        redirect_uri: &str,
        login: &PendingLogin,
    ) -> Result<Identity, ProviderError> {
        let metadata = self.metadata().await?;
        let tokens = self.tokens(&metadata, code, redirect_uri, login).await?;
        let id_token = tokens.id_token.ok_or(ProviderError::Broken("it has no `id_token`"))?;
        let now: Timestamp = self.0.clock.now();
        let identity = metadata.id_tokens.verify_id_token(&id_token, &self.0.client_id, login.nonce(), now).await;
        identity.map_err(|error| match error {
            UserTokenError::Invalid(refusal) => ProviderError::IdToken(refusal),
            error => ProviderError::Unverified(error),
        })
    }

    async fn tokens(
        &self,
        metadata: &Metadata,
        code: &str,
        redirect_uri: &str,
        login: &PendingLogin,
    ) -> Result<Tokens, ProviderError> {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", login.code_verifier()),
            ("client_id", &self.0.client_id),
        ];
        let Some(secret) = &self.0.client_secret else { return self.ask_for_tokens(metadata, &form, None).await };
        let known = secret.get().await?;
        match self.ask_for_tokens(metadata, &form, Some(&known)).await {
            // The secret may have been replaced.
            Err(ProviderError::Refused { status, code }) if code == "invalid_client" => {
                let newer = secret.newer_than(&known).await.ok_or(ProviderError::Refused { status, code })?;
                self.ask_for_tokens(metadata, &form, Some(&newer)).await
            }
            tokens => tokens,
        }
    }

    async fn ask_for_tokens(
        &self,
        metadata: &Metadata,
        form: &[(&str, &str)],
        secret: Option<&SecretString>,
    ) -> Result<Tokens, ProviderError> {
        match self.0.fetch(self.token_request(metadata, form, secret)).await? {
            (StatusCode::OK, body) => {
                serde_json::from_slice(&body).map_err(|_| ProviderError::Broken("it is no token response"))
            }
            (status, body) => {
                let code = serde_json::from_slice::<Failure>(&body).ok().and_then(|failure| failure.error);
                let code = code.unwrap_or_default();
                if code == "invalid_grant" {
                    return Err(ProviderError::CodeRefused);
                }
                Err(ProviderError::refused(status.as_u16(), &code))
            }
        }
    }

    fn token_request(
        &self,
        metadata: &Metadata,
        form: &[(&str, &str)],
        secret: Option<&SecretString>,
    ) -> RequestBuilder {
        let mut request = self.0.http.post(metadata.token_endpoint.clone());
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(form);
        match secret.map(ExposeSecret::expose_secret) {
            None => {}
            Some(secret) if metadata.takes_secret_in_body => {
                body.append_pair("client_secret", secret);
            }
            // RFC 6749, section 2.3.1, has both encoded.
            Some(secret) => {
                let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                request = request.basic_auth(encoded(&self.0.client_id), Some(encoded(secret)));
            }
        }
        request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.finish())
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, ProviderError> {
        let reason = if self.0.cached().is_err() { ReloadReason::Missing } else { ReloadReason::Routine };
        let inner = Arc::clone(&self.0);
        self.0.reload.read_if_due(reason, async move { inner.read().await }.boxed()).await;
        self.0.cached().clone()
    }
}

impl Inner {
    /// Reads what the provider says of itself once; whether it is known after that.
    async fn read(&self) -> bool {
        let before = self.cached().as_ref().ok().cloned();
        let read = Metadata::read(self, before.as_deref()).await.map(Arc::new);
        if let Err(error) = &read {
            tracing::error!(error = chain(error), "the identity provider cannot be asked what it offers");
        }
        let mut cached = self.cached();
        if read.is_ok() || cached.is_err() {
            *cached = read;
        }
        cached.is_ok()
    }

    /// One request, and its whole answer.
    async fn fetch(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), ProviderError> {
        let failed = |error: reqwest::Error| match error.is_timeout() {
            true => ProviderError::TimedOut,
            false => ProviderError::Unreachable(chain(&error.without_url())),
        };
        let response = request.timeout(self.timeout).send().await.map_err(failed)?;
        let status = response.status();
        let body = response.bytes_stream().map_err(failed);
        Ok((status, read_at_most(body, MAX_ANSWER_BYTES, || ProviderError::TooLarge).await?))
    }

    fn cached(&self) -> MutexGuard<'_, Result<Arc<Metadata>, ProviderError>> {
        self.cached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ProviderError {
    /// Of an error's code no more than what such a code may be: the log has it.
    pub fn refused(status: u16, code: &str) -> Self {
        let is_code = |c: char| c.is_ascii_lowercase() || c == '_';
        let code = if code.chars().all(is_code) { code } else { "" };
        Self::Refused { status, code: code.chars().take(MAX_ERROR_CODE_CHARS).collect() }
    }
}
