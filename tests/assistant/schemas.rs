//! Schemas of arguments, with the crate `jsonschema` as the judge.

use chatkit_shared::assistant::Assistant;
use serde_json::{Value, json};

use super::{fault, read};

/// An assistant with one function, whose one argument `v` has this schema.
fn document(schema: &Value) -> Value {
    json!({ "tools": [{ "type": "function", "name": "find", "run": "client", "parameters": parameters(schema) }] })
}

fn parameters(schema: &Value) -> Value {
    let tree = json!({ "type": "object", "required": ["n"], "additionalProperties": false, "properties": {
        "n": { "type": "integer" }, "next": { "$ref": "#/$defs/tree" } } });
    json!({ "type": "object", "properties": { "v": schema }, "$defs": { "tree": tree, "a/b~c": { "const": 1 } } })
}

fn accepts(assistant: &Assistant, value: &Value) -> bool {
    assistant.function("find").unwrap().arguments(&json!({ "v": value }).to_string()).is_ok()
}

fn schemas() -> Vec<Value> {
    let text = json!({ "type": "string" });
    let number = json!({ "type": "number" });
    vec![
        json!(true),
        json!(false),
        json!({}),
        text.clone(),
        number.clone(),
        json!({ "type": "integer" }),
        json!({ "type": "boolean" }),
        json!({ "type": "null" }),
        json!({ "type": "array" }),
        json!({ "type": "object" }),
        json!({ "type": ["string", "null", "integer"] }),
        json!({ "enum": ["a", 1, null, { "a": 1 }, [1, 2]] }),
        json!({ "enum": [1.0, false] }),
        json!({ "const": 1 }),
        json!({ "const": { "a": [1.0] } }),
        json!({ "minimum": 1 }),
        json!({ "maximum": 1.5 }),
        json!({ "exclusiveMinimum": 1 }),
        json!({ "exclusiveMaximum": 1 }),
        json!({ "minimum": -0.5, "maximum": 9_007_199_254_740_993_i64 }),
        json!({ "multipleOf": 2 }),
        json!({ "multipleOf": 0.5 }),
        json!({ "minLength": 2 }),
        json!({ "maxLength": 2 }),
        json!({ "pattern": "^a" }),
        json!({ "pattern": "[0-9]{2,}" }),
        json!({ "minItems": 1, "maxItems": 2 }),
        json!({ "uniqueItems": true }),
        json!({ "uniqueItems": false }),
        json!({ "items": number }),
        json!({ "items": false }),
        json!({ "prefixItems": [number, text] }),
        json!({ "prefixItems": [number], "items": text }),
        json!({ "minProperties": 1, "maxProperties": 1 }),
        json!({ "required": ["a"] }),
        json!({ "required": [] }),
        json!({ "dependentRequired": { "a": ["b"] } }),
        json!({ "properties": { "a": number } }),
        json!({ "properties": { "a": number }, "additionalProperties": false }),
        json!({ "properties": { "a": number }, "additionalProperties": text }),
        json!({ "patternProperties": { "^a": number }, "additionalProperties": false }),
        json!({ "patternProperties": { "^x": false } }),
        json!({ "propertyNames": { "maxLength": 1 } }),
        json!({ "allOf": [number, { "minimum": 1 }] }),
        json!({ "anyOf": [text, { "type": "null" }] }),
        json!({ "oneOf": [{ "type": "integer" }, { "minimum": 2 }] }),
        json!({ "not": { "type": "string" } }),
        json!({ "not": {} }),
        json!({ "$ref": "#/$defs/tree" }),
        json!({ "$ref": "#/$defs/a~1b~0c" }),
        json!({ "$ref": "#" }),
        json!({ "$ref": "#/$defs/tree", "required": ["next"] }),
        json!({ "title": "T", "description": "D", "default": 1, "examples": [1], "format": "date", "x-y": 1 }),
    ]
}

fn values() -> Vec<Value> {
    vec![
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(1),
        json!(1.0),
        json!(1.5),
        json!(2),
        json!(3),
        json!(-7),
        json!(0.3),
        json!(9_007_199_254_740_992_i64),
        json!(9_007_199_254_740_993_i64),
        json!(9_007_199_254_740_994_i64),
        json!(u64::MAX),
        json!(1e300),
        json!(""),
        json!("a"),
        json!("ab"),
        json!("abc"),
        json!("x12"),
        json!("日本"),
        json!("🎉🎉"),
        json!("é"),
        json!([]),
        json!([1]),
        json!([1, 1.0]),
        json!([1, 2]),
        json!([1, "a"]),
        json!([1, "a", null]),
        json!([[1], [1.0]]),
        json!([{ "a": 1 }, { "a": 1.0 }]),
        json!(["a"]),
        json!({}),
        json!({ "a": 1 }),
        json!({ "a": [1] }),
        json!({ "a": "x" }),
        json!({ "a": 1, "b": 2 }),
        json!({ "b": "x" }),
        json!({ "ab": 1 }),
        json!({ "x": null }),
        json!({ "n": 1 }),
        json!({ "n": 1, "next": { "n": 2, "next": { "n": 3 } } }),
        json!({ "n": 1, "next": { "n": 2, "next": {} } }),
        json!({ "v": { "v": {} } }),
    ]
}

