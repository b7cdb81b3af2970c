//! What `start` and `refresh` hand out: a client secret, of our own or of OpenAI's. And what `auth` hands out.
//!
//! ```text
//! exchange.rs       a client secret for the next one; the end of sessions
//! logins.rs         people whom this server has signed in
//! hosted.rs         OpenAI's sessions API
//! address_limit.rs  how often a client address may ask
//! ```

mod address_limit;
mod error;
mod exchange;
mod hosted;
mod logins;

use jiff::Timestamp;
use reqwest::Client;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

pub use self::address_limit::AddressLimit;
pub use self::error::Error;
use self::exchange::MaxAges;
pub use self::hosted::{HostedError, HostedSession, HostedSessions};
pub use self::logins::{Logins, UnknownLogin};
use crate::clock::Clock;
use crate::env::EnvError;
use crate::hash::sha256_hex;
use crate::identity::{AuthModes, Identity, SessionError, SessionId, SessionTokens, SigningKeys};
use crate::ids::Ids;
use crate::secrets::{Secret, Secrets};
use crate::setup::Setup;
use crate::store::{self, DynamoDb, KeyedRequests, SessionRecord};

/// The body of an answer of `start` and `refresh`.
#[derive(Clone, PartialEq, Eq, Serialize)]
pub struct ClientSecret {
    /// What the widget authenticates with.
    pub client_secret: String,
    /// When it ends, in unix seconds.
    pub expires_at: i64,
    /// In how many seconds that is.
    pub expires_in: i64,
}

/// Starts and refreshes sessions. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    issuer: Issuer,
    modes: AuthModes,
    max_ages: MaxAges,
    records: store::Sessions,
    keyed_requests: KeyedRequests,
    clock: Clock,
    ids: Ids,
}

/// What is kept of a first session, by which it is issued again.
#[derive(Serialize, Deserialize)]
struct Issued {
    id: String,
    /// In unix seconds.
    at: i64,
}

/// Who issues sessions: `CHATKIT_MODE`.
#[derive(Clone)]
enum Issuer {
    Own(SessionTokens),
    Hosted(HostedSessions),
}

impl Sessions {
    /// Reads `CHATKIT_MODE`, `self` (default) or `hosted`, `AUTH_MODE`, `SESSION_USER_DAYS` and `SESSION_VISITOR_DAYS`.
    pub fn from_env(
        setup: &Setup,
        secrets: &Secrets,
        keys: Secret<SigningKeys>,
        client: Client,
        dynamodb: &DynamoDb,
    ) -> Result<Self, EnvError> {
        const NAME: &str = "CHATKIT_MODE";
        let Setup { env, clock, ids, .. } = setup;
        let issuer = match env.get(NAME) {
            None | Some("self") => Issuer::Own(SessionTokens::new(keys)),
            Some("hosted") => Issuer::Hosted(HostedSessions::from_env(env, secrets, client)?),
            Some(_) => return Err(EnvError::new(NAME, "must be `self` or `hosted`")),
        };
        let records = store::Sessions::from_env(dynamodb, env)?;
        let (modes, max_ages) = (AuthModes::from_env(env)?, MaxAges::from_env(env)?);
        let keyed_requests = KeyedRequests::from_env(dynamodb, env)?;
        Ok(Self { issuer, modes, max_ages, records, keyed_requests, clock: clock.clone(), ids: ids.clone() })
    }

    /// Connects to OpenAI in hosted mode.
    pub async fn open(&self) {
        match &self.issuer {
            Issuer::Own(_) => {}
            Issuer::Hosted(hosted) => hosted.open().await,
        }
    }

    /// A first session.
    pub async fn start(&self, identity: &Identity) -> Result<ClientSecret, Error> {
        let now = self.clock.now();
        self.issue(identity, &SessionId::first(&self.ids), now, now).await
    }

    /// A first session, the same for each request with this idempotency key. Not its secret is kept, but by what it is
    /// signed again. OpenAI gives no session twice: in hosted mode a further one of the same family takes its place.
    ///
    /// # Errors
    /// [`Error::KeyTaken`] if another request has the key.
    pub async fn start_once(&self, identity: &Identity, key: &str, fingerprint: &str) -> Result<ClientSecret, Error> {
        let now = self.clock.now();
        let issued = Issued { id: SessionId::first(&self.ids).to_string(), at: now.as_second() };
        let content = serde_json::to_string(&issued).map_err(|_| SessionError::Invalid)?;
        let content = self.keyed_requests.content(&identity.owner, key, fingerprint, content, now).await?;
        let content = content.ok_or(Error::KeyTaken)?;
        let Issued { id, at } = serde_json::from_str(&content).map_err(|_| SessionError::Invalid)?;
        let at = Timestamp::from_second(at).map_err(|_| SessionError::Invalid)?;
        self.issue(identity, &SessionId::from(id.as_str()), at, at).await
    }

    /// A session that is issued at `at`, of a family that began at `began_at`.
    async fn issue(
        &self,
        identity: &Identity,
        id: &SessionId,
        began_at: Timestamp,
        at: Timestamp,
    ) -> Result<ClientSecret, Error> {
        let (client_secret, expires_at) = match &self.issuer {
            Issuer::Own(tokens) => tokens.mint(identity, id, began_at, at).await?,
            Issuer::Hosted(hosted) => {
                let session = hosted.create(&identity.owner).await?;
                let client_secret = session.client_secret.expose_secret().to_owned();
                let record = SessionRecord {
                    tenant: identity.owner.tenant().to_owned(),
                    user: identity.owner.user().to_owned(),
                    session_id: session.id,
                    anonymous: identity.anonymous,
                    expires_at: session.expires_at,
                    id: Some(id.clone()),
                    began_at: Some(began_at),
                };
                let keep_until = session.expires_at.checked_add(exchange::grace(identity));
                let keep_until = keep_until.map_err(|_| HostedError::Broken)?;
                self.records.put(&sha256_hex(&client_secret), &record, keep_until).await?;
                (client_secret, session.expires_at)
            }
        };
        let (expires_at, now) = (expires_at.as_second(), self.clock.now().as_second());
        Ok(ClientSecret { client_secret, expires_at, expires_in: (expires_at - now).max(0) })
    }
}
