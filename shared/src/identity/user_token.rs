//! User tokens: the site's own JWTs.

use jiff::Timestamp;
use jsonwebtoken::errors::{Error as TokenError, ErrorKind};
use jsonwebtoken::{Algorithm, DecodingKey, TokenData, Validation};
use reqwest::Client;
use serde::Deserialize;
use serde_json::Value;

use super::published_keys::{NoPublishedKeys, PublishedKeys};
use super::signing::long_enough;
use super::{ClaimNames, Identity, NoSiteAnswer, OUR_TYPES};
use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::protocol::Object;
use crate::secrets::{Kind, Previous, Secret, SecretError, Secrets, Versions};

/// Seconds by which the issuer's clock may differ from ours.
const LEEWAY: f64 = 30.0;

/// Verifies user tokens. Cheap to clone.
#[derive(Clone)]
pub struct UserTokens {
    keys: Keys,
    validation: Validation,
    names: ClaimNames,
}

#[derive(Clone)]
enum Keys {
    /// A secret that the site and this server know (HS256).
    Shared(Secret<SharedKeys>),
    /// What the identity provider publishes (RS256, ES256, `EdDSA`).
    Published(PublishedKeys),
}

/// Why a user token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UserTokenError {
    /// A caller gets no help in forging one: the reason is for the log.
    #[error("the user token is not valid")]
    Invalid(Refusal),
    /// There is no secret to verify it with at the moment.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// There are no published keys to verify it with at the moment.
    #[error(transparent)]
    Keys(#[from] NoPublishedKeys),
    /// The site does not say whose session it is at the moment.
    #[error(transparent)]
    Site(#[from] NoSiteAnswer),
}

/// What is wrong with a token that is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// It is no token, or has claims of the wrong type, or lacks one.
    Malformed,
    /// It is signed with another key or algorithm, or names a key that is unknown.
    Signature,
    Issuer,
    Audience,
    /// It was asked for by another sign-in.
    Nonce,
    /// It has ended, or has not begun.
    Time,
    /// It is of another kind: of ours, or one that asks to be understood in a way that is not.
    Kind,
    /// It names a user or tenant that cannot be, or a visitor.
    Subject,
    /// The site knows no such session, or it has ended.
    Session,
    /// Tokens of users are not taken.
    Mode,
}

impl Refusal {
    /// For the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::Nonce => "nonce",
            Self::Time => "time",
            Self::Kind => "kind",
            Self::Subject => "subject",
            Self::Session => "session",
            Self::Mode => "mode",
        }
    }
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        match error.kind() {
            ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => Self::Signature,
            ErrorKind::InvalidIssuer => Self::Issuer,
            ErrorKind::InvalidAudience => Self::Audience,
            _ => Self::Malformed,
        }
    }
}

/// The secret, and the one before it was rotated.
struct SharedKeys {
    current: DecodingKey,
    previous: Option<DecodingKey>,
}

#[derive(Deserialize)]
struct Claims {
    #[serde(default)]
    iss: Value,
    /// Seconds; RFC 7519 allows fractions, and some libraries write them.
    exp: f64,
    nbf: Option<f64>,
    #[serde(flatten)]
    others: Object,
}

impl UserTokens {
    /// Reads `JWT_SECRET` or `JWT_SECRET_ARN`, or `JWKS_URL`; `JWT_ISSUER` and `JWT_AUDIENCE`, which are required of
    /// each token if they are set, and must be set beside `JWKS_URL`: a provider signs for other sites with the same
    /// keys; and `USER_CLAIMS`.
    pub fn from_env(env: &Env, secrets: &Secrets, client: &Client, clock: &Clock) -> Result<Self, EnvError> {
        const SECRET: &str = SharedKeys::SECRET.variable;
        let mut required = vec!["exp"];
        let mut validation = Validation::default();
        let keys = match (secrets.secret(env, SharedKeys::SECRET)?, env.get(PublishedKeys::VARIABLE)) {
            (Some(secret), None) => Keys::Shared(secret),
            (None, Some(url)) => {
                env.required("JWT_ISSUER", "the `iss` of user tokens, because `JWKS_URL` is set")?;
                env.required("JWT_AUDIENCE", "the `aud` of user tokens, because `JWKS_URL` is set")?;
                Keys::Published(PublishedKeys::of_user_tokens(url, client.clone(), clock.clone())?)
            }
            (Some(_), Some(_)) => {
                let wants = "cannot be set beside `JWKS_URL`: user tokens are verified against one or the other";
                return Err(EnvError::new(SECRET, wants));
            }
            (None, None) => {
                let wants = "or `JWT_SECRET_ARN` must be set to the secret that user tokens are signed with (HS256), or \
                             `JWKS_URL` to where the keys are published that they are signed with";
                return Err(EnvError::new(SECRET, wants));
            }
        };
        // Times are compared by hand, because the clock is injected.
        validation.validate_exp = false;
        match env.get("JWT_ISSUER") {
            Some(issuer) => {
                validation.set_issuer(&[issuer]);
            }
            None => validation.iss = None,
        }
        match env.get("JWT_AUDIENCE") {
            Some(audience) => {
                validation.set_audience(&[audience]);
                required.push("aud");
            }
            None => validation.validate_aud = false,
        }
        validation.set_required_spec_claims(&required);
        Ok(Self { keys, validation, names: ClaimNames::from_env(env)? })
    }

    /// ID tokens that an identity provider gives to a client.
    pub(super) fn of_provider(keys: PublishedKeys, issuer: &str, client_id: &str, names: ClaimNames) -> Self {
        let mut validation = Validation { validate_exp: false, ..Validation::default() };
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[client_id]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        Self { keys: Keys::Published(keys), validation, names }
    }

