//! Reading what the official models read: numbers in strings, nulls where a default exists.

use serde::{Deserialize, Deserializer, de};

/// `null` counts as absent.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
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
    const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;
    let wrong = || de::Error::custom("expected an integer");
    let number = Option::<Number>::deserialize(deserializer).map_err(|_| wrong())?;
    match number {
        None => Ok(None),
        Some(Number::Integer(value)) => Ok(Some(value)),
        #[expect(clippy::cast_possible_truncation, reason = "the value is whole and in the exact range")]
        Some(Number::Float(value)) if value.fract() == 0.0 && value.abs() <= LARGEST_EXACT => Ok(Some(value as i64)),
        Some(Number::Float(_)) => Err(wrong()),
        Some(Number::Text(text)) => text.trim().parse().map(Some).map_err(|_| wrong()),
    }
}
