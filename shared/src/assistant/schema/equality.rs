use serde_json::{Number, Value};

/// Whether two values are the same to JSON Schema, to which 1 and 1.0 are one number.
pub(super) fn equal(one: &Value, other: &Value) -> bool {
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
