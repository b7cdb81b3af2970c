//! Instructions with placeholders for the person: `{{ user.name }}`, `{{ user.name | default('you') }}`.
//!
//! A small part of Jinja, with the same meaning. A literal `{{` is `{{ '{{' }}`.

use std::borrow::Cow;

use serde_json::Value;

use crate::identity::Identity;

/// A longer value could be instructions of its own.
const MAX_VALUE_CHARS: usize = 200;

/// Parsed instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value { name: Placeholder, default: String },
}

/// A name in a placeholder. All values are verified, but for a language that no token names: the browser's.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Placeholder {
    Tenant,
    Id,
    Anonymous,
    Name,
    Email,
    Locale,
    Zoneinfo,
    Plan,
    /// A field of the token's claim `chatkit`.
    Claim(String),
    /// Whether such a value is there and verified.
    Verified(Box<Self>),
}

impl Template {
    /// The error continues a sentence that starts with the name of the field.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, placeholder)) = rest.split_once("{{") {
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            let (part, after) = placeholder_at(placeholder)?;
            parts.push(part);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    pub(super) fn render(&self, identity: &Identity) -> String {
        let parts = self.0.iter().map(|part| match part {
            Part::Text(text) => Cow::from(text),
            Part::Value { name, default } => match name.value(identity) {
                Some(value) if !value.is_empty() => data(&value).into(),
                Some(_) | None => Cow::from(default),
            },
        });
        parts.collect()
    }
}

/// Parses a placeholder after its `{{`; returns the text after it, too.
fn placeholder_at(text: &str) -> Result<(Part, &str), String> {
    let end = |text: &str| text.trim_start().starts_with("}}");
    let text = text.trim_start();
    let (part, rest) = if let Some((literal, rest)) = quoted(text) {
        (Part::Text(literal.to_owned()), rest)
    } else {
        let length = text.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(text.len());
        let (name, rest) = text.split_at(length);
        if name.is_empty() {
            return Err(malformed());
        }
        let name = Placeholder::parse(name)?;
        let (default, rest) = if end(rest) { ("", rest) } else { default(rest).ok_or_else(malformed)? };
        (Part::Value { name, default: default.to_owned() }, rest)
    };
    let rest = rest.trim_start().strip_prefix("}}").ok_or_else(malformed)?;
    Ok((part, rest))
}

fn malformed() -> String {
    "has a placeholder that is not of the form `{{ user.name }}` or `{{ user.name | default('you') }}`".to_owned()
}

/// Parses `| default('…')`; returns the text after it, too.
fn default(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start().strip_prefix('|')?.trim_start().strip_prefix("default")?;
    let (default, rest) = quoted(text.trim_start().strip_prefix('(')?.trim_start())?;
    Some((default, rest.trim_start().strip_prefix(')')?))
}

/// A text in single or double quotes, without that quote in it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mark = text.chars().next().filter(|mark| ['\'', '"'].contains(mark))?;
    text[1..].split_once(mark)
}

impl Placeholder {
    fn parse(name: &str) -> Result<Self, String> {
        Ok(match name {
            "tenant" => Self::Tenant,
            "user.id" => Self::Id,
            "user.anonymous" => Self::Anonymous,
            "user.name" => Self::Name,
            "user.email" => Self::Email,
            "user.locale" => Self::Locale,
            "user.zoneinfo" => Self::Zoneinfo,
            "user.plan" => Self::Plan,
            _ => match (name.strip_prefix("user.claims."), name.strip_prefix("user.verified.")) {
                (Some(claim), _) if !claim.is_empty() => Self::Claim(claim.to_owned()),
                (_, Some(field)) => {
                    let of = Self::parse(&format!("user.{field}")).map_err(|_| unknown(name))?;
                    Self::Verified(Box::new(of))
                }
                _ => return Err(unknown(name)),
            },
        })
    }

    fn value<'a>(&self, identity: &'a Identity) -> Option<Cow<'a, str>> {
        let claims = &identity.claims;
        let text = |claim: &'a Option<String>| claim.as_deref().map(Cow::from);
        match self {
            Self::Tenant => Some(identity.owner.tenant().into()),
            Self::Id => Some(identity.owner.user().into()),
            Self::Anonymous => Some(if identity.anonymous { "true" } else { "false" }.into()),
            Self::Name => text(&claims.name),
            Self::Email => text(&claims.email),
            Self::Locale => claims.locale.as_deref().or_else(|| identity.languages.preferred()).map(Cow::from),
            Self::Zoneinfo => text(&claims.zoneinfo),
            Self::Plan => text(&claims.plan),
            Self::Verified(of) => {
                let is_verified = match **of {
                    Self::Locale => claims.locale.is_some(),
                    _ => of.value(identity).is_some(),
                };
                Some(if is_verified { "true" } else { "false" }.into())
            }
            Self::Claim(name) => claims.chatkit.get(name).map(|value| match value {
                Value::String(text) => Cow::from(text),
                other => other.to_string().into(),
            }),
        }
    }
}

fn unknown(name: &str) -> String {
    format!(
        "has the unknown placeholder `{name}`; the known ones are `tenant`, `user.id`, `user.anonymous`, `user.name`, `user.email`, \
         `user.locale`, `user.zoneinfo`, `user.plan`, `user.claims.<name>` and `user.verified.<field>`"
    )
}

/// A value as data among the instructions: one line, cut.
fn data(value: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    value.chars().take(MAX_VALUE_CHARS).map(|c| if breaks(c) { ' ' } else { c }).collect()
}
