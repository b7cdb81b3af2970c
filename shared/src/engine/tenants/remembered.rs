use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;

use super::{Deployment, TenantSettings};
use crate::clock::Clock;
use crate::hash::sha256_hex;
use crate::reload::{ReloadPolicy, ReloadReason};
use crate::store::{Settings, SettingsVersion, StoreError};
use crate::telemetry::chain;

/// How far back a process looks for settings that can count, when it has none and the newest are broken.
const MAX_OLDER_VERSIONS: u32 = 5;

/// A tenant's settings in memory.
pub(super) struct Remembered {
    reload: ReloadPolicy,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    was_read: bool,
    /// Of the document that was read last.
    digest: Option<String>,
    /// The last settings that can count; none if there are none.
    settings: Option<Arc<TenantSettings>>,
}

impl Remembered {
    pub(super) fn new(clock: Clock, max_age: Duration) -> Self {
        Self { reload: ReloadPolicy::new(clock, max_age), state: Arc::default() }
    }

    /// The settings, which are read again when they are too old. Where that fails, the last ones stay.
    pub(super) async fn read(
        &self,
        tenant: &str,
        records: &Settings,
        deployment: &Arc<Deployment>,
    ) -> Result<Option<Arc<TenantSettings>>, StoreError> {
        let reason = if lock(&self.state).was_read { ReloadReason::Routine } else { ReloadReason::Missing };
        let reading = Reading {
            tenant: tenant.to_owned(),
            records: records.clone(),
            deployment: Arc::clone(deployment),
            state: Arc::clone(&self.state),
        };
        self.reload.read_if_due(reason, reading.run().boxed()).await;
        let state = lock(&self.state);
        if state.was_read { Ok(state.settings.clone()) } else { Err(StoreError::settings_unread()) }
    }
}

struct Reading {
    tenant: String,
    records: Settings,
    deployment: Arc<Deployment>,
    state: Arc<Mutex<State>>,
}

impl Reading {
    /// Whether there is something to go on with.
    async fn run(self) -> bool {
        match self.records.current(&self.tenant).await {
            Ok(None) => self.remember(None, None),
            Ok(Some(current)) => self.take(current).await,
            Err(error) => tracing::warn!(error = chain(&error), "could not read the settings of a tenant"),
        }
        lock(&self.state).was_read
    }

    async fn take(&self, current: SettingsVersion) {
        let digest = Some(sha256_hex(&current.document));
        let (is_known, has_good) = {
            let state = lock(&self.state);
            (state.digest == digest, state.settings.is_some())
        };
        if is_known {
            return;
        }
        let settings = match self.good(&current) {
            Some(settings) => Some(settings),
            None if has_good => lock(&self.state).settings.clone(),
            None => self.before(current.version).await,
        };
        self.remember(digest, settings);
    }

    /// The last of those that counted before which can count.
    async fn before(&self, version: u64) -> Option<Arc<TenantSettings>> {
        let versions = self.records.versions(&self.tenant, MAX_OLDER_VERSIONS).await.unwrap_or_else(|error| {
            tracing::warn!(error = chain(&error), "could not read the older settings of a tenant");
            Vec::new()
        });
        let mut next = Some(version);
        while let Some(older) = versions.iter().find(|older| Some(older.version) == next) {
            if let Some(settings) = self.good(older) {
                return Some(settings);
            }
            // A version follows the one before it, so this ends.
            next = older.previous.filter(|previous| *previous < older.version);
        }
        None
    }

    fn good(&self, version: &SettingsVersion) -> Option<Arc<TenantSettings>> {
        match TenantSettings::parse(&version.document, &self.deployment) {
            Ok(settings) => Some(Arc::new(settings)),
            Err(error) => {
                let version = version.version;
                tracing::error!(
                    error = chain(&error),
                    version,
                    "these settings of a tenant do not count: they are broken"
                );
                None
            }
        }
    }

    fn remember(&self, digest: Option<String>, settings: Option<Arc<TenantSettings>>) {
        *lock(&self.state) = State { was_read: true, digest, settings };
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
