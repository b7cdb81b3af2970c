//! The document beside the variables that say less.

use chatkit_local::about::describe;
use serde_json::json;

use super::{read, with};

#[test]
fn assistant_without_a_document_is_read_from_the_variables() {
    let assistant = with([]).unwrap();
    assert_eq!((assistant.model.as_str(), &assistant.instructions), ("gpt-6-luna", &None));
    assert_eq!((assistant.max_output_tokens, assistant.max_context_tokens, assistant.max_rounds), (8_192, 16_000, 8));
    assert!(assistant.tools.is_empty() && !assistant.has_endpoints() && !assistant.reasoning_summaries);
    let assistant = with([
        ("MODEL", "m"),
        ("INSTRUCTIONS", "Be short."),
        ("MAX_OUTPUT_TOKENS", "16"),
        ("MAX_CONTEXT_TOKENS", "17"),
        ("REASONING_SUMMARIES", "true"),
    ]);
    let assistant = assistant.unwrap();
    assert_eq!((assistant.model.as_str(), assistant.instructions.as_deref()), ("m", Some("Be short.")));
    assert_eq!((assistant.max_output_tokens, assistant.max_context_tokens), (16, 17));
    assert!(assistant.reasoning_summaries);
}

#[test]
fn assistant_takes_from_variables_what_the_document_leaves_out() {
    let assistant = with([("ASSISTANT", r#"{"max_rounds":2}"#), ("MODEL", "m")]).unwrap();
    assert_eq!((assistant.model.as_str(), assistant.max_rounds), ("m", 2));
    // An empty variable is none.
    assert_eq!(with([("ASSISTANT", r#"{"model":"n"}"#), ("MODEL", "")]).unwrap().model, "n");
    assert_eq!(with([("ASSISTANT", ""), ("MODEL", "m")]).unwrap().model, "m");
}

#[test]
fn assistant_with_a_value_in_both_places_is_refused() {
    for (variable, value, field, document) in [
        ("MODEL", "m", "model", r#"{"model":"m"}"#),
        ("INSTRUCTIONS", "x", "instructions", r#"{"instructions":"x"}"#),
        ("MAX_OUTPUT_TOKENS", "16", "max_output_tokens", r#"{"max_output_tokens":16}"#),
        ("MAX_CONTEXT_TOKENS", "16", "max_context_tokens", r#"{"max_context_tokens":16}"#),
        ("REASONING_SUMMARIES", "false", "reasoning.summaries", r#"{"reasoning":{"summaries":false}}"#),
    ] {
        let fault = with([("ASSISTANT", document), (variable, value)]).unwrap_err();
        assert_eq!(fault, format!("`{variable}` must not be set where `{field}` is in `ASSISTANT`"));
    }
}

#[test]
fn assistant_document_may_be_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assistant.json");
    std::fs::write(&path, "\n {\"model\":\"m\"}\n").unwrap();
    let at = |path: &std::path::Path| with([("ASSISTANT", path.to_str().unwrap())]);
    assert_eq!(at(&path).unwrap().model, "m");
    let missing = at(&folder.path().join("nothing.json")).unwrap_err();
    let expected = "`ASSISTANT` must be a JSON object, or the path of a file that can be read: entity not found";
    assert_eq!(missing, expected);
    assert!(at(folder.path()).unwrap_err().starts_with("`ASSISTANT` must be a JSON object, or the path"));
    std::fs::write(&path, b"{\"model\":\"\xff\"}").unwrap();
    assert!(at(&path).is_err());
    std::fs::write(&path, "[]").unwrap();
    assert_eq!(at(&path).unwrap_err(), "`ASSISTANT` is invalid: the document must be an object");
    std::fs::write(&path, "").unwrap();
    let empty = "`ASSISTANT` is invalid: the document is not JSON: EOF while parsing a value at line 1 column 0";
    assert_eq!(at(&path).unwrap_err(), empty);
}

#[test]
fn assistant_for_chat_completions_has_functions_only() {
    let function = r#"{"tools":[{"type":"function","name":"a","run":"client"}]}"#;
    let hosted = r#"{"tools":[{"type":"web_search"}]}"#;
    assert!(with([("ASSISTANT", function), ("MODEL_API", "chat_completions")]).is_ok());
    assert!(with([("ASSISTANT", hosted), ("MODEL_API", "responses")]).is_ok());
    let fault = with([("ASSISTANT", hosted), ("MODEL_API", "chat_completions")]).unwrap_err();
    let expected = "`ASSISTANT` is invalid: `tools[0].type` must be `function`: where `MODEL_API` is \
                    `chat_completions`, there are no other tools";
    assert_eq!(fault, expected);
}

#[test]
fn valid_document_is_described() {
    assert_eq!(describe(&with([]).unwrap()), "valid: model `gpt-6-luna`; tools: none");
    let document = json!({
        "model": "m",
        "tools": [
            { "type": "web_search" },
            { "type": "function", "name": "look", "run": "client" },
            { "type": "function", "name": "find", "run": { "url": "https://shop.example" } },
        ],
        "actions": { "url": "https://shop.example" },
    });
    let expected = "valid: model `m`; tools: `web_search`, `look` (page), `find` (endpoint); actions go \
                    to an endpoint";
    assert_eq!(describe(&read(&document).unwrap()), expected);
}
