//! What a document makes, and how its faults are told.

use chatkit_shared::assistant::{Memory, Runner, Tool};
use serde_json::{Value, json};

use super::{fault, read, with};

#[test]
fn document_with_every_field_is_read() {
    let document = json!({
        "model": "gpt-test", "instructions": "You help.",
        "reasoning": { "effort": "low", "summaries": true },
        "max_output_tokens": 1000, "max_context_tokens": 2000, "max_rounds": 3, "end_of_turn": true, "memory": "compact",
        "allowed_image_domains": ["example.com"],
        "composer": {
            "models": [{ "id": "fast", "label": "Fast", "model": "gpt-small" }],
            "tools": [
                { "id": "search", "label": "Search the web", "icon": "search", "tool": "web_search" },
                { "id": "order", "label": "Order", "tool": "find_order" },
                { "id": "docs", "label": "Docs", "tool": "mcp" },
            ],
        },
        "tools": [
            { "type": "web_search", "search_context_size": "low" },
            { "type": "mcp", "server_label": "docs", "server_url": "https://d.example", "require_approval": "never" },
            { "type": "function", "name": "get_selection", "run": "client" },
            {
                "type": "function", "name": "find_order", "description": "Finds an order", "strict": true,
                "parameters": { "type": "object", "properties": { "id": { "type": "string" } } },
                "title": "Looking up the order", "icon": "search",
                "run": {
                    "url": "https://shop.example/tools?a=b", "timeout_seconds": 5, "retries": 2,
                    "largest_answer_bytes": 1024,
                },
            },
        ],
        "actions": { "url": "http://localhost:8000/actions" },
    });
    let assistant = read(&document).unwrap();
    assert_eq!(assistant.model, "gpt-test");
    assert_eq!(assistant.instructions.as_deref(), Some("You help."));
    assert_eq!((assistant.reasoning_effort.as_deref(), assistant.reasoning_summaries), (Some("low"), true));
    assert_eq!((assistant.max_output_tokens, assistant.max_context_tokens, assistant.max_rounds), (1000, 2000, 3));
    assert_eq!(assistant.memory, Memory::Compact);
    assert!(assistant.end_of_turn && assistant.has_endpoints());
    assert_eq!(assistant.allowed_image_domains, Some(vec!["example.com".to_owned()]));

    let choices = |list: &[chatkit_shared::assistant::ClientChoice]| -> Vec<Value> {
        let fields = list.iter().map(|choice| json!([choice.id, choice.label, choice.icon, choice.value]));
        fields.collect()
    };
    assert_eq!(choices(&assistant.models), [json!(["fast", "Fast", null, "gpt-small"])]);
    let expected = [
        json!(["search", "Search the web", "search", { "type": "web_search" }]),
        json!(["order", "Order", null, { "type": "function", "name": "find_order" }]),
        json!(["docs", "Docs", null, { "type": "mcp", "server_label": "docs" }]),
    ];
    assert_eq!(choices(&assistant.tool_choices), expected);

    let hosted: Vec<_> = (assistant.tools.iter())
        .filter_map(|tool| match tool {
            Tool::Hosted { definition, .. } => Some(definition),
            Tool::Function(_) => None,
        })
        .collect();
    assert_eq!(hosted, [&document["tools"][0], &document["tools"][1]]);

    let selection = assistant.function("get_selection").unwrap();
    assert_eq!(
        (selection.title.as_str(), &selection.icon, &selection.runner),
        ("Get selection", &None, &Runner::Client)
    );
    let nothing = json!({ "type": "object", "properties": {} });
    assert_eq!(selection.definition, json!({ "type": "function", "name": "get_selection", "parameters": nothing }));

    let order = assistant.function("find_order").unwrap();
    assert_eq!((order.title.as_str(), order.icon.as_deref()), ("Looking up the order", Some("search")));
    let mut definition = document["tools"][3].clone();
    for ours in ["title", "icon", "run"] {
        definition.as_object_mut().unwrap().remove(ours);
    }
    assert_eq!(order.definition, definition);
    let Runner::Server(endpoint) = &order.runner else { panic!("{:?}", order.runner) };
    assert_eq!(endpoint.url.as_str(), "https://shop.example/tools?a=b");
    assert_eq!((endpoint.timeout.as_secs(), endpoint.retries, endpoint.max_answer_bytes), (5, 2, 1024));
    let actions = assistant.actions.as_ref().unwrap();
    assert_eq!(actions.url.as_str(), "http://localhost:8000/actions");
    assert_eq!((actions.timeout.as_secs(), actions.retries, actions.max_answer_bytes), (10, 1, 65_536));
    assert!(assistant.function("web_search").is_none() && assistant.function("find").is_none());
}

