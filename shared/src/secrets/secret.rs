use std::sync::Arc;

use super::Secrets;
use super::cached::CachedSecret;
use crate::reload::ReloadReason;
use crate::telemetry::chain;

/// A secret in the form it is used in. Cheap to clone; clones share it.
pub struct Secret<T>(Source<T>);

enum Source<T> {
    Fixed(Arc<T>),
    Managed(Arc<CachedSecret<T>>, Secrets),
}

/// A secret cannot be used at the moment. The text names the variable, never the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret that `{variable}` names cannot be used")]
pub struct SecretError {
    /// The variable with the secret's ARN.
    pub variable: &'static str,
    #[source]
    pub problem: Problem,
}

/// Why a secret cannot be used, and what the operator can do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// It has no value, or an empty one.
    #[error("it is empty: put its value into Secrets Manager")]
    Empty,
    /// No such secret, or not in this region.
    #[error("it does not exist in this region: correct the variable, or create the secret")]
    NotFound,
    /// The function's role lacks a right.
    #[error(
        "the function's role may not read it: allow `secretsmanager:GetSecretValue` on it, and `kms:Decrypt` on its key \
         if that is your own"
    )]
    Denied,
    /// Its value cannot be used; the text continues "it …".
    #[error("it {0}")]
    Unusable(String),
    /// No answer, or one that cannot be read. The next read may succeed.
    #[error("Secrets Manager does not return it: {0}")]
    Unavailable(String),
}

impl<T> Secret<T> {
    /// A secret that never changes.
    pub fn fixed(value: T) -> Self {
        Self(Source::Fixed(Arc::new(value)))
    }

    pub(super) const fn managed(secret: Arc<CachedSecret<T>>, secrets: Secrets) -> Self {
        Self(Source::Managed(secret, secrets))
    }
}

impl<T: Send + Sync + 'static> Secret<T> {
    /// The secret, read first if a read is due.
    pub async fn get(&self) -> Result<Arc<T>, SecretError> {
        match &self.0 {
            Source::Fixed(value) => Ok(Arc::clone(value)),
            Source::Managed(secret, secrets) => {
                let reason = if secret.is_empty() { ReloadReason::Missing } else { ReloadReason::Routine };
                secrets.read(reason).await;
                secret.get()
            }
        }
    }

    /// The secret, if it has been read. Does not wait for a read.
    pub fn known(&self) -> Option<Arc<T>> {
        match &self.0 {
            Source::Fixed(value) => Some(Arc::clone(value)),
            Source::Managed(secret, _) => secret.get().ok(),
        }
    }

    /// The secret in place of one that was rejected, if it has changed since. None if it is still the same, or was read
    /// for this reason less than a minute ago.
    pub(crate) async fn newer_than(&self, rejected: &Arc<T>) -> Option<Arc<T>> {
        let Source::Managed(secret, secrets) = &self.0 else { return None };
        let newer = || secret.get().ok().filter(|value| !Arc::ptr_eq(value, rejected));
        if let Some(newer) = newer() {
            return Some(newer);
        }
        secrets.read(ReloadReason::Rejected).await;
        newer()
    }
}

impl<T> Clone for Secret<T> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Source::Fixed(value) => Source::Fixed(Arc::clone(value)),
            Source::Managed(secret, secrets) => Source::Managed(Arc::clone(secret), secrets.clone()),
        })
    }
}

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Secret").finish_non_exhaustive()
    }
}

impl SecretError {
    pub(super) fn log(&self) {
        tracing::error!(error = chain(self), "a secret cannot be used");
    }
}
