use std::sync::Arc;

use super::Secrets;
use super::place::Place;
use crate::reload::ReloadReason;
use crate::telemetry::chain;

/// A secret in the form it is used in. Cheap to clone; clones share it.
pub struct Secret<T>(Source<T>);

enum Source<T> {
    Fixed(Arc<T>),
    Managed(Arc<Place<T>>, Secrets),
}

/// A secret cannot be had at the moment. The text names the variable, never the secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the secret that `{variable}` names cannot be used")]
pub struct SecretError {
    /// The variable with the secret's ARN.
    pub variable: &'static str,
    /// Why.
    #[source]
    pub problem: Problem,
}

/// What is wrong with a secret, and what the operator can do about it.
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
    /// Its value is not what it is used as.
    #[error("it {0}")]
    Unusable(String),
    /// No answer, or one that cannot be read; this may pass.
    #[error("Secrets Manager does not give it out: {0}")]
    Unavailable(String),
}

impl<T> Secret<T> {
    /// A secret that never changes.
    pub fn fixed(value: T) -> Self {
        Self(Source::Fixed(Arc::new(value)))
    }

    pub(super) const fn managed(place: Arc<Place<T>>, secrets: Secrets) -> Self {
        Self(Source::Managed(place, secrets))
    }
}

impl<T: Send + Sync + 'static> Secret<T> {
    /// The secret, read if it is missing or old and it is time.
    ///
    /// # Errors
    /// [`SecretError`].
    pub async fn get(&self) -> Result<Arc<T>, SecretError> {
        match &self.0 {
            Source::Fixed(value) => Ok(Arc::clone(value)),
            Source::Managed(place, secrets) => {
                let reason = if place.is_empty() { ReloadReason::Missing } else { ReloadReason::Routine };
                secrets.read(reason).await;
                place.get()
            }
        }
    }

    /// The secret, as far as it has been read by now. It is never waited for.
    pub fn known(&self) -> Option<Arc<T>> {
        match &self.0 {
            Source::Fixed(value) => Some(Arc::clone(value)),
            Source::Managed(place, _) => place.get().ok(),
        }
    }

    /// Another one than this, which something or somebody did not accept: what it has become since. None if it is still
    /// the same, or was read for this reason a moment ago.
    pub async fn newer_than(&self, rejected: &Arc<T>) -> Option<Arc<T>> {
        let Source::Managed(place, secrets) = &self.0 else { return None };
        let newer = || place.get().ok().filter(|value| !Arc::ptr_eq(value, rejected));
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
            Source::Managed(place, secrets) => Source::Managed(Arc::clone(place), secrets.clone()),
        })
    }
}

impl<T> std::fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Secret").finish_non_exhaustive()
    }
}

impl SecretError {
    /// Tells the operator.
    pub(super) fn log(&self) {
        tracing::error!(error = chain(self), "a secret cannot be used");
    }
}
