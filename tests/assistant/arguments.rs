//! What a model passes to a function.

use serde_json::{Value, json};

use super::read;

fn arguments(parameters: &Value, passed: &str) -> Result<Value, String> {
    let tool = json!({ "type": "function", "name": "find", "run": "client", "parameters": parameters });
    let assistant = read(&json!({ "tools": [tool] })).unwrap();
    assistant.function("find").unwrap().arguments(passed).map(Value::Object)
}

#[test]
fn arguments_must_be_a_json_object() {
    let any = json!({ "type": "object" });
    for (passed, expected) in [
        ("{}", json!({})),
        ("", json!({})),
        (" \n", json!({})),
        (" {\"a\": [1, 0.1, null]} ", json!({ "a": [1, 0.1, null] })),
    ] {
        assert_eq!(arguments(&any, passed), Ok(expected));
    }
    let deep = format!("{}{}", "{\"a\":".repeat(1_000), "}".repeat(1_000));
    for passed in ["{", "{}{}", "{'a': 1}", "{\"a\": 1,}", "{\"a\": NaN}", "\u{0}", "{\"a\": 1, \"a\": 2}", &deep] {
        assert_eq!(arguments(&any, passed), Err("the arguments are not a JSON object".to_owned()), "{passed}");
    }
    for passed in ["null", "[]", "\"{}\"", "5"] {
        assert_eq!(arguments(&any, passed), Err("the arguments must be of type object".to_owned()), "{passed}");
    }
}

#[test]
fn invalid_arguments_name_the_place_and_what_is_expected() {
    let parameters = json!({
        "type": "object",
        "properties": {
            "size": { "enum": ["S", "M"] },
            "count": { "type": "integer", "minimum": 1, "maximum": 9 },
            "items": { "type": "array", "maxItems": 2, "items": {
                "type": "object", "properties": { "name": { "type": ["string", "null"] } }, "required": ["name"] } },
            "extra": { "additionalProperties": { "type": "number" } },
            "code": { "pattern": "^[A-Z]+$" },
        },
        "required": ["size"],
        "additionalProperties": false,
    });
    for (passed, expected) in [
        (json!({}), "`size` is missing"),
        (json!({ "size": "private" }), "`size` must be one of [\"S\",\"M\"]"),
        (json!({ "size": "S", "count": 0 }), "`count` must be at least 1"),
        (json!({ "size": "S", "count": 10 }), "`count` must be at most 9"),
        (json!({ "size": "S", "count": "private" }), "`count` must be of type integer"),
        (json!({ "size": "S", "items": [{}] }), "`items[0].name` is missing"),
        (
            json!({ "size": "S", "items": [{ "name": null }, { "name": 5 }] }),
            "`items[1].name` must be of type string or null",
        ),
        (
            json!({ "size": "S", "items": [{ "name": "a" }, { "name": "b" }, { "name": "c" }] }),
            "`items` must have at most 2 items",
        ),
        (json!({ "size": "S", "extra": { "private": "x" } }), "`extra.*` must be of type number"),
        (json!({ "size": "S", "code": "private" }), "`code` must match the pattern \"^[A-Z]+$\""),
        (json!({ "size": "S", "private": 1 }), "the arguments must not have fields that their schema does not know"),
    ] {
        assert_eq!(arguments(&parameters, &passed.to_string()), Err(expected.to_owned()), "{passed}");
    }
}
