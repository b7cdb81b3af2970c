//! The environment, read once at start. Architecture invariant: no other file reads it.

use std::collections::HashMap;
use std::fmt::{self, Debug};
use std::str::FromStr;

use secrecy::SecretString;

/// The variables a process was started with, or those that a test or the local server sets.
#[derive(Clone, Default)]
pub struct Env(HashMap<String, String>);

/// A variable is missing or has a wrong value. The text names the variable and what it must be, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` {wants}")]
pub struct EnvError {
    pub name: String,
    pub wants: String,
}

impl EnvError {
    /// An error on the variable `name`; `wants` continues the sentence, as in "must be a number".
    pub fn new(name: &str, wants: impl Into<String>) -> Self {
        Self { name: name.to_owned(), wants: wants.into() }
    }
}

impl Env {
    /// The process's own environment. Variables that are not Unicode are left out.
    pub fn process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the one place")]
        Self(std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect())
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    /// Sets a variable that is not set yet.
    pub fn or_insert(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.0.insert(name.to_owned(), value.into());
        }
    }

    /// The variable's value; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|value| value.trim()).filter(|value| !value.is_empty())
    }

    /// The variable's value, or the error "`NAME` must be set to `meaning`".
    pub fn required(&self, name: &str, meaning: &str) -> Result<String, EnvError> {
        self.get(name).map(ToOwned::to_owned).ok_or_else(|| EnvError::new(name, format!("must be set to {meaning}")))
    }

    /// The variable's value as a `T`, or the default. `wants` describes a `T` for the error, as in "a whole number".
    pub fn parsed<T: FromStr>(&self, name: &str, default: T, wants: &str) -> Result<T, EnvError> {
        self.get(name)
            .map_or(Ok(default), |value| value.parse().map_err(|_| EnvError::new(name, format!("must be {wants}"))))
    }

    pub fn secret(&self, name: &str) -> Option<SecretString> {
        self.get(name).map(SecretString::from)
    }

    /// A JSON document: the variable's value itself where that begins with `{`, else the file that it names.
    pub fn document(&self, name: &str) -> Result<Option<String>, EnvError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        if value.starts_with('{') {
            return Ok(Some(value.to_owned()));
        }
        let unreadable = |error: std::io::Error| {
            EnvError::new(
                name,
                format!("must be a JSON object, or the path of a file that can be read: {}", error.kind()),
            )
        };
        std::fs::read_to_string(value).map(Some).map_err(unreadable)
    }

    /// The parts of a comma-separated list.
    pub fn list(&self, name: &str) -> Vec<String> {
        let parts = self.get(name).unwrap_or_default().split(',');
        parts.map(str::trim).filter(|part| !part.is_empty()).map(ToOwned::to_owned).collect()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Env {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Names only: values may be secrets.
impl Debug for Env {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}
