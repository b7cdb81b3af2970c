//! Secrets: from variables, or from the Secrets Manager secrets that other variables name.
//!
//! ```text
//! secret.rs   a secret as its user sees it, and why it cannot be had
//! place.rs    where one of Secrets Manager's is kept, in the form it is used in
//! manager.rs  Secrets Manager
//! ```
//!
//! Those of Secrets Manager live: one that is missing, empty or unusable is read again when it is needed, with pauses
//! that grow to a minute; one that was rejected, because it may have been rotated, once a minute at most; and all of them
//! every five minutes. So a function starts without them and needs no new deployment when they are mended. All that a
//! function needs are read in one round trip; what a secret was before its last rotation only when something turns up
//! that the current one does not accept, unless it is always used.

mod manager;
mod place;
mod secret;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use secrecy::SecretString;

use self::manager::Manager;
use self::place::{AnyPlace, Place};
pub use self::secret::{Problem, Secret, SecretError};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::reload::{ReloadPolicy, ReloadReason};

/// A secret that is older is read again.
const RELOAD_INTERVAL: Duration = Duration::from_mins(5);

/// What a secret is and what it was before it was rotated, if that is known.
#[derive(Debug, Clone)]
pub struct Versions {
    /// `AWSCURRENT`.
    pub current: SecretString,
    /// `AWSPREVIOUS`.
    pub previous: Option<SecretString>,
}

/// When what a secret was before is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Previous {
    /// Never: only the current one is good for anything.
    Unused,
    /// When something turns up that the current one does not accept.
    WhenRejected,
    /// Whenever the current one is: both are used.
    Always,
}

/// A secret's two variables and what becomes of its text.
pub struct Kind<T> {
    /// The variable with the secret itself.
    pub variable: &'static str,
    /// The variable with its ARN or name in Secrets Manager.
    pub arn_variable: &'static str,
    /// Whether the version before the last rotation is of use.
    pub previous: Previous,
    /// Makes it what it is used as. The error continues the sentence "the secret …", as in "must have 32 bytes".
    pub parse: fn(&Versions) -> Result<T, String>,
}

/// The secrets of a function. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    manager: Manager,
    places: Mutex<Vec<Arc<dyn AnyPlace>>>,
    reload: ReloadPolicy,
}

impl Secrets {
    /// Secrets of whatever the environment names. Nothing is read yet.
    pub fn new(aws: &Aws, env: &Env, clock: Clock) -> Self {
        let (manager, reload) = (Manager::new(aws, env), ReloadPolicy::new(clock, RELOAD_INTERVAL));
        Self(Arc::new(Inner { manager, places: Mutex::default(), reload }))
    }

    /// The secret of this kind: the variable's value, or the secret of Secrets Manager that the other variable names.
    /// None if neither is set.
    ///
    /// # Errors
    /// When the variable has a value that is none. What Secrets Manager has is not known yet.
    pub fn secret<T: Send + Sync + 'static>(&self, env: &Env, kind: Kind<T>) -> Result<Option<Secret<T>>, EnvError> {
        if let Some(current) = env.secret(kind.variable) {
            let value = (kind.parse)(&Versions { current, previous: None });
            return value.map(|value| Some(Secret::fixed(value))).map_err(|wants| EnvError::new(kind.variable, wants));
        }
        let Some(id) = env.get(kind.arn_variable) else { return Ok(None) };
        let place = Arc::new(Place::new(id, kind));
        self.0.places.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&place) as Arc<dyn AnyPlace>);
        Ok(Some(Secret::managed(place, self.clone())))
    }

    /// The same, for a secret that a function cannot do without; `meaning` says what it is.
    ///
    /// # Errors
    /// As [`Secrets::secret`], and when neither variable is set.
    pub fn required<T: Send + Sync + 'static>(
        &self,
        env: &Env,
        kind: Kind<T>,
        meaning: &str,
    ) -> Result<Secret<T>, EnvError> {
        let (variable, arn_variable) = (kind.variable, kind.arn_variable);
        let missing = || EnvError::new(variable, format!("or `{arn_variable}` must be set to {meaning}"));
        self.secret(env, kind)?.ok_or_else(missing)
    }

    /// Reads all secrets, so that nobody has to wait for them later. What goes wrong is logged, and tried again when a
    /// secret is needed.
    pub async fn open(&self) {
        self.read(ReloadReason::Routine).await;
    }

    async fn read(&self, reason: ReloadReason) {
        let inner = Arc::clone(&self.0);
        let read = async move { inner.read(reason == ReloadReason::Rejected).await };
        self.0.reload.read_if_due(reason, read.boxed()).await;
    }
}

impl Inner {
    /// Reads all secrets once; whether none is missing after that.
    async fn read(&self, thorough: bool) -> bool {
        let places = self.places.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ids: Vec<_> = places.iter().map(|place| place.id()).collect();
        if ids.is_empty() {
            return true;
        }
        let is_wanted = |place: &&Arc<dyn AnyPlace>| match place.previous() {
            Previous::Unused => false,
            Previous::WhenRejected => thorough,
            Previous::Always => true,
        };
        let before: Vec<_> = places.iter().filter(is_wanted).map(|place| place.id()).collect();
        let (mut current, mut previous) = tokio::join!(self.manager.current(&ids), self.manager.previous(&before));
        let mut complete = true;
        for place in &places {
            let found = current.remove(place.id()).unwrap_or(Err(Problem::NotFound));
            complete &= place.put(found, previous.remove(place.id()));
        }
        complete
    }
}
