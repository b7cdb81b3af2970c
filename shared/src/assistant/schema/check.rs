use serde_json::{Number, Value};

use super::Schema;
use crate::protocol::Object;

impl Schema {
    /// Checks a value.
    /// The error is the first fault, as in "`size` must be at least 1", and says nothing of the value itself.
    pub(in crate::assistant) fn check(&self, value: &Value) -> Result<(), String> {
        self.apply(&self.root, value, "")
    }

    fn apply(&self, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
        let Value::Object(keywords) = schema else {
            return if schema == &Value::Bool(false) { Err(named(path, "must not be there")) } else { Ok(()) };
        };
        keywords.iter().try_for_each(|(keyword, wanted)| self.keyword(keywords, keyword, wanted, value, path))
    }

    fn keyword(
        &self,
        keywords: &Object,
        keyword: &str,
        wanted: &Value,
        value: &Value,
        path: &str,
    ) -> Result<(), String> {
        let refuse = |fault: String| Err(named(path, &fault));
        let list = || wanted.as_array().map_or(&[][..], Vec::as_slice);
        let applies = |schema: &Value| self.apply(schema, value, path).is_ok();
        match (keyword, value) {
            ("type", _) if !has_type(value, wanted) => refuse(format!("must be of type {}", listed(wanted))),
            ("enum", _) if !list().iter().any(|one| equal(one, value)) => refuse(format!("must be one of {wanted}")),
            ("const", _) if !equal(wanted, value) => refuse(format!("must be {wanted}")),
            ("$ref", _) => {
                let target = wanted.as_str().and_then(|text| self.root.pointer(text.strip_prefix('#')?));
                target.map_or(Ok(()), |target| self.apply(target, value, path))
            }
            ("allOf", _) => list().iter().try_for_each(|schema| self.apply(schema, value, path)),
            ("anyOf", _) if !list().iter().any(applies) => refuse("must fit one of its schemas".to_owned()),
            ("oneOf", _) if list().iter().filter(|schema| applies(schema)).count() != 1 => {
                refuse("must fit exactly one of its schemas".to_owned())
            }
            ("not", _) if applies(wanted) => refuse("must not fit a schema that it fits".to_owned()),

            ("minimum", Value::Number(_)) if below(value, wanted) => refuse(format!("must be at least {wanted}")),
            ("maximum", Value::Number(_)) if below(wanted, value) => refuse(format!("must be at most {wanted}")),
            ("exclusiveMinimum", Value::Number(_)) if !below(wanted, value) => {
                refuse(format!("must be more than {wanted}"))
            }
            ("exclusiveMaximum", Value::Number(_)) if !below(value, wanted) => {
                refuse(format!("must be less than {wanted}"))
            }
            ("multipleOf", Value::Number(_)) if !is_multiple(value, wanted) => {
                refuse(format!("must be a multiple of {wanted}"))
            }

            ("minLength", Value::String(text)) if fewer(text.chars().count(), wanted) => {
                refuse(format!("must have at least {wanted} characters"))
            }
            ("maxLength", Value::String(text)) if more(text.chars().count(), wanted) => {
                refuse(format!("must have at most {wanted} characters"))
            }
            ("pattern", Value::String(text)) if !self.matches(wanted.as_str(), text) => {
                refuse(format!("must match the pattern {wanted}"))
            }

            ("minItems", Value::Array(items)) if fewer(items.len(), wanted) => {
                refuse(format!("must have at least {wanted} items"))
            }
            ("maxItems", Value::Array(items)) if more(items.len(), wanted) => {
                refuse(format!("must have at most {wanted} items"))
            }
            ("uniqueItems", Value::Array(items)) if wanted == &Value::Bool(true) && !are_unique(items) => {
                refuse("must not have the same item twice".to_owned())
            }
            ("prefixItems", Value::Array(items)) => (items.iter().zip(list()).enumerate())
                .try_for_each(|(index, (item, schema))| self.apply(schema, item, &format!("{path}[{index}]"))),
            ("items", Value::Array(items)) => {
                let before = keywords.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
                (items.iter().enumerate().skip(before))
                    .try_for_each(|(index, item)| self.apply(wanted, item, &format!("{path}[{index}]")))
            }

            ("minProperties", Value::Object(fields)) if fewer(fields.len(), wanted) => {
                refuse(format!("must have at least {wanted} fields"))
            }
            ("maxProperties", Value::Object(fields)) if more(fields.len(), wanted) => {
                refuse(format!("must have at most {wanted} fields"))
            }
            ("required", Value::Object(fields)) => required(list(), fields, path),
            ("dependentRequired", Value::Object(fields)) => {
                let lists = wanted.as_object().into_iter().flatten().filter(|(name, _)| fields.contains_key(*name));
                lists.into_iter().try_for_each(|(_, list)| required(list.as_array().map_or(&[], |v| v), fields, path))
            }
            ("properties", Value::Object(fields)) => {
                let known = wanted.as_object().into_iter().flatten();
                known
                    .filter_map(|(name, schema)| Some((name, schema, fields.get(name)?)))
                    .try_for_each(|(name, schema, field)| self.apply(schema, field, &join(path, name)))
            }
            ("patternProperties", Value::Object(fields)) => {
                wanted.as_object().into_iter().flatten().try_for_each(|(pattern, schema)| {
                    let matching = fields.iter().filter(|(name, _)| self.matches(Some(pattern), name));
                    matching.into_iter().try_for_each(|(_, field)| self.apply(schema, field, &join(path, "*")))
                })
            }
            ("additionalProperties", Value::Object(fields)) => {
                let others = fields.iter().filter(|(name, _)| !self.is_listed(keywords, name));
                others.into_iter().try_for_each(|(_, field)| match wanted {
                    Value::Bool(false) => refuse("must not have fields that their schema does not know".to_owned()),
                    schema => self.apply(schema, field, &join(path, "*")),
                })
            }
            ("propertyNames", Value::Object(fields)) => {
                let fits = |name: &String| self.apply(wanted, &Value::from(name.as_str()), path).is_ok();
                if fields.keys().all(fits) { Ok(()) } else { refuse("must not have a field of such a name".to_owned()) }
            }
            _ => Ok(()),
        }
    }

