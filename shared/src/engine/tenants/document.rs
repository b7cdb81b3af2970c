//! A tenant's settings: the document, completely checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::Deployment;
use crate::assistant::{Assistant, BoundedInteger, DocumentError, Label, Tool, present, read};
use crate::engine::Limits;
use crate::engine::limits::MAX_MESSAGE_CHARS;
use crate::https::is_origin;
use crate::limits::Bucket;
use crate::model::Prices;
use crate::protocol::{Object, ObjectOnly};
use crate::store::Settings;

/// A day of a budget in tokens; no model answers so much.
const MAX_TOKENS: u32 = 4_000_000_000;

/// A tenant's settings. What is left out is as the variables say it.
#[derive(Debug, Clone, Default)]
pub struct TenantSettings {
    pub(super) assistant: Option<Arc<Assistant>>,
    pub(super) limits: LimitsDocument,
    /// The pages from which the tenant's users may come; any of `ALLOWED_ORIGINS` if none are named.
    pub(super) allowed_origins: Option<Vec<String>>,
    pub(super) plans: BTreeMap<String, Plan>,
    /// What models cost the tenant; as the table says if nothing is said.
    pub(super) prices: Option<Arc<Prices>>,
}

/// What is different for the users whose claim `plan` has a name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plan {
    #[serde(default, deserialize_with = "present")]
    model: Option<Label>,
    /// Which of the composer's models may be chosen.
    #[serde(default, deserialize_with = "present")]
    models: Option<Vec<Label>>,
    /// The names of the tools that the model may use.
    #[serde(default, deserialize_with = "present")]
    tools: Option<Vec<Label>>,
    #[serde(default)]
    pub(super) limits: ObjectOnly<LimitsDocument>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Document {
    /// For editors.
    #[serde(rename = "$schema")]
    _schema: IgnoredAny,
    #[serde(deserialize_with = "present")]
    assistant: Option<Object>,
    limits: ObjectOnly<LimitsDocument>,
    #[serde(deserialize_with = "present")]
    allowed_origins: Option<Vec<String>>,
    plans: BTreeMap<String, ObjectOnly<Plan>>,
    #[serde(deserialize_with = "present")]
    prices: Option<Prices>,
}

/// The variables `LIMIT_*` by the rest of their names, in small letters.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsDocument {
    #[serde(deserialize_with = "present")]
    user_turns_per_minute: Option<BoundedInteger<0, 1_000_000>>,
    #[serde(deserialize_with = "present")]
    user_actions_per_minute: Option<BoundedInteger<0, 1_000_000>>,
    #[serde(deserialize_with = "present")]
    user_requests_per_minute: Option<BoundedInteger<0, 1_000_000>>,
    #[serde(deserialize_with = "present")]
    user_tokens_per_hour: Option<BoundedInteger<0, MAX_TOKENS>>,
    #[serde(deserialize_with = "present")]
    user_upload_mb_per_hour: Option<BoundedInteger<0, 1_000_000>>,
    #[serde(deserialize_with = "present")]
    message_chars: Option<BoundedInteger<0, MAX_MESSAGE_CHARS>>,
    #[serde(deserialize_with = "present")]
    address_requests_per_minute: Option<BoundedInteger<0, 1_000_000>>,
    #[serde(deserialize_with = "present")]
    address_tokens_per_hour: Option<BoundedInteger<0, MAX_TOKENS>>,
    #[serde(deserialize_with = "present")]
    address_upload_mb_per_hour: Option<BoundedInteger<0, 1_000_000>>,
    #[serde(deserialize_with = "present")]
    tenant_tokens_per_day: Option<BoundedInteger<0, MAX_TOKENS>>,
    #[serde(deserialize_with = "present")]
    tenant_upload_mb_per_day: Option<BoundedInteger<0, 1_000_000>>,
}

impl TenantSettings {
    /// Reads and checks a whole document. The error names the place and what must be there, never the value.
    pub(super) fn parse(json: &str, deployment: &Deployment) -> Result<Self, DocumentError> {
        if json.len() > Settings::MAX_DOCUMENT_BYTES {
            let wants = format!("has more than {} KB", Settings::MAX_DOCUMENT_BYTES / 1024);
            return Err(DocumentError::whole(wants));
        }
        let value: Value = serde_json::from_str(json).map_err(|error| DocumentError::syntax(&error))?;
        let ObjectOnly(document): ObjectOnly<Document> = read("", value)?;
        let own = document.assistant.map(|assistant| deployment.assistant_of(assistant)).transpose()?.flatten();
        let plans: BTreeMap<_, _> = document.plans.into_iter().map(|(name, ObjectOnly(plan))| (name, plan)).collect();
        if let Some(assistant) = own.clone().or_else(|| deployment.assistant()) {
            for (name, plan) in &plans {
                plan.check(name, &assistant)?;
            }
        }
        for (name, plan) in &plans {
            if let Some(limit) = plan.limits.0.of_others() {
                let wants = "must be in the tenant's own `limits`: users of every plan share it";
                return Err(DocumentError::at(&format!("plans.{name}.limits.{limit}"), wants));
            }
        }
        let is_wrong = |origin: &String| !is_origin(origin);
        if let Some(index) = document.allowed_origins.iter().flatten().position(is_wrong) {
            let wants = "must be an origin like `https://www.example.com`; `http` only of this machine";
            return Err(DocumentError::at(&format!("allowed_origins[{index}]"), wants));
        }
        let Document { limits: ObjectOnly(limits), allowed_origins, prices, .. } = document;
        let prices = prices.map(|prices| Arc::new(prices.over_table()));
        Ok(Self { assistant: own, limits, allowed_origins, plans, prices })
    }

