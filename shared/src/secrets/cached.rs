use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret, SecretString};

use super::{Kind, Previous, Problem, SecretError, Versions};

/// A secret of Secrets Manager, in memory.
pub(super) struct CachedSecret<T> {
    id: String,
    kind: Kind<T>,
    state: Mutex<State<T>>,
}

struct State<T> {
    good: Option<(Versions, Arc<T>)>,
    /// Of the last read.
    problem: Problem,
}

/// A cached secret of any type.
pub(super) trait AnySecret: Send + Sync {
    /// The secret's ARN or name.
    fn id(&self) -> &str;

    /// When the previous version is of use.
    fn previous(&self) -> Previous;

    /// Takes what was read; whether there is a secret now. A good one stays until there is another good one.
    fn update(&self, current: Result<SecretString, Problem>, previous: Option<SecretString>) -> bool;
}

impl<T> CachedSecret<T> {
    pub(super) fn new(id: &str, kind: Kind<T>) -> Self {
        let problem = Problem::Unavailable("it was not read yet".to_owned());
        Self { id: id.to_owned(), kind, state: Mutex::new(State { good: None, problem }) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.state().good.is_none()
    }

    pub(super) fn get(&self) -> Result<Arc<T>, SecretError> {
        let state = self.state();
        match &state.good {
            Some((_, value)) => Ok(Arc::clone(value)),
            None => Err(self.error(state.problem.clone())),
        }
    }

    fn error(&self, problem: Problem) -> SecretError {
        SecretError { variable: self.kind.arn_variable, problem }
    }

    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The secret that was read, if it is another than the one that was good before.
    fn changed(
        &self,
        current: SecretString,
        read: Option<SecretString>,
    ) -> Result<Option<(Versions, Arc<T>)>, Problem> {
        let known = self.state().good.as_ref().map(|(versions, _)| versions.clone());
        let previous = match &known {
            // Without a previous version from this read: it is what was current until now, or what it was before.
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

impl<T: Send + Sync> AnySecret for CachedSecret<T> {
    fn id(&self) -> &str {
        &self.id
    }

    fn previous(&self) -> Previous {
        self.kind.previous
    }

    fn update(&self, current: Result<SecretString, Problem>, previous: Option<SecretString>) -> bool {
        match current.and_then(|current| self.changed(current, previous)) {
            Ok(None) => {}
            Ok(Some(good)) => self.state().good = Some(good),
            Err(problem) => {
                self.error(problem.clone()).log();
                self.state().problem = problem;
            }
        }
        !self.is_empty()
    }
}

fn is_same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}
