use std::collections::{HashMap, HashSet};

use regex_lite::Regex;
use serde_json::Value;

use super::Schema;
use crate::assistant::error::DocumentError;

const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];

impl Schema {
    /// Reads the schema at the path `place` of the document.
    /// Refuses keywords that are not supported, and references to what does not exist or to themselves.
    pub(in crate::assistant) fn compile(root: Value, place: &str) -> Result<Self, DocumentError> {
        let mut compiler = Compiler { root: &root, place, patterns: HashMap::new(), schemas: HashSet::new() };
        compiler.schema(&root, "")?;
        compiler.references()?;
        let patterns = compiler.patterns;
        Ok(Self { root, patterns })
    }
}

/// Walks through a schema. Places in it are JSON pointers.
struct Compiler<'a> {
    root: &'a Value,
    place: &'a str,
    patterns: HashMap<String, Regex>,
    /// Where there are schemas.
    schemas: HashSet<String>,
}

impl Compiler<'_> {
    fn error<T>(&self, pointer: &str, wants: impl Into<String>) -> Result<T, DocumentError> {
        Err(DocumentError::at(&format!("{}{}", self.place, pointer.replace('/', ".")), wants))
    }

    fn schema(&mut self, schema: &Value, pointer: &str) -> Result<(), DocumentError> {
        self.schemas.insert(pointer.to_owned());
        match schema {
            Value::Bool(_) => Ok(()),
            Value::Object(keywords) => {
                keywords.iter().try_for_each(|(word, value)| self.keyword(word, value, &join(pointer, word)))
            }
            _ => self.error(pointer, "must be a JSON Schema: an object, `true` or `false`"),
        }
    }

    fn keyword(&mut self, keyword: &str, value: &Value, pointer: &str) -> Result<(), DocumentError> {
        match keyword {
            "type" if !is_type(value) => {
                self.error(pointer, format!("must be one of `{}`, or a list of them", TYPES.join("`, `")))
            }
            "enum" if value.as_array().is_none_or(Vec::is_empty) => self.error(pointer, "must be a list of values"),
            "required" if !is_strings(value) => self.error(pointer, "must be a list of names"),
            "dependentRequired" if !value.as_object().is_some_and(|lists| lists.values().all(is_strings)) => {
                self.error(pointer, "must be an object of lists of names")
            }
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" if !value.is_number() => {
                self.error(pointer, "must be a number")
            }
            "multipleOf" if !value.as_f64().is_some_and(|number| number > 0.0) => {
                self.error(pointer, "must be a number above 0")
            }
            "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties"
                if !value.is_u64() =>
            {
                self.error(pointer, "must be a whole number")
            }
            "uniqueItems" if !value.is_boolean() => self.error(pointer, "must be `true` or `false`"),
            "pattern" => self.pattern(value.as_str(), pointer),
            "additionalProperties" | "propertyNames" | "items" | "not" => self.schema(value, pointer),
            "allOf" | "anyOf" | "oneOf" | "prefixItems" => match value.as_array() {
                Some(schemas) if !schemas.is_empty() => (schemas.iter().enumerate())
                    .try_for_each(|(index, schema)| self.schema(schema, &format!("{pointer}/{index}"))),
                Some(_) | None => self.error(pointer, "must be a list of schemas"),
            },
            "properties" | "patternProperties" | "$defs" | "definitions" => {
                let Some(schemas) = value.as_object() else {
                    return self.error(pointer, "must be an object of schemas");
                };
                schemas.iter().try_for_each(|(name, schema)| {
                    if keyword == "patternProperties" {
                        self.pattern(Some(name), pointer)?;
                    }
                    self.schema(schema, &join(pointer, name))
                })
            }
            "if"
            | "then"
            | "else"
            | "contains"
            | "minContains"
            | "maxContains"
            | "dependentSchemas"
            | "dependencies"
            | "unevaluatedProperties"
            | "unevaluatedItems"
            | "additionalItems"
            | "$anchor"
            | "$dynamicAnchor"
            | "$dynamicRef"
            | "$recursiveAnchor"
            | "$recursiveRef" => self.error(pointer, "is a keyword that is not supported here"),
            // References are looked at when all schemas are known; everything else only describes.
            _ => Ok(()),
        }
    }

    fn pattern(&mut self, pattern: Option<&str>, pointer: &str) -> Result<(), DocumentError> {
        match pattern.map(|pattern| (pattern, Regex::new(pattern))) {
            Some((pattern, Ok(regex))) => {
                self.patterns.insert(pattern.to_owned(), regex);
                Ok(())
            }
            Some((_, Err(_))) | None => {
                self.error(pointer, "must be a regular expression without look-around, references and `\\p`")
            }
        }
    }

    /// Sees that references lead to schemas, and that checking a value ends: what applies to the same value must not
    /// come back to where it began.
    fn references(&self) -> Result<(), DocumentError> {
        let mut good = HashSet::new();
        self.schemas.iter().try_for_each(|pointer| self.ends(pointer, &mut Vec::new(), &mut good))
    }

    fn ends(&self, pointer: &str, path: &mut Vec<String>, good: &mut HashSet<String>) -> Result<(), DocumentError> {
        if path.iter().any(|visited| visited == pointer) {
            return self.error(pointer, "refers to itself without end");
        }
        if good.contains(pointer) {
            return Ok(());
        }
        path.push(pointer.to_owned());
        for next in self.same_value(pointer)? {
            self.ends(&next, path, good)?;
        }
        path.pop();
        good.insert(pointer.to_owned());
        Ok(())
    }

    /// The schemas that a schema applies to the same value.
    fn same_value(&self, pointer: &str) -> Result<Vec<String>, DocumentError> {
        let Some(Value::Object(keywords)) = self.root.pointer(pointer) else { return Ok(Vec::new()) };
        let mut others = Vec::new();
        for list in ["allOf", "anyOf", "oneOf"] {
            let length = keywords.get(list).and_then(Value::as_array).map_or(0, Vec::len);
            others.extend((0..length).map(|index| format!("{pointer}/{list}/{index}")));
        }
        if keywords.contains_key("not") {
            others.push(format!("{pointer}/not"));
        }
        if let Some(reference) = keywords.get("$ref") {
            match reference.as_str().and_then(|text| text.strip_prefix('#')) {
                Some(target) if self.schemas.contains(target) => others.push(target.to_owned()),
                Some(_) | None => {
                    return self.error(&format!("{pointer}/$ref"), "must lead to a schema in this one, as `#/$defs/…`");
                }
            }
        }
        Ok(others)
    }
}

/// The pointer to a field.
fn join(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn is_type(value: &Value) -> bool {
    let known = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    match value {
        Value::Array(types) => !types.is_empty() && types.iter().all(known),
        value => known(value),
    }
}

fn is_strings(value: &Value) -> bool {
    value.as_array().is_some_and(|names| names.iter().all(Value::is_string))
}
