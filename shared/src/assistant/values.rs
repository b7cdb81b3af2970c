//! The values in the assistant document that are more than a type.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::protocol::is_icon;

/// An object with the fields of `T`. What is derived for `T` would take a list of their values, too.
#[derive(Default)]
pub(super) struct Fields<T>(pub(super) T);

/// A whole number in these bounds.
#[derive(Clone, Copy)]
pub(super) struct Whole<const LEAST: u32, const MOST: u32>(pub(super) u32);

/// A text that is not empty and has so many characters at most.
pub(super) struct Text<const MOST: usize>(pub(super) String);

/// An icon's name.
pub(super) struct Icon(pub(super) String);

/// A function's name, as OpenAI wants it.
pub(super) struct FunctionName(pub(super) String);

/// How long a model thinks. The words differ from model to model.
pub(super) struct Effort(pub(super) String);

/// A domain.
pub(super) struct Domain(pub(super) String);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for FieldsVisitor<T> {
            type Value = Fields<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Fields<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Fields)
            }
        }

        deserializer.deserialize_map(FieldsVisitor(PhantomData))
    }
}

impl<'de, const LEAST: u32, const MOST: u32> Deserialize<'de> for Whole<LEAST, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |value: &Value| u32::try_from(value.as_u64()?).ok().filter(|number| (LEAST..=MOST).contains(number));
        let number = Value::deserialize(deserializer)?;
        read(&number).map(Self).ok_or_else(|| Error::custom(format!("must be a whole number from {LEAST} to {MOST}")))
    }
}

impl<'de, const MOST: usize> Deserialize<'de> for Text<MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fits = |text: &str| !text.trim().is_empty() && text.chars().count() <= MOST;
        text(deserializer, fits, &format!("a text of 1 to {MOST} characters")).map(Self)
    }
}

impl<'de> Deserialize<'de> for Icon {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text(deserializer, is_icon, "the name of one of ChatKit's icons, or begin with `vendor:` or `lucide:`")
            .map(Self)
    }
}

impl<'de> Deserialize<'de> for FunctionName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fits = |name: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
            (1..=64).contains(&name.len()) && name.bytes().all(allowed)
        };
        text(deserializer, fits, "a name of 1 to 64 letters, digits, `_` and `-`").map(Self)
    }
}

impl<'de> Deserialize<'de> for Effort {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fits = |word: &str| (1..=16).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_lowercase());
        text(deserializer, fits, "a word such as `low`").map(Self)
    }
}

impl<'de> Deserialize<'de> for Domain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let fits = |domain: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
            (1..=253).contains(&domain.len()) && domain.bytes().all(allowed)
        };
        text(deserializer, fits, "a domain such as `example.com`").map(Self)
    }
}

fn text<'de, D: Deserializer<'de>>(
    deserializer: D,
    fits: impl FnOnce(&str) -> bool,
    wants: &str,
) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if fits(&text) => Ok(text),
        _ => Err(Error::custom(format!("must be {wants}"))),
    }
}

/// Reads a field that may be left out, but is no `null` where it is there.
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
