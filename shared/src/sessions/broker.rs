use jiff::Timestamp;
use reqwest::Client;
use secrecy::ExposeSecret;

use super::ClientSecret;
use crate::clock::Clock;
use crate::env::EnvError;
use crate::hash::sha256_hex;
use crate::hosted::{HostedError, HostedSessions};
use crate::http::{Code, Error};
use crate::identity::{AuthModes, Identity, SessionTokens, SigningKeys};
use crate::ids::Ids;
use crate::secrets::{Secret, Secrets};
use crate::setup::Setup;
use crate::store::{Counters, SessionRecord};

/// Makes sessions and renews them. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    pub(super) kind: Kind,
    /// Whether there are anonymous visitors.
    pub(super) visitors: bool,
    pub(super) counters: Counters,
    pub(super) clock: Clock,
    pub(super) ids: Ids,
}

/// Whose sessions: `CHATKIT_MODE`.
#[derive(Clone)]
pub(super) enum Kind {
    Own(SessionTokens),
    Hosted(HostedSessions),
}

impl Sessions {
    /// Reads `CHATKIT_MODE`, `self` (default) or `hosted`, and `AUTH_MODE`.
    ///
    /// # Errors
    /// When the mode is neither, or `hosted` lacks its workflow or key.
    pub fn from_env(
        setup: &Setup,
        secrets: &Secrets,
        keys: Secret<SigningKeys>,
        client: Client,
        counters: Counters,
    ) -> Result<Self, EnvError> {
        const NAME: &str = "CHATKIT_MODE";
        let Setup { env, clock, ids, .. } = setup;
        let kind = match env.get(NAME) {
            None | Some("self") => Kind::Own(SessionTokens::new(keys)),
            Some("hosted") => Kind::Hosted(HostedSessions::from_env(env, secrets, client)?),
            Some(_) => return Err(EnvError::new(NAME, "must be `self` or `hosted`")),
        };
        let visitors = AuthModes::from_env(env)?.anonymous;
        Ok(Self { kind, visitors, counters, clock: clock.clone(), ids: ids.clone() })
    }

    /// Connects to where sessions come from, if that is elsewhere.
    pub async fn open(&self) {
        match &self.kind {
            Kind::Own(_) => {}
            Kind::Hosted(hosted) => hosted.open().await,
        }
    }

    /// A first session.
    ///
    /// # Errors
    /// `upstream_error`, `upstream_timeout` or `unavailable` in hosted mode.
    pub async fn start(&self, identity: &Identity) -> Result<ClientSecret, Error> {
        self.make(identity, self.clock.now()).await
    }

    /// A session for an identity whose chain of sessions began at `began_at`.
    pub(super) async fn make(&self, identity: &Identity, began_at: Timestamp) -> Result<ClientSecret, Error> {
        let now = self.clock.now();
        let (secret, expires_at) = match &self.kind {
            Kind::Own(tokens) => tokens.mint(identity, began_at, now, &self.ids).await?,
            Kind::Hosted(hosted) => {
                let session = hosted.create(&identity.owner).await?;
                let secret = session.client_secret.expose_secret().to_owned();
                let record = SessionRecord {
                    tenant: identity.owner.tenant().to_owned(),
                    user: identity.owner.user().to_owned(),
                    session_id: session.id,
                    anonymous: identity.anonymous,
                    expires_at: session.expires_at,
                };
                let keep_until = session.expires_at.checked_add(self.grace(identity));
                let keep_until = keep_until.map_err(|_| HostedError::Broken)?;
                self.counters.remember_session(&sha256_hex(&secret), &record, keep_until).await?;
                (secret, session.expires_at)
            }
        };
        let (expires_at, now) = (expires_at.as_second(), now.as_second());
        Ok(ClientSecret { client_secret: secret, expires_at, expires_in: (expires_at - now).max(0) })
    }
}

impl From<HostedError> for Error {
    fn from(error: HostedError) -> Self {
        let (code, message) = match &error {
            HostedError::Secret(error) => return error.clone().into(),
            HostedError::TimedOut(_) => (Code::UpstreamTimeout, "the chat service took too long to answer"),
            HostedError::Unreachable(_) | HostedError::Broken | HostedError::Refused(_) => {
                (Code::UpstreamError, "the chat service could not open a session")
            }
        };
        Self::new(code, message).because(error)
    }
}
