//! What each tenant configures itself, read from the store and remembered for a minute. A tenant without settings has
//! those of the tenant `default`; what these leave out, and everything where nothing is stored, is as the variables say
//! it.
//!
//! ```text
//! mod.rs         what counts for a user
//! document.rs    a tenant's settings, completely checked
//! deployment.rs  what the variables say, and the assistant's file, which may change
//! remembered.rs  one tenant's settings in memory
//! ```

mod deployment;
mod document;
mod remembered;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use self::deployment::Deployment;
pub use self::document::TenantSettings;
use self::remembered::Remembered;
use super::{Engine, Error, Limits};
use crate::assistant::{Assistant, DocumentError, Tool};
use crate::clock::Clock;
use crate::env::{Env, EnvError};
use crate::identity::{Identity, Owner};
use crate::model::Prices;
use crate::store::{DynamoDb, Settings, StoreError};

/// Tenants whose settings are in memory. Another one takes the place of the one that was not asked for the longest.
const MAX_TENANTS: usize = 128;

/// The settings of all tenants. Cheap to clone.
#[derive(Clone)]
pub struct Tenants(Arc<Inner>);

struct Inner {
    deployment: Arc<Deployment>,
    /// None where tenants have no settings.
    records: Option<Settings>,
    clock: Clock,
    max_age: Duration,
    remembered: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// With the number of the last question for it.
    tenants: HashMap<String, (u64, Arc<Remembered>)>,
    questions: u64,
}

impl Tenants {
    /// Reads `TABLE_SETTINGS`, `SETTINGS_MAX_AGE_SECONDS` (60), and the variables of [`Limits`]. `assistant` is the
    /// deployment's; none where nobody answers and only [`Tenants::limits`] is asked.
    pub fn from_env(
        dynamodb: &DynamoDb,
        env: &Env,
        clock: &Clock,
        assistant: Option<&Arc<Assistant>>,
    ) -> Result<Self, EnvError> {
        let max_age = env.parsed("SETTINGS_MAX_AGE_SECONDS", 60, "a whole number of seconds")?;
        Ok(Self(Arc::new(Inner {
            deployment: Arc::new(Deployment::from_env(env, assistant.cloned())?),
            records: Settings::from_env(dynamodb, env)?,
            clock: clock.clone(),
            max_age: Duration::from_secs(max_age),
            remembered: Mutex::default(),
        })))
    }

    /// What is wrong with settings, as a deployment with these variables sees it.
    pub fn check(env: &Env, json: &str) -> Result<TenantSettings, CheckError> {
        let assistant = Arc::new(Assistant::from_env(env)?);
        Ok(TenantSettings::parse(json, &Deployment::from_env(env, Some(assistant))?)?)
    }

    /// Reads the settings of the tenant `default`, so that its first request does not wait for them.
    pub async fn open(&self) {
        // A failure shows when something is asked for.
        let _ = tokio::time::timeout(crate::https::OPEN_TIMEOUT, self.settings(Owner::DEFAULT_TENANT)).await;
    }

    /// The limits of a user.
    pub async fn limits(&self, identity: &Identity) -> Result<Limits, StoreError> {
        let settings = self.settings(identity.owner.tenant()).await?;
        Ok(self.limits_by(settings.as_deref(), identity))
    }

    fn limits_by(&self, settings: Option<&TenantSettings>, identity: &Identity) -> Limits {
        let limits = &self.0.deployment.limits;
        let Some(settings) = settings else { return limits.clone() };
        let limits = settings.limits.over(limits);
        match settings.plan(identity) {
            Some(plan) => plan.limits.0.over(&limits),
            None => limits,
        }
    }

    /// The settings that count for a tenant.
    async fn settings(&self, tenant: &str) -> Result<Option<Arc<TenantSettings>>, StoreError> {
        let Some(records) = &self.0.records else { return Ok(None) };
        let read = async |tenant| self.remembered(tenant).read(tenant, records, &self.0.deployment).await;
        if tenant == Owner::DEFAULT_TENANT {
            return read(tenant).await;
        }
        let (own, default) = tokio::join!(read(tenant), read(Owner::DEFAULT_TENANT));
        own?.map_or(default, |own| Ok(Some(own)))
    }

    fn remembered(&self, tenant: &str) -> Arc<Remembered> {
        let mut memory = self.0.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        memory.questions += 1;
        let question = memory.questions;
        if let Some((last, known)) = memory.tenants.get_mut(tenant) {
            *last = question;
            return Arc::clone(known);
        }
        if memory.tenants.len() >= MAX_TENANTS {
            let oldest = memory.tenants.iter().min_by_key(|(_, (last, _))| last).map(|(tenant, _)| tenant.clone());
            oldest.map(|oldest| memory.tenants.remove(&oldest));
        }
        let new = Arc::new(Remembered::new(self.0.clock.clone(), self.0.max_age));
        memory.tenants.insert(tenant.to_owned(), (question, Arc::clone(&new)));
        new
    }
}

/// Why settings cannot count.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The variables are wrong, not the settings.
    #[error(transparent)]
    Variable(#[from] EnvError),
}

impl TenantSettings {
    /// The plan that the site says the user pays for.
    fn plan(&self, identity: &Identity) -> Option<&document::Plan> {
        identity.claims.plan.as_ref().and_then(|plan| self.plans.get(plan))
    }
}

impl Engine {
    /// The engine that carries out a user's request: with the assistant and the limits of their tenant and plan, and
    /// with the tools that they may use. Refuses pages that are not their tenant's.
    pub(super) async fn for_user(&self, identity: &Identity) -> Result<Self, Error> {
        let settings = self.tenants.settings(identity.owner.tenant()).await?;
        let settings = settings.as_deref();
        if let (Some(settings), Some(origin)) = (settings, &identity.origin)
            && !settings.allows(origin)
        {
            return Err(Error::ForeignOrigin);
        }
        let limits = self.tenants.limits_by(settings, identity);
        let assistant = settings.and_then(|settings| settings.assistant.clone());
        let assistant = assistant.or_else(|| self.tenants.0.deployment.assistant());
        let assistant = assistant.unwrap_or_else(|| Arc::clone(&self.assistant));
        let plan = settings.and_then(|settings| settings.plan(identity));
        let may_have = |tool: &Tool| {
            tool.permission().is_none_or(|permission| identity.may(permission))
                && (self.has_page || !tool.is_for_page())
                && plan.is_none_or(|plan| plan.has(tool))
        };
        let assistant = if plan.is_none() && assistant.tools.iter().all(may_have) {
            assistant
        } else {
            let mut own = assistant.with_tools(may_have);
            if let Some(plan) = plan {
                plan.choose_model(&mut own);
            }
            Arc::new(own)
        };
        let prices = settings.and_then(|settings| settings.prices.clone()).unwrap_or_else(Prices::table);
        Ok(Self { assistant, limits, prices, ..self.clone() })
    }

    /// Refuses pages that are not the tenant's.
    ///
    /// # Errors
    /// [`Error::ForeignOrigin`], and where the settings cannot be read.
    pub async fn admit_page(&self, identity: &Identity) -> Result<(), Error> {
        self.for_user(identity).await.map(|_| ())
    }

    /// The model that answers a user.
    ///
    /// # Errors
    /// As for any request of the user's.
    pub async fn model_for(&self, identity: &Identity) -> Result<String, Error> {
        Ok(self.for_user(identity).await?.assistant.model.clone())
    }
}
