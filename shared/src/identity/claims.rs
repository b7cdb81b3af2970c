use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Identity, Owner, Refusal};
use crate::env::{Env, EnvError};
use crate::ids;
use crate::protocol::Object;

/// What the site's user token says of a user. Verified, but as true as the site made it. The user can read it in their
/// session token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// The name to call them by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Their e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Their language, such as `de-AT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// Their time zone, such as `Europe/Vienna`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zoneinfo: Option<String>,
    /// What they pay for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// The texts, numbers and truth values of the token's object claim `chatkit`.
    #[serde(default, rename = "claims", skip_serializing_if = "BTreeMap::is_empty")]
    pub chatkit: BTreeMap<String, Value>,
}

impl Claims {
    /// All claims together, as JSON. They are in every session token.
    pub const MAX_BYTES: usize = 2_048;

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Under which claims a site's tokens and sessions name a user: `USER_CLAIMS`, a comma-separated list of `field=claim`.
#[derive(Debug, Clone)]
pub struct ClaimNames {
    user: String,
    tenant: String,
    permissions: String,
    name: String,
    email: String,
    locale: String,
    zoneinfo: String,
    plan: String,
    chatkit: String,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self {
            user: "sub".to_owned(),
            tenant: "tenant".to_owned(),
            permissions: "permissions".to_owned(),
            name: "name".to_owned(),
            email: "email".to_owned(),
            locale: "locale".to_owned(),
            zoneinfo: "zoneinfo".to_owned(),
            plan: "plan".to_owned(),
            chatkit: "chatkit".to_owned(),
        }
    }
}

impl ClaimNames {
    pub fn from_env(env: &Env) -> Result<Self, EnvError> {
        let mut names = Self::default();
        for pair in env.list("USER_CLAIMS") {
            let wants = "must be a comma-separated list like `user=user.id,tenant=org_id`; the fields are `user`, \
                         `tenant`, `permissions`, `name`, `email`, `locale`, `zoneinfo`, `plan` and `claims`";
            let wrong = || EnvError::new("USER_CLAIMS", wants);
            let (field, claim) = pair.split_once('=').ok_or_else(wrong)?;
            let field = match field.trim() {
                "user" => &mut names.user,
                "tenant" => &mut names.tenant,
                "permissions" => &mut names.permissions,
                "name" => &mut names.name,
                "email" => &mut names.email,
                "locale" => &mut names.locale,
                "zoneinfo" => &mut names.zoneinfo,
                "plan" => &mut names.plan,
                "claims" => &mut names.chatkit,
                _ => return Err(wrong()),
            };
            claim.trim().clone_into(field);
            if field.is_empty() {
                return Err(wrong());
            }
        }
        Ok(names)
    }

    /// Whom claims name that are verified. A visitor's id is no user's: those are minted here.
    pub(super) fn identity(&self, claims: &Object) -> Result<Identity, Refusal> {
        let user = find(claims, &self.user).and_then(Value::as_str).ok_or(Refusal::Malformed)?;
        if ids::is_visitor(user) {
            return Err(Refusal::Subject);
        }
        let tenant = match find(claims, &self.tenant) {
            None | Some(Value::Null) => Owner::DEFAULT_TENANT,
            Some(tenant) => tenant.as_str().ok_or(Refusal::Malformed)?,
        };
        let owner = Owner::new(tenant, user).map_err(|_| Refusal::Subject)?;
        let mut permissions = match find(claims, &self.permissions) {
            None | Some(Value::Null) => Vec::new(),
            Some(permissions) => Vec::deserialize(permissions).map_err(|_| Refusal::Malformed)?,
        };
        // As OAuth writes them.
        let scope = claims.get("scope").filter(|scope| !scope.is_null());
        let scope = scope.map(|scope| scope.as_str().ok_or(Refusal::Malformed)).transpose()?.unwrap_or_default();
        permissions.extend(scope.split_whitespace().map(ToOwned::to_owned));
        Ok(Identity { permissions, claims: self.profile(claims), ..Identity::of(owner) })
    }

    /// The claims of the right type, and of these the first ones that fit. One of another type is no reason to refuse a
    /// token.
    fn profile(&self, claims: &Object) -> Claims {
        let mut left = Claims::MAX_BYTES - r#"{"claims":{}}"#.len();
        let mut fits = |name: &str, value: &Value| {
            let is_scalar = value.is_string() || value.is_number() || value.is_boolean();
            // As in `"name":"value",`; a name may need escaping, too.
            let bytes = Value::from(name).to_string().len() + value.to_string().len() + 2;
            let rest = left.checked_sub(bytes).filter(|_| is_scalar);
            left = rest.unwrap_or(left);
            rest.is_some()
        };
        let mut text = |field: &str, name: &str| match find(claims, name) {
            Some(value @ Value::String(text)) if fits(field, value) => Some(text.clone()),
            _ => None,
        };
        let name = text("name", &self.name);
        let email = text("email", &self.email);
        let locale = text("locale", &self.locale);
        let zoneinfo = text("zoneinfo", &self.zoneinfo);
        let plan = text("plan", &self.plan);
        let others = find(claims, &self.chatkit).and_then(Value::as_object).into_iter().flatten();
        let others = others.filter(|(name, value)| fits(name, value));
        let chatkit = others.map(|(name, value)| (name.clone(), value.clone())).collect();
        Claims { name, email, locale, zoneinfo, plan, chatkit }
    }
}

/// The claim of this name, such as `https://example.com/tenant`; else the one at this path, such as `user.id`.
fn find<'a>(claims: &'a Object, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        rest.split('.').try_fold(claims.get(first)?, |value, part| value.get(part))
    })
}
