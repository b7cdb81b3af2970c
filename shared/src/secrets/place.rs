use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use super::{Kind, Previous, Problem, SecretError, Versions};

/// Where one of Secrets Manager's secrets is kept.
pub(super) struct Place<T> {
    id: String,
    kind: Kind<T>,
    kept: Mutex<Kept<T>>,
}

struct Kept<T> {
    good: Option<(Versions, Arc<T>)>,
    /// What was wrong with it when it was last read.
    problem: Problem,
}

/// A place, whatever is kept there.
pub(super) trait AnyPlace: Send + Sync {
    /// The secret's ARN or name.
    fn id(&self) -> &str;

    /// When the version before is of use.
    fn previous(&self) -> Previous;

    /// Takes what was read; whether there is a secret now. One that was good stays until there is another good one.
    fn put(&self, current: Result<SecretString, Problem>, previous: Option<SecretString>) -> bool;
}

impl<T> Place<T> {
    pub(super) fn new(id: &str, kind: Kind<T>) -> Self {
        let problem = Problem::Unavailable("it was not read yet".to_owned());
        Self { id: id.to_owned(), kind, kept: Mutex::new(Kept { good: None, problem }) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept().good.is_none()
    }

    pub(super) fn get(&self) -> Result<Arc<T>, SecretError> {
        let kept = self.kept();
        match &kept.good {
            Some((_, value)) => Ok(Arc::clone(value)),
            None => Err(self.error(kept.problem.clone())),
        }
    }

    fn error(&self, problem: Problem) -> SecretError {
        SecretError { variable: self.kind.arn_variable, problem }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is good now, if that is another than what was good before.
    fn changed(
        &self,
        current: SecretString,
        read: Option<SecretString>,
    ) -> Result<Option<(Versions, Arc<T>)>, Problem> {
        let known = self.kept().good.as_ref().map(|(versions, _)| versions.clone());
        let previous = match &known {
            // Where the version before was not read: it is what was current until now, or what it has been.
            Some(known) if read.is_none() && is_same(&known.current, &current) => known.previous.clone(),
            Some(known) if read.is_none() && self.kind.previous != Previous::Unused => Some(known.current.clone()),
            Some(_) | None => read,
        };
        let is_known = known.is_some_and(|known| {
            is_same(&known.current, &current)
                && match (&known.previous, &previous) {
                    (Some(known), Some(previous)) => is_same(known, previous),
                    (None, None) => true,
                    (Some(_), None) | (None, Some(_)) => false,
                }
        });
        if is_known {
            return Ok(None);
        }
        let versions = Versions { current, previous };
        let value = (self.kind.parse)(&versions).map_err(Problem::Unusable)?;
        Ok(Some((versions, Arc::new(value))))
    }
}

impl<T: Send + Sync> AnyPlace for Place<T> {
    fn id(&self) -> &str {
        &self.id
    }

    fn previous(&self) -> Previous {
        self.kind.previous
    }

    fn put(&self, current: Result<SecretString, Problem>, previous: Option<SecretString>) -> bool {
        match current.and_then(|current| self.changed(current, previous)) {
            Ok(None) => {}
            Ok(Some(good)) => self.kept().good = Some(good),
            Err(problem) => {
                self.error(problem.clone()).log();
                self.kept().problem = problem;
            }
        }
        !self.is_empty()
    }
}

fn is_same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