    /// Reads the published keys, if there are any, so that no request waits for them later.
    pub async fn open(&self) {
        match &self.keys {
            Keys::Shared(_) => {}
            Keys::Published(keys) => keys.open().await,
        }
    }

    /// Whom a token names.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Identity, UserTokenError> {
        Ok(self.verify_claims(token, now).await?.0)
    }

    /// Whom an ID token names that was asked for with this nonce (OIDC Core, section 3.1.3.7).
    pub(super) async fn verify_id_token(
        &self,
        token: &str,
        client_id: &str,
        nonce: &str,
        now: Timestamp,
    ) -> Result<Identity, UserTokenError> {
        let (mut identity, claims) = self.verify_claims(token, now).await?;
        if claims.get("nonce").and_then(Value::as_str) != Some(nonce) {
            return Err(UserTokenError::Invalid(Refusal::Nonce));
        }
        // Of several audiences one has asked for the token, and is named.
        let has_others = claims.get("aud").and_then(Value::as_array).is_some_and(|audiences| audiences.len() > 1);
        let is_ours = match claims.get("azp") {
            Some(party) => party == client_id,
            None => !has_others,
        };
        if !is_ours {
            return Err(UserTokenError::Invalid(Refusal::Audience));
        }
        // Anybody can say that they have an address.
        if claims.get("email_verified").is_some_and(|value| value == false || value == "false") {
            identity.claims.email = None;
        }
        Ok(identity)
    }

    async fn verify_claims(&self, token: &str, now: Timestamp) -> Result<(Identity, Object), UserTokenError> {
        let decoded = match &self.keys {
            Keys::Shared(secret) => self.decode_shared(secret, token).await?,
            Keys::Published(keys) => self.decode_published(keys, token).await?,
        };
        let identity = decoded.and_then(|token| {
            // A list that has the right issuer among others is taken by the library; RFC 7519 knows one issuer.
            let has_one_issuer = self.validation.iss.is_none() || token.claims.iss.is_string();
            let identity = if has_one_issuer { identity(&self.names, &token, now) } else { Err(Refusal::Issuer) };
            Ok((identity?, token.claims.others))
        });
        identity.map_err(UserTokenError::Invalid)
    }

    async fn decode_shared(
        &self,
        secret: &Secret<SharedKeys>,
        token: &str,
    ) -> Result<Result<TokenData<Claims>, Refusal>, SecretError> {
        let keys = secret.get().await?;
        let decoded = match self.decode_with_either(&keys, token) {
            // The secret may have been rotated.
            Err(error) if matches!(error.kind(), ErrorKind::InvalidSignature) => match secret.newer_than(&keys).await {
                Some(keys) => self.decode_with_either(&keys, token),
                None => Err(error),
            },
            decoded => decoded,
        };
        Ok(decoded.map_err(Refusal::from))
    }

    fn decode_with_either(&self, keys: &SharedKeys, token: &str) -> Result<TokenData<Claims>, TokenError> {
        match (self.decode(&keys.current, Algorithm::HS256, token), &keys.previous) {
            (Err(error), Some(previous)) if matches!(error.kind(), ErrorKind::InvalidSignature) => {
                self.decode(previous, Algorithm::HS256, token)
            }
            (decoded, _) => decoded,
        }
    }

    async fn decode_published(
        &self,
        keys: &PublishedKeys,
        token: &str,
    ) -> Result<Result<TokenData<Claims>, Refusal>, NoPublishedKeys> {
        let Ok(header) = jsonwebtoken::decode_header(token) else { return Ok(Err(Refusal::Malformed)) };
        let Some(key) = keys.find(header.kid.as_deref()).await? else { return Ok(Err(Refusal::Signature)) };
        Ok(self.decode(&key.key, key.algorithm, token).map_err(Refusal::from))
    }

    /// The algorithm is the key's, never what the token says.
    fn decode(&self, key: &DecodingKey, algorithm: Algorithm, token: &str) -> Result<TokenData<Claims>, TokenError> {
        let mut validation = self.validation.clone();
        validation.algorithms = vec![algorithm];
        jsonwebtoken::decode(token, key, &validation)
    }
}

impl SharedKeys {
    const SECRET: Kind<Self> = Kind {
        variable: "JWT_SECRET",
        arn_variable: "JWT_SECRET_ARN",
        previous: Previous::WhenRejected,
        parse: Self::parse,
    };

    fn parse(versions: &Versions) -> Result<Self, String> {
        let key = |secret| long_enough(secret).map(DecodingKey::from_secret);
        let previous = versions.previous.as_ref().and_then(|secret| key(secret).ok());
        Ok(Self { current: key(&versions.current)?, previous })
    }
}

/// Whom a token names whose signature, issuer and audience are good.
fn identity(names: &ClaimNames, token: &TokenData<Claims>, now: Timestamp) -> Result<Identity, Refusal> {
    let TokenData { header, claims, .. } = token;
    // A deployment may sign everything with one secret; a token of ours is still no user's.
    if header.typ.as_ref().is_some_and(|typ| typ.starts_with(OUR_TYPES)) {
        return Err(Refusal::Kind);
    }
    // What must be understood is not understood here (RFC 7515, section 4.1.11; `b64` is of RFC 7797).
    if header.crit.is_some() || !matches!(header.extras.get::<Value>("b64"), Ok(None)) {
        return Err(Refusal::Kind);
    }
    let now = now.as_duration().as_secs_f64();
    if now >= claims.exp + LEEWAY || claims.nbf.is_some_and(|nbf| now < nbf - LEEWAY) {
        return Err(Refusal::Time);
    }
    names.identity(&claims.others)
}
