//! Reading what the official models read: numbers in strings, nulls where a default exists.

use std::collections::BTreeMap;
use std::fmt::{self, Formatter};
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, de};

/// `null` counts as absent.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A `T` from a JSON object only: by itself serde reads a struct from an array of its fields too.
#[derive(Debug, Clone, Default)]
pub struct ObjectOnly<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ObjectOnly<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// A required object.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    ObjectOnly::deserialize(deserializer).map(|ObjectOnly(value)| value)
}

/// An object or `null`.
pub(super) fn optional_object<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.map(|ObjectOnly(value)| value))
}

/// An object; `null` counts as absent.
pub(super) fn object_or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(optional_object(deserializer)?.unwrap_or_default())
}

/// Objects by name.
pub(super) fn objects<'de, D, T>(deserializer: D) -> Result<BTreeMap<String, T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects = BTreeMap::<String, ObjectOnly<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|(name, ObjectOnly(value))| (name, value)).collect())
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Integer(i64),
    Float(f64),
    Text(String),
}

/// An integer as pydantic's lax mode takes it: `5`, `5.0` and `"5"` are five, `1.5` is an error.
pub(super) fn integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    optional_integer(deserializer)?.ok_or_else(|| de::Error::custom("expected an integer"))
}

/// As [`integer`], with `null` for none.
pub(super) fn optional_integer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_992.0;
    let wrong = || de::Error::custom("expected an integer");
    let number = Option::<Number>::deserialize(deserializer).map_err(|_| wrong())?;
    match number {
        None => Ok(None),
        Some(Number::Integer(value)) => Ok(Some(value)),
        #[expect(clippy::cast_possible_truncation, reason = "the value is whole and in the exact range")]
        Some(Number::Float(value)) if value.fract() == 0.0 && value.abs() <= MAX_EXACT_INTEGER => {
            Ok(Some(value as i64))
        }
        Some(Number::Float(_)) => Err(wrong()),
        Some(Number::Text(text)) => text.trim().parse().map(Some).map_err(|_| wrong()),
    }
}
