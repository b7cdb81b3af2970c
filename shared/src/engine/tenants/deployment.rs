use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use crate::assistant::{Assistant, DocumentError};
use crate::engine::Limits;
use crate::env::{Env, EnvError};
use crate::protocol::Object;
use crate::telemetry::chain;
use crate::webhooks::Signer;

/// What the variables say.
pub(super) struct Deployment {
    pub(super) limits: Limits,
    env: Env,
    assistant: Option<Watched>,
}

/// The deployment's assistant. A file that has changed counts from the next turn; a broken one never does.
struct Watched {
    /// None where no variable names a file.
    file: Option<PathBuf>,
    known: Mutex<(Option<Stamp>, Arc<Assistant>)>,
}

/// When a file was changed, and its bytes.
type Stamp = (Option<SystemTime>, u64);

impl Deployment {
    pub(super) fn from_env(env: &Env, assistant: Option<Arc<Assistant>>) -> Result<Self, EnvError> {
        let file = env.get(Assistant::VARIABLE).filter(|value| !value.starts_with('{')).map(PathBuf::from);
        let watched = |assistant| Watched { known: Mutex::new((file.as_ref().and_then(stamp), assistant)), file };
        Ok(Self { limits: Limits::from_env(env)?, env: env.clone(), assistant: assistant.map(watched) })
    }

    /// The deployment's assistant, as its file is now.
    pub(super) fn assistant(&self) -> Option<Arc<Assistant>> {
        let watched = self.assistant.as_ref()?;
        let stamp = watched.file.as_ref().and_then(stamp);
        let mut known = watched.known.lock().unwrap_or_else(PoisonError::into_inner);
        if stamp.is_some() && stamp != known.0 {
            known.0 = stamp;
            match assistant(&self.env) {
                Ok(assistant) => known.1 = Arc::new(assistant),
                Err(error) => {
                    tracing::error!(error = chain(&error), "the changed assistant does not count; the last one stays");
                }
            }
        }
        Some(Arc::clone(&known.1))
    }

    /// A tenant's assistant; none where nobody answers.
    pub(super) fn assistant_of(&self, document: Object) -> Result<Option<Arc<Assistant>>, DocumentError> {
        if self.assistant.is_none() {
            return Ok(None);
        }
        let assistant = Assistant::of_tenant(document, &self.env)?;
        if assistant.has_endpoints() && !can_sign(&self.env) {
            let wants = format!("has endpoints, and {UNSIGNED}");
            return Err(DocumentError::at("assistant", wants));
        }
        Ok(Some(Arc::new(assistant)))
    }
}

const UNSIGNED: &str =
    "`TOOL_SIGNING_SECRET` or `TOOL_SIGNING_SECRET_ARN` is not set, with which their calls are signed";

fn assistant(env: &Env) -> Result<Assistant, EnvError> {
    let assistant = Assistant::from_env(env)?;
    if assistant.has_endpoints() && !can_sign(env) {
        return Err(EnvError::new(Assistant::VARIABLE, format!("has endpoints, and {UNSIGNED}")));
    }
    Ok(assistant)
}

fn can_sign(env: &Env) -> bool {
    [Signer::SECRET.variable, Signer::SECRET.arn_variable].iter().any(|name| env.get(name).is_some())
}

fn stamp(file: &PathBuf) -> Option<Stamp> {
    let metadata = std::fs::metadata(file).ok()?;
    Some((metadata.modified().ok(), metadata.len()))
}