    fn matches(&self, pattern: Option<&str>, text: &str) -> bool {
        pattern.and_then(|pattern| self.patterns.get(pattern)).is_none_or(|regex| regex.is_match(text))
    }

    /// Whether `properties` or `patternProperties` say something of a field.
    fn is_listed(&self, keywords: &Object, name: &str) -> bool {
        let fields = |keyword: &str| keywords.get(keyword).and_then(Value::as_object);
        fields("properties").is_some_and(|known| known.contains_key(name))
            || fields("patternProperties")
                .is_some_and(|known| known.keys().any(|pattern| self.matches(Some(pattern), name)))
    }
}

fn named(path: &str, fault: &str) -> String {
    if path.is_empty() { format!("the arguments {fault}") } else { format!("`{path}` {fault}") }
}

/// The path to a field.
fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn required(names: &[Value], fields: &Object, path: &str) -> Result<(), String> {
    let missing = names.iter().filter_map(Value::as_str).find(|name| !fields.contains_key(*name));
    missing.map_or(Ok(()), |name| Err(format!("`{}` is missing", join(path, name))))
}

fn has_type(value: &Value, wanted: &Value) -> bool {
    let is = |name: &Value| match (name.as_str().unwrap_or_default(), value) {
        ("null", Value::Null)
        | ("boolean", Value::Bool(_))
        | ("number", Value::Number(_))
        | ("string", Value::String(_))
        | ("array", Value::Array(_))
        | ("object", Value::Object(_)) => true,
        ("integer", Value::Number(number)) => !number.is_f64() || number.as_f64().is_some_and(|n| n.fract() == 0.0),
        _ => false,
    };
    wanted.as_array().map_or_else(|| is(wanted), |types| types.iter().any(is))
}

/// The names of types, for people.
fn listed(types: &Value) -> String {
    let names = types.as_array().map_or(std::slice::from_ref(types), Vec::as_slice);
    names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
}

fn below(one: &Value, other: &Value) -> bool {
    match (whole(one), whole(other)) {
        (Some(one), Some(other)) => one < other,
        _ => one.as_f64() < other.as_f64(),
    }
}

fn is_multiple(value: &Value, of: &Value) -> bool {
    match (whole(value), whole(of)) {
        (Some(value), Some(of)) => value % of == 0,
        // 0.3 is a multiple of 0.1, though their quotient is no whole number by the last bit.
        _ => value.as_f64().zip(of.as_f64()).is_some_and(|(value, of)| {
            let quotient = value / of;
            (quotient - quotient.round()).abs() <= f64::EPSILON * quotient.abs()
        }),
    }
}

/// A number that is written without a fraction, exactly.
fn whole(value: &Value) -> Option<i128> {
    value.as_i64().map(i128::from).or_else(|| value.as_u64().map(i128::from))
}

fn fewer(count: usize, least: &Value) -> bool {
    least.as_u64().is_some_and(|least| (count as u64) < least)
}

fn more(count: usize, most: &Value) -> bool {
    most.as_u64().is_some_and(|most| count as u64 > most)
}

fn are_unique(items: &[Value]) -> bool {
    items.iter().enumerate().all(|(index, item)| !items[..index].iter().any(|other| equal(item, other)))
}

/// Whether two values are the same to JSON Schema, to which 1 and 1.0 are one number.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => equal_numbers(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            let same = |(name, value)| other.get(name).is_some_and(|other| equal(value, other));
            one.len() == other.len() && one.iter().all(same)
        }
        _ => one == other,
    }
}

fn equal_numbers(one: &Number, other: &Number) -> bool {
    // Whole numbers above 2^53 differ, though their nearest floating point numbers may not.
    one == other || (one.is_f64() || other.is_f64()) && one.as_f64() == other.as_f64()
}
