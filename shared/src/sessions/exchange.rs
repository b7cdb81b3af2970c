use std::time::Duration;

use jiff::Timestamp;

use super::broker::Kind;
use super::{ClientSecret, Sessions};
use crate::hash::sha256_hex;
use crate::http::Error;
use crate::identity::{Claims, Identity, Owner};

/// How long after its end a secret can still be exchanged, if the site vouches for its user again.
const GRACE: Duration = Duration::from_hours(1);

/// As [`GRACE`], for visitors: their secret is all they have where the browser blocks the cookie.
const VISITOR_GRACE: Duration = Duration::from_hours(30 * 24);

/// How long after its exchange a secret can be exchanged once more: two tabs, or an answer that was lost.
const LEEWAY: Duration = Duration::from_mins(1);

/// How long a known user's chain of sessions lasts; then the page calls `start` again.
const LONGEST_CHAIN: Duration = Duration::from_hours(7 * 24);

/// A secret that may be exchanged.
struct Exchangeable {
    identity: Identity,
    expires_at: Timestamp,
    began_at: Timestamp,
}

impl Sessions {
    /// Exchanges a secret for a new one. `caller` is who the site says is asking; a secret that was not made for an
    /// anonymous visitor is exchanged for the same user only.
    ///
    /// # Errors
    /// `unauthorized` for a secret that is forged, somebody else's, too old, or was exchanged before; as
    /// [`Sessions::start`] besides.
    pub async fn refresh(&self, secret: &str, caller: Option<&Identity>) -> Result<ClientSecret, Error> {
        let hash = sha256_hex(secret);
        let session = self.verify(secret, &hash).await?;
        if let Some(caller) = caller
            && caller.owner != session.identity.owner
        {
            return Err(Error::unauthorized("the session belongs to somebody else"));
        }
        if caller.is_none() && !(session.identity.anonymous && self.visitors) {
            return Err(Error::unauthorized("this session is refreshed with the user's own token beside it"));
        }
        let now = self.clock.now();
        if !session.identity.anonymous && now >= session.began_at + LONGEST_CHAIN {
            return Err(Error::unauthorized("the session has ended, please start a new one"));
        }
        let keep_until = session.expires_at + self.grace(&session.identity);
        if !self.counters.rotate(&hash, now, LEEWAY, keep_until).await? {
            return Err(Error::unauthorized("the session was refreshed before, please start a new one"));
        }
        let identity = match caller {
            // What the site says of the user now, not what it said when the chain began.
            Some(caller) => Identity { claims: caller.claims.clone(), ..session.identity },
            None => session.identity,
        };
        let made = self.make(&identity, session.began_at).await;
        if made.is_err() {
            // A visitor has nothing but this secret: it stays good until there is a new one. Best effort, the leeway
            // allows another try anyway.
            let _ = self.counters.undo_rotation(&hash).await;
        }
        made
    }

    /// How long after its end a session of this identity can be exchanged.
    pub(super) const fn grace(&self, identity: &Identity) -> Duration {
        if identity.anonymous { VISITOR_GRACE } else { GRACE }
    }

    async fn verify(&self, secret: &str, hash: &str) -> Result<Exchangeable, Error> {
        let now = self.clock.now();
        match &self.kind {
            Kind::Own(tokens) => {
                let session = tokens.verify(secret, now, VISITOR_GRACE).await?;
                if now >= session.expires_at + self.grace(&session.identity) {
                    return Err(Error::unauthorized("the session has ended, please start a new one"));
                }
                let (identity, expires_at, began_at) = (session.identity, session.expires_at, session.began_at);
                Ok(Exchangeable { identity, expires_at, began_at })
            }
            // What OpenAI's secret says cannot be verified; that it was handed out here, and to whom, is remembered.
            Kind::Hosted(_) => {
                let unknown = || Error::unauthorized("the session token is not valid");
                let session = self.counters.session(hash, now).await?.ok_or_else(unknown)?;
                let owner = Owner::new(session.tenant, session.user).map_err(|_| unknown())?;
                let identity = Identity {
                    owner,
                    anonymous: session.anonymous,
                    permissions: Vec::new(),
                    claims: Claims::default(),
                    address: None,
                };
                Ok(Exchangeable { identity, expires_at: session.expires_at, began_at: now })
            }
        }
    }
}