#[test]
fn arguments_are_valid_exactly_when_json_schema_says_so() {
    for schema in schemas() {
        let judge = jsonschema::draft202012::new(&parameters(&schema)).unwrap();
        let assistant = read(&document(&schema)).unwrap();
        for value in values() {
            let expected = judge.is_valid(&json!({ "v": value }));
            assert_eq!(accepts(&assistant, &value), expected, "{schema} {value}");
        }
    }
}

#[test]
fn schema_that_is_invalid_or_unsupported_is_refused() {
    let not_here = "is a keyword that is not supported here";
    for (schema, place, wants) in [
        (json!(null), "", "must be a JSON Schema: an object, `true` or `false`"),
        (json!([]), "", "must be a JSON Schema: an object, `true` or `false`"),
        (json!({ "minimum": "1" }), ".minimum", "must be a number"),
        (json!({ "multipleOf": 0 }), ".multipleOf", "must be a number above 0"),
        (json!({ "minLength": -1 }), ".minLength", "must be a whole number"),
        (json!({ "maxItems": 1.5 }), ".maxItems", "must be a whole number"),
        (json!({ "uniqueItems": 1 }), ".uniqueItems", "must be `true` or `false`"),
        (json!({ "enum": [] }), ".enum", "must be a list of values"),
        (json!({ "required": true }), ".required", "must be a list of names"),
        (json!({ "required": [1] }), ".required", "must be a list of names"),
        (json!({ "dependentRequired": { "a": "b" } }), ".dependentRequired", "must be an object of lists of names"),
        (json!({ "properties": [] }), ".properties", "must be an object of schemas"),
        (json!({ "properties": { "a": 1 } }), ".properties.a", "must be a JSON Schema: an object, `true` or `false`"),
        (json!({ "anyOf": [] }), ".anyOf", "must be a list of schemas"),
        (json!({ "items": [{}] }), ".items", "must be a JSON Schema: an object, `true` or `false`"),
        (json!({ "if": {} }), ".if", not_here),
        (json!({ "unevaluatedProperties": false }), ".unevaluatedProperties", not_here),
        (json!({ "contains": {} }), ".contains", not_here),
    ] {
        let expected = format!("`tools[0].parameters.properties.v{place}` {wants}");
        assert_eq!(fault(&document(&schema)), expected, "{schema}");
    }
    let pattern = "must be a regular expression without look-around, references and `\\p`";
    for (keyword, schema) in [
        ("pattern", json!({ "pattern": "(" })),
        ("pattern", json!({ "pattern": "(?=a)" })),
        ("pattern", json!({ "pattern": "\\p{L}" })),
        ("pattern", json!({ "pattern": 5 })),
        ("patternProperties", json!({ "patternProperties": { "[": {} } })),
    ] {
        let expected = format!("`tools[0].parameters.properties.v.{keyword}` {pattern}");
        assert_eq!(fault(&document(&schema)), expected, "{schema}");
    }
    for kind in [json!("text"), json!([]), json!(["string", "text"]), json!(5)] {
        let fault = fault(&document(&json!({ "type": kind })));
        assert!(fault.starts_with("`tools[0].parameters.properties.v.type` must be one of `array`"), "{fault}");
    }
}

#[test]
fn schema_references_must_resolve_and_terminate() {
    let nowhere = "must lead to a schema in this one, as `#/$defs/…`";
    for target in ["#/$defs/nothing", "#/type", "#/$defs", "other.json", "https://shop.example/schema", "tree", "#tree"]
    {
        let expected = format!("`tools[0].parameters.properties.v.$ref` {nowhere}");
        assert_eq!(fault(&document(&json!({ "$ref": target }))), expected, "{target}");
    }
    for schema in [
        json!({ "$ref": "#/properties/v" }),
        json!({ "anyOf": [{ "type": "null" }, { "$ref": "#/properties/v" }] }),
        json!({ "not": { "allOf": [{ "oneOf": [{ "$ref": "#/properties/v" }] }] } }),
    ] {
        let fault = fault(&document(&schema));
        assert!(fault.ends_with("` refers to itself without end"), "{fault}");
    }
    let endless = json!({ "type": "object", "$ref": "#" });
    let tool = json!({ "type": "function", "name": "find", "run": "client", "parameters": endless });
    assert_eq!(fault(&json!({ "tools": [tool] })), "`tools[0].parameters` refers to itself without end");
}