    /// Whether the tenant's users may come from a page of this origin.
    pub(super) fn allows(&self, origin: &str) -> bool {
        self.allowed_origins.as_ref().is_none_or(|allowed| allowed.iter().any(|allowed| allowed == origin))
    }
}

impl Plan {
    /// Whether the plan names only what the assistant has.
    fn check(&self, name: &str, assistant: &Assistant) -> Result<(), DocumentError> {
        let unknown = |list: &Option<Vec<Label>>, is_there: &dyn Fn(&str) -> bool| {
            list.iter().flatten().position(|label| !is_there(&label.0))
        };
        if let Some(index) = unknown(&self.tools, &|name| assistant.tools.iter().any(|tool| tool.name() == name)) {
            let wants = "must be the name of a function or the type of another tool of the assistant";
            return Err(DocumentError::at(&format!("plans.{name}.tools[{index}]"), wants));
        }
        if let Some(index) = unknown(&self.models, &|id| assistant.models.iter().any(|choice| choice.id == id)) {
            let wants = "must be the `id` of one of the models in the assistant's composer";
            return Err(DocumentError::at(&format!("plans.{name}.models[{index}]"), wants));
        }
        Ok(())
    }

    pub(super) fn has(&self, tool: &Tool) -> bool {
        self.tools.as_ref().is_none_or(|tools| tools.iter().any(|name| name.0 == tool.name()))
    }

    /// Sets the model, and leaves the composer those that the plan names. Where it names only the model, there is
    /// nothing to choose: a choice would be a way around the plan.
    pub(super) fn choose_model(&self, assistant: &mut Assistant) {
        if let Some(model) = &self.model {
            model.0.clone_into(&mut assistant.model);
        }
        match &self.models {
            Some(models) => assistant.models.retain(|choice| models.iter().any(|id| id.0 == choice.id)),
            None if self.model.is_some() => assistant.models.clear(),
            None => {}
        }
    }
}

impl LimitsDocument {
    /// The first of the limits that are not a user's alone.
    fn of_others(&self) -> Option<&'static str> {
        [
            ("address_requests_per_minute", self.address_requests_per_minute.is_some()),
            ("address_tokens_per_hour", self.address_tokens_per_hour.is_some()),
            ("address_upload_mb_per_hour", self.address_upload_mb_per_hour.is_some()),
            ("tenant_tokens_per_day", self.tenant_tokens_per_day.is_some()),
            ("tenant_upload_mb_per_day", self.tenant_upload_mb_per_day.is_some()),
        ]
        .into_iter()
        .find_map(|(name, is_set)| is_set.then_some(name))
    }

    /// The limits with those that are set here.
    pub(super) fn over(&self, limits: &Limits) -> Limits {
        let bucket = |count: Option<BoundedInteger<0, 1_000_000>>, default| {
            count.map_or(default, |count| Bucket::per_minute(count.0))
        };
        let tokens =
            |count: Option<BoundedInteger<0, MAX_TOKENS>>, default| count.map_or(default, |count| count.0.into());
        let megabytes = |count: Option<BoundedInteger<0, 1_000_000>>, default| {
            count.map_or(default, |count| u64::from(count.0) * 1_000_000)
        };
        Limits {
            turns: bucket(self.user_turns_per_minute, limits.turns),
            actions: bucket(self.user_actions_per_minute, limits.actions),
            requests: bucket(self.user_requests_per_minute, limits.requests),
            address_requests: bucket(self.address_requests_per_minute, limits.address_requests),
            upload_bytes_per_hour: megabytes(self.user_upload_mb_per_hour, limits.upload_bytes_per_hour),
            address_upload_bytes_per_hour: megabytes(
                self.address_upload_mb_per_hour,
                limits.address_upload_bytes_per_hour,
            ),
            tenant_upload_bytes_per_day: megabytes(self.tenant_upload_mb_per_day, limits.tenant_upload_bytes_per_day),
            tokens_per_hour: tokens(self.user_tokens_per_hour, limits.tokens_per_hour),
            address_tokens_per_hour: tokens(self.address_tokens_per_hour, limits.address_tokens_per_hour),
            tenant_tokens_per_day: tokens(self.tenant_tokens_per_day, limits.tenant_tokens_per_day),
            message_chars: self.message_chars.map_or(limits.message_chars, |count| count.0 as usize),
            usage_retention_days: limits.usage_retention_days,
        }
    }
}
