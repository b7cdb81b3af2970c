use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// The claims of a user token, which may be of any type: one of another type is no reason to refuse the token.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TokenClaims {
    name: Value,
    email: Value,
    locale: Value,
    zoneinfo: Value,
    plan: Value,
    chatkit: Value,
}

impl TokenClaims {
    /// The claims of the right type, and of these the first ones that fit.
    pub(super) fn bounded(self) -> Claims {
        let mut left = Claims::MAX_BYTES - r#"{"claims":{}}"#.len();
        let mut fits = |name: &str, value: &Value| {
            let is_scalar = value.is_string() || value.is_number() || value.is_boolean();
            // As in `"name":"value",`; a name may need escaping, too.
            let bytes = Value::from(name).to_string().len() + value.to_string().len() + 2;
            let rest = left.checked_sub(bytes).filter(|_| is_scalar);
            left = rest.unwrap_or(left);
            rest.is_some()
        };
        let mut text = |name: &str, value: Value| match value {
            Value::String(text) if fits(name, &Value::from(text.as_str())) => Some(text),
            _ => None,
        };
        let name = text("name", self.name);
        let email = text("email", self.email);
        let locale = text("locale", self.locale);
        let zoneinfo = text("zoneinfo", self.zoneinfo);
        let plan = text("plan", self.plan);
        let others = match self.chatkit {
            Value::Object(claims) => claims,
            _ => Object::new(),
        };
        let chatkit = others.into_iter().filter(|(name, value)| fits(name, value)).collect();
        Claims { name, email, locale, zoneinfo, plan, chatkit }
    }
}
