//! Secrets: from variables, or from the Secrets Manager secrets that other variables name.
//!
//! ```text
//! secret.rs   a secret for its users, and why it cannot be used
//! cached.rs   a secret of Secrets Manager in memory, parsed
//! manager.rs  Secrets Manager
//! ```
//!
//! Secrets of Secrets Manager are read again: one that is missing, empty or unusable when it is needed, with pauses
//! that grow to a minute; one that was rejected, because it may have been rotated, once a minute at most; and all of
//! them every five minutes. So a function starts without them and needs no new deployment when they are repaired. All
//! secrets of a function are read in one round trip; their previous versions only when the current one rejects a value,
//! unless the previous version is always used.

mod cached;
mod manager;
mod secret;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use secrecy::SecretString;

use self::cached::{AnySecret, CachedSecret};
use self::manager::Manager;
pub use self::secret::{Problem, Secret, SecretError};
use crate::aws::Aws;
use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::reload::{ReloadPolicy, ReloadReason};

/// A secret that is older is read again.
const RELOAD_INTERVAL: Duration = Duration::from_mins(5);

/// The values of a secret.
#[derive(Debug, Clone)]
pub struct Versions {
    /// `AWSCURRENT`.
    pub current: SecretString,
    /// `AWSPREVIOUS`.
    pub previous: Option<SecretString>,
}

/// When the previous version of a secret is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Previous {
    /// Never.
    Unused,
    /// When the current version rejects a value.
    WhenRejected,
    /// Together with the current version.
    Always,
}

/// A secret's two variables and how its text is parsed.
pub struct Kind<T> {
    /// The variable with the secret itself.
    pub variable: &'static str,
    /// The variable with its ARN or name in Secrets Manager.
    pub arn_variable: &'static str,
    pub previous: Previous,
    /// The error continues the sentence "the secret …", as in "must have 32 bytes".
    pub parse: fn(&Versions) -> Result<T, String>,
}

/// The secrets of a function. Cheap to clone; clones share them.
#[derive(Clone)]
pub struct Secrets(Arc<Inner>);

struct Inner {
    manager: Manager,
    secrets: Mutex<Vec<Arc<dyn AnySecret>>>,
    reload: ReloadPolicy,
}

impl Secrets {
    /// Nothing is read yet.
    pub fn new(aws: &Aws, env: &Env, clock: Clock) -> Self {
        let (manager, reload) = (Manager::new(aws, env), ReloadPolicy::new(clock, RELOAD_INTERVAL));
        Self(Arc::new(Inner { manager, secrets: Mutex::default(), reload }))
    }

    /// The secret of this kind: the variable's value, or the secret of Secrets Manager that the other variable names.
    /// None if neither is set. Fails if the variable's value cannot be used; that of Secrets Manager is not known yet.
    pub fn secret<T: Send + Sync + 'static>(&self, env: &Env, kind: Kind<T>) -> Result<Option<Secret<T>>, EnvError> {
        if let Some(current) = env.secret(kind.variable) {
            let value = (kind.parse)(&Versions { current, previous: None });
            return value.map(|value| Some(Secret::fixed(value))).map_err(|wants| EnvError::new(kind.variable, wants));
        }
        let Some(id) = env.get(kind.arn_variable) else { return Ok(None) };
        let secret = Arc::new(CachedSecret::new(id, kind));
        self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&secret) as Arc<dyn AnySecret>);
        Ok(Some(Secret::managed(secret, self.clone())))
    }

    /// As [`Secrets::secret`], and fails if neither variable is set; `meaning` is what the secret is for.
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

    /// Reads all secrets, so that no request waits for them later. Failures are logged, and a secret that is missing is
    /// read again when it is needed.
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
    async fn read(&self, with_previous: bool) -> bool {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let ids: Vec<_> = secrets.iter().map(|secret| secret.id()).collect();
        if ids.is_empty() {
            return true;
        }
        let is_wanted = |secret: &&Arc<dyn AnySecret>| match secret.previous() {
            Previous::Unused => false,
            Previous::WhenRejected => with_previous,
            Previous::Always => true,
        };
        let with_previous: Vec<_> = secrets.iter().filter(is_wanted).map(|secret| secret.id()).collect();
        let (mut current, mut previous) =
            tokio::join!(self.manager.current(&ids), self.manager.previous(&with_previous));
        let mut complete = true;
        for secret in &secrets {
            let found = current.remove(secret.id()).unwrap_or(Err(Problem::NotFound));
            complete &= secret.update(found, previous.remove(secret.id()));
        }
        complete
    }
}