#[test]
fn invalid_document_names_the_place_and_what_is_expected() {
    const URL: &str = "must be an `https` URL without credentials and fragment, or `http` to this machine";
    let tools = |tool: Value| json!({ "tools": [{ "type": "web_search" }, tool] });
    let function = |run: Value| tools(json!({ "type": "function", "name": "find", "run": run }));
    for (document, expected) in [
        (json!({ "modle": 1 }), "`modle` is not a known field; did you mean `model`?".to_owned()),
        (json!({ "instruction": "x" }), "`instruction` is not a known field; did you mean `instructions`?".to_owned()),
        (json!({ "agents": [] }), "`agents` is not a known field".to_owned()),
        (json!({ "model": null }), "`model` must be a text of 1 to 200 characters".to_owned()),
        (
            json!({ "reasoning": { "efort": 1 } }),
            "`reasoning.efort` is not a known field; did you mean `effort`?".to_owned(),
        ),
        (json!({ "memory": "all" }), "`memory` must be `cut` or `compact`".to_owned()),
        (json!({ "end_of_turn": 1 }), "`end_of_turn` must be `true` or `false`".to_owned()),
        (json!({ "max_rounds": 99 }), "`max_rounds` must be a whole number from 1 to 32".to_owned()),
        (json!({ "tools": {} }), "`tools` must be a list".to_owned()),
        (tools(json!(5)), "`tools[1]` must be an object".to_owned()),
        (tools(json!({ "type": "web_search" })), "`tools[1]` repeats the tool `web_search`".to_owned()),
        (
            tools(json!({ "type": "shell" })),
            "`tools[1].type` must be `function` or one of `web_search`, `web_search_preview`, `file_search`, \
             `code_interpreter`, `image_generation`, `mcp`"
                .to_owned(),
        ),
        (
            tools(json!({ "type": "mcp", "server_label": "a" })),
            "`tools[1].require_approval` must be `never`, because approvals are not supported".to_owned(),
        ),
        (tools(json!({ "type": "function", "run": "client" })), "`tools[1]` lacks the field `name`".to_owned()),
        (
            function(json!("server")),
            "`tools[1].run` must be `client`, or an object with the `url` of an endpoint".to_owned(),
        ),
        (function(json!({})), "`tools[1].run` lacks the field `url`".to_owned()),
        (function(json!({ "url": "http://shop.example" })), format!("`tools[1].run.url` {URL}")),
        (function(json!({ "url": 5 })), format!("`tools[1].run.url` {URL}")),
        (function(json!({ "url": "https://a", "retry": 1 })), "`tools[1].run.retry` is not a known field".to_owned()),
        (
            tools(json!({ "type": "file_search" })),
            "`tools[1].vector_store_ids` must be a list of the ids of vector stores, as in `[\"vs_…\"]`".to_owned(),
        ),
        (json!({ "actions": { "url": "https://a", "retries": 9 } }), {
            "`actions.retries` must be a whole number from 0 to 5".to_owned()
        }),
        (
            json!({ "composer": { "tools": [{ "id": "a", "label": "A", "tool": "b" }] } }),
            "`composer.tools[0].tool` must be the name of a function or the type of another tool in `tools`".to_owned(),
        ),
        (
            json!({ "composer": { "models": [{ "id": "a", "label": "A", "model": "m" },
                { "id": "a", "label": "B", "model": "n" }] } }),
            "`composer.models[1].id` repeats an earlier id".to_owned(),
        ),
    ] {
        assert_eq!(fault(&document), expected, "{document}");
    }
    let cut = with([("ASSISTANT", "{\n \"model\": ")]).unwrap_err();
    assert_eq!(cut, "`ASSISTANT` is invalid: the document is not JSON: EOF while parsing a value at line 2 column 9");
}

#[test]
fn invalid_document_never_quotes_its_values() {
    const SECRET: &str = "sk-secret";
    for document in [
        json!({ "model": [SECRET] }),
        json!({ "end_of_turn": SECRET }),
        json!({ "reasoning": SECRET }),
        json!({ "max_rounds": SECRET }),
        json!({ "tools": [SECRET] }),
        json!({ "tools": [{ "type": SECRET }] }),
        json!({ "tools": [{ "type": "mcp", "authorization": SECRET }] }),
        json!({ "tools": [{ "type": "function", "name": format!("{SECRET} "), "run": "client" }] }),
        json!({ "tools": [{ "type": "function", "name": "a", "run": SECRET }] }),
        json!({ "actions": { "url": format!("https://{SECRET}@shop.example") } }),
    ] {
        assert!(!fault(&document).contains("secret"), "{}", fault(&document));
    }
    let mcp = json!({ "type": "mcp", "server_label": "a", "require_approval": "never", "authorization": SECRET });
    assert!(!format!("{:?}", read(&json!({ "tools": [mcp] })).unwrap()).contains("secret"));
}
