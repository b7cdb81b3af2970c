use std::time::Duration;

use jiff::Timestamp;

use super::{ClientSecret, Error, Issuer, Sessions};
use crate::hash::sha256_hex;
use crate::identity::{Identity, Owner, SessionError};

/// How long after its end a secret can still be exchanged, if the site vouches for its user again.
const GRACE: Duration = Duration::from_hours(1);

/// As [`GRACE`], for visitors: their secret is all they have where the browser blocks the cookie.
const VISITOR_GRACE: Duration = Duration::from_hours(30 * 24);

/// How long after its exchange a secret can be exchanged once more: two tabs, or an answer that was lost.
const LEEWAY: Duration = Duration::from_mins(1);

/// How long a known user's chain of sessions lasts; then the page calls `start` again.
const MAX_CHAIN: Duration = Duration::from_hours(7 * 24);

/// A secret that may be exchanged.
struct Exchangeable {
    identity: Identity,
    expires_at: Timestamp,
    began_at: Timestamp,
}

impl Sessions {
    /// Exchanges a secret for a new one. `caller` is the user for whom the site vouches; a secret that was not issued to
    /// a visitor is exchanged for the same user only.
    pub async fn refresh(&self, secret: &str, caller: Option<&Identity>) -> Result<ClientSecret, Error> {
        let hash = sha256_hex(secret);
        let session = self.verify(secret, &hash).await?;
        if caller.is_some_and(|caller| caller.owner != session.identity.owner) {
            return Err(Error::OtherUser);
        }
        if caller.is_none() && !(session.identity.anonymous && self.modes.anonymous) {
            return Err(Error::UserTokenMissing);
        }
        let now = self.clock.now();
        if !session.identity.anonymous && now >= session.began_at + MAX_CHAIN {
            return Err(Error::Ended);
        }
        let keep_until = session.expires_at + grace(&session.identity);
        if !self.records.rotate(&hash, now, LEEWAY, keep_until).await? {
            return Err(Error::AlreadyRefreshed);
        }
        let identity = match caller {
            // What the site says of the user now, not what it said when the chain was started.
            Some(caller) => Identity { claims: caller.claims.clone(), ..session.identity },
            None => session.identity,
        };
        let issued = self.issue(&identity, session.began_at).await;
        if issued.is_err() {
            // A visitor has nothing but this secret: it stays good until there is a new one. Best effort, the leeway
            // allows another try anyway.
            let _ = self.records.undo_rotation(&hash).await;
        }
        issued
    }

    async fn verify(&self, secret: &str, hash: &str) -> Result<Exchangeable, Error> {
        let now = self.clock.now();
        match &self.issuer {
            Issuer::Own(tokens) => {
                let session = tokens.verify(secret, now, VISITOR_GRACE).await?;
                if now >= session.expires_at + grace(&session.identity) {
                    return Err(Error::Ended);
                }
                let (identity, expires_at, began_at) = (session.identity, session.expires_at, session.began_at);
                Ok(Exchangeable { identity, expires_at, began_at })
            }
            // What OpenAI's secret says cannot be verified; that it was handed out here, and to whom, is remembered.
            Issuer::Hosted(_) => {
                let session = self.records.get(hash, now).await?.ok_or(SessionError::Invalid)?;
                let owner = Owner::new(session.tenant, session.user).map_err(|_| SessionError::Invalid)?;
                let identity = Identity { anonymous: session.anonymous, ..Identity::of(owner) };
                Ok(Exchangeable { identity, expires_at: session.expires_at, began_at: now })
            }
        }
    }
}

/// How long after its end a session of this identity can be exchanged.
pub(super) const fn grace(identity: &Identity) -> Duration {
    if identity.anonymous { VISITOR_GRACE } else { GRACE }
}
