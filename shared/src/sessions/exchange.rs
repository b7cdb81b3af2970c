use std::time::Duration;

use jiff::Timestamp;

use super::{ClientSecret, Error, Issuer, Sessions};
use crate::env::{Env, EnvError};
use crate::hash::sha256_hex;
use crate::identity::{Identity, Owner, SessionError, SessionId};
use crate::store::{self, Exchange, StoreError};

/// How long after its end a secret can still be exchanged, if the site vouches for its user again.
const GRACE: Duration = Duration::from_hours(1);

/// As [`GRACE`], for visitors: their secret is all they have where the browser blocks the cookie.
const VISITOR_GRACE: Duration = Duration::from_hours(30 * 24);

/// How long after its exchange a secret can be exchanged once more: two tabs, or an answer that was lost.
const LEEWAY: Duration = Duration::from_mins(1);

/// How long it is kept that a family was exchanged or ended: longer than any session of it could be exchanged.
const FAMILY_KEPT: Duration = Duration::from_hours(31 * 24);

/// How long it is kept that all sessions of somebody were ended: longer than a visitor's cookie lasts.
const END_OF_ALL_KEPT: Duration = Duration::from_hours(366 * 24);

/// How long a family of sessions lasts; then the page calls `start` again.
#[derive(Debug, Clone, Copy)]
pub(super) struct MaxAges {
    user: Duration,
    visitor: Duration,
}

impl MaxAges {
    /// Reads `SESSION_USER_DAYS` (7) and `SESSION_VISITOR_DAYS` (30).
    pub(super) fn from_env(env: &Env) -> Result<Self, EnvError> {
        const WANTS: &str = "a whole number of days from 1 to 365";
        let days = |name: &str, default: u64| match env.parsed(name, default, WANTS)? {
            days @ 1..=365 => Ok(Duration::from_hours(24 * days)),
            _ => Err(EnvError::new(name, format!("must be {WANTS}"))),
        };
        Ok(Self { user: days("SESSION_USER_DAYS", 7)?, visitor: days("SESSION_VISITOR_DAYS", 30)? })
    }
}

/// A secret that may be exchanged.
struct Exchangeable {
    identity: Identity,
    id: SessionId,
    began_at: Timestamp,
}

impl Sessions {
    /// Exchanges a secret for a new one. `caller` is the user for whom the site vouches; a secret that was not issued
    /// to a visitor is exchanged for the same user only.
    ///
    /// A secret that was exchanged long ago is in two hands. Nobody knows which of them is the right one, so all of its
    /// family ends (RFC 9700, section 4.14.2).
    pub async fn refresh(&self, secret: &str, caller: Option<&Identity>) -> Result<ClientSecret, Error> {
        let Exchangeable { identity, id, began_at } = self.verify(secret, caller).await?;
        if caller.is_none() && !(identity.anonymous && self.modes.anonymous) {
            return Err(Error::UserTokenMissing);
        }
        let now = self.clock.now();
        let max_age = if identity.anonymous { self.max_ages.visitor } else { self.max_ages.user };
        if now >= began_at + max_age {
            return Err(Error::Ended);
        }
        let identity = match caller {
            // What the site says of the user now, not what it said when the family began.
            Some(caller) => {
                Identity { claims: caller.claims.clone(), permissions: caller.permissions.clone(), ..identity }
            }
            None => identity,
        };
        // Before the exchange is recorded: a visitor has nothing but this secret, so it stays good until there is a new
        // one.
        let next = id.next();
        let issued = self.issue(&identity, &next, began_at, now).await?;
        let (exchange, has_ended) = tokio::join!(
            self.records.exchange(&id, now, LEEWAY, now + FAMILY_KEPT),
            self.has_ended(&identity.owner, began_at)
        );
        let exchange = exchange?;
        if has_ended? {
            return Err(Error::Ended);
        }
        match (exchange, &self.issuer) {
            (Exchange::First, _) => Ok(issued),
            // OpenAI gives no session twice. This one is of the same generation.
            (Exchange::Again(_), Issuer::Hosted(_)) => Ok(issued),
            (Exchange::Again(at), Issuer::Own(_)) => self.issue(&identity, &next, began_at, at).await,
            (Exchange::Reused, _) => Err(Error::AlreadyRefreshed),
            (Exchange::Ended, _) => Err(Error::Ended),
        }
    }

    /// Ends the family of a secret, or all of the person's, and returns whose they were; none if the secret's time was
    /// over anyway. All of a user's are ended with the user token beside the secret.
    pub async fn end(
        &self,
        secret: &str,
        caller: Option<&Identity>,
        everywhere: bool,
    ) -> Result<Option<Identity>, Error> {
        let Exchangeable { identity, id, .. } = match self.verify(secret, caller).await {
            Err(Error::Ended | Error::Token(SessionError::Expired)) => return Ok(None),
            verified => verified?,
        };
        if !everywhere {
            let now = self.clock.now();
            self.records.end(&id.family, now, now + FAMILY_KEPT).await?;
        } else if identity.anonymous || caller.is_some() {
            self.end_all(&identity.owner).await?;
        } else {
            return Err(Error::UserTokenMissing);
        }
        Ok(Some(identity))
    }

    /// Ends all sessions of a user or visitor up to now.
    pub async fn end_all(&self, owner: &Owner) -> Result<(), Error> {
        Ok(end_all(&self.records, owner, self.clock.now()).await?)
    }

    /// Whether what somebody got at a moment was ended with all of their sessions.
    pub async fn has_ended(&self, owner: &Owner, began_at: Timestamp) -> Result<bool, Error> {
        Ok(has_ended(&self.records, owner, began_at).await?)
    }

    async fn verify(&self, secret: &str, caller: Option<&Identity>) -> Result<Exchangeable, Error> {
        let now = self.clock.now();
        let session = match &self.issuer {
            Issuer::Own(tokens) => {
                let (session, id) = tokens.verify(secret, now, VISITOR_GRACE).await?;
                if now >= session.expires_at + grace(&session.identity) {
                    return Err(Error::Ended);
                }
                Exchangeable { identity: session.identity, id, began_at: session.began_at }
            }
            // What OpenAI's secret says cannot be verified; that it was handed out here, and to whom, is remembered.
            Issuer::Hosted(_) => {
                let hash = sha256_hex(secret);
                let session = self.records.get(&hash, now).await?.ok_or(SessionError::Invalid)?;
                let owner = Owner::new(session.tenant, session.user).map_err(|_| SessionError::Invalid)?;
                let identity = Identity { anonymous: session.anonymous, ..Identity::of(owner) };
                let id = session.id.unwrap_or(SessionId { family: hash, generation: 0 });
                Exchangeable { identity, id, began_at: session.began_at.unwrap_or(now) }
            }
        };
        if caller.is_some_and(|caller| caller.owner != session.identity.owner) {
            return Err(Error::OtherUser);
        }
        Ok(session)
    }
}

pub(super) async fn end_all(records: &store::Sessions, owner: &Owner, now: Timestamp) -> Result<(), StoreError> {
    records.end_all(owner, now, now + END_OF_ALL_KEPT).await
}

pub(super) async fn has_ended(
    records: &store::Sessions,
    owner: &Owner,
    began_at: Timestamp,
) -> Result<bool, StoreError> {
    let ended_at = records.all_ended_at(owner).await?;
    Ok(ended_at.is_some_and(|ended_at| began_at.as_second() <= ended_at.as_second()))
}

/// How long after its end a session of this identity can be exchanged.
pub(super) const fn grace(identity: &Identity) -> Duration {
    if identity.anonymous { VISITOR_GRACE } else { GRACE }
}
