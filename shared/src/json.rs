//! JSON that others write.

use std::fmt;

use serde::de::{Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Levels of lists and objects. `serde_json` reads no more than 127, and a stored value lies some levels down in a
/// document of ours: a value that could be written but not read again would make its whole thread unreadable.
const MAX_LEVELS: usize = 64;

/// Whether a value has more levels than are stored.
pub(crate) fn is_too_deep(value: &Value) -> bool {
    has_more_levels_than(value, MAX_LEVELS)
}

fn has_more_levels_than(value: &Value, levels: usize) -> bool {
    let is_deep = |inner: &Value| has_more_levels_than(inner, levels - 1);
    match value {
        Value::Array(_) | Value::Object(_) if levels == 0 => true,
        Value::Array(elements) => elements.iter().any(is_deep),
        Value::Object(fields) => fields.values().any(is_deep),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A value in which no object has a key twice. Readers differ in which of the two counts.
#[derive(Debug, PartialEq)]
pub(crate) struct Unique(pub(crate) Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON in which no object has a key twice")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(element)) = elements.next_element()? {
            list.push(element);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Unique(value))) = fields.next_entry()? {
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key comes twice"));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_is_the_same_value_or_has_a_key_twice() {
        for json in
            ["null", "true", "-1", "18446744073709551615", "1.5e3", "\"a\\u0000\"", "[[], {}, [{\"a\": {\"a\": 1}}]]"]
        {
            assert_eq!(serde_json::from_str::<Unique>(json).unwrap().0, serde_json::from_str::<Value>(json).unwrap());
        }
        for json in ["{\"a\": 1, \"a\": 1}", "{\"a\": 1, \"b\": 2, \"\\u0061\": 3}", "[{\"b\": [{\"\": 1, \"\": 2}]}]"]
        {
            serde_json::from_str::<Unique>(json).unwrap_err();
        }
        serde_json::from_str::<Unique>(&"[".repeat(200)).unwrap_err();
    }
}
