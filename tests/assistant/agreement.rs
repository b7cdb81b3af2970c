//! The JSON Schema that is shipped, and the reader, agree.

use serde_json::{Value, json};

use super::{fault, read};

fn function(field: &str, value: &Value) -> Value {
    let mut function = json!({ "type": "function", "name": "find", "run": "client" });
    function[field] = value.clone();
    json!({ "tools": [function] })
}

fn run(field: &str, value: &Value) -> Value {
    let mut run = json!({ "url": "https://shop.example/tools" });
    run[field] = value.clone();
    function("run", &run)
}

fn tool(tool: &Value) -> Value {
    json!({ "tools": [tool] })
}

fn good() -> Vec<Value> {
    let mut documents = vec![
        json!({}),
        json!({ "$schema": "./assistant.schema.json", "model": "m", "instructions": "Be short." }),
        json!({ "reasoning": {} }),
        json!({ "reasoning": { "effort": "xhigh", "summaries": true } }),
        json!({ "max_output_tokens": 16, "max_context_tokens": 10_000_000, "max_rounds": 1 }),
        json!({ "memory": "compact" }),
        json!({ "end_of_turn": true, "allowed_image_domains": [] }),
        json!({ "allowed_image_domains": ["example.com", "cdn.example.com"] }),
        json!({ "composer": {} }),
        json!({ "composer": { "models": [], "tools": [] }, "tools": [] }),
        json!({ "composer": { "models": [{ "id": "fast", "label": "Fast", "model": "m" }] } }),
        json!({ "tools": [{ "type": "web_search" }],
            "composer": { "tools": [{ "id": "s", "label": "Search", "icon": "search", "tool": "web_search" }] } }),
        json!({ "actions": { "url": "https://shop.example/actions" } }),
        tool(&json!({ "type": "web_search_preview", "user_location": { "type": "approximate" } })),
        tool(&json!({ "type": "file_search", "vector_store_ids": ["vs_1"] })),
        tool(&json!({ "type": "code_interpreter", "container": { "type": "auto" } })),
        tool(&json!({ "type": "image_generation", "partial_images": 2 })),
        tool(&json!({ "type": "mcp", "server_label": "docs", "server_url": "https://d", "require_approval": "never" })),
        function("name", &json!("aZ_-0".repeat(12))),
        function("strict", &json!(false)),
        function("description", &json!("Finds")),
        function("title", &json!("Looking")),
        function("icon", &json!("vendor:x")),
        function("permission", &json!("orders:write")),
        tool(&json!({ "type": "web_search", "permission": "search" })),
        function("parameters", &json!({ "type": "object", "additionalProperties": false })),
        run("timeout_seconds", &json!(300)),
        run("retries", &json!(0)),
        run("largest_answer_bytes", &json!(256)),
    ];
    let urls = [
        "https://shop.example",
        "https://shop.example:8443/a/b?c=d",
        "http://localhost:3000/tools",
        "http://127.0.0.1/",
        "http://[::1]:80/x",
    ];
    documents.extend(urls.map(|url| run("url", &json!(url))));
    documents
}

fn bad() -> Vec<Value> {
    let long = json!("x".repeat(201));
    let mut documents = vec![
        json!([]),
        json!(null),
        json!("x"),
        json!({ "modle": "m" }),
        json!({ "model": "" }),
        function("permission", &json!("two words")),
        tool(&json!({ "type": "web_search", "permission": "" })),
        json!({ "model": "  " }),
        json!({ "model": null }),
        json!({ "model": 5 }),
        json!({ "model": long }),
        json!({ "instructions": "" }),
        json!({ "instructions": ["x"] }),
        json!({ "instructions": "x".repeat(100_001) }),
        json!({ "reasoning": "low" }),
        json!({ "reasoning": { "effort": "" } }),
        json!({ "reasoning": { "effort": "Low" } }),
        json!({ "reasoning": { "effort": null } }),
        json!({ "reasoning": { "summaries": "auto" } }),
        json!({ "reasoning": { "summary": true } }),
        json!({ "max_output_tokens": 15 }),
        json!({ "max_output_tokens": "8192" }),
        json!({ "max_output_tokens": 100.5 }),
        json!({ "max_context_tokens": 10_000_001 }),
        json!({ "max_context_tokens": -1 }),
        json!({ "max_rounds": 0 }),
        json!({ "max_rounds": 33 }),
        json!({ "memory": "forget" }),
        json!({ "memory": null }),
        json!({ "end_of_turn": "yes" }),
        json!({ "end_of_turn": null }),
        json!({ "allowed_image_domains": "example.com" }),
        json!({ "allowed_image_domains": [""] }),
        json!({ "allowed_image_domains": ["https://example.com"] }),
        json!({ "allowed_image_domains": ["example.com/x"] }),
        json!({ "allowed_image_domains": [null] }),
        json!({ "reasoning": [] }),
        json!({ "composer": [] }),
        json!({ "composer": { "models": [["a", "A", "m"]] } }),
        json!({ "actions": ["https://shop.example/actions"] }),
        json!({ "composer": { "model": [] } }),
        json!({ "composer": { "models": {} } }),
        json!({ "composer": { "models": [{}] } }),
        json!({ "composer": { "models": [{ "id": "a", "label": "A" }] } }),
        json!({ "composer": { "models": [{ "id": "", "label": "A", "model": "m" }] } }),
        json!({ "composer": { "models": [{ "id": "a", "label": "A", "model": "m", "x": 1 }] } }),
        json!({ "tools": [{ "type": "web_search" }],
            "composer": { "tools": [{ "id": "s", "label": "S", "icon": "unicorn", "tool": "web_search" }] } }),
        json!({ "tools": [{ "type": "web_search" }],
            "composer": { "tools": [{ "id": "s", "label": "S", "icon": null, "tool": "web_search" }] } }),
        json!({ "tools": [{ "type": "web_search" }], "composer": { "tools": [{ "id": "s", "label": "S" }] } }),
        json!({ "tools": {} }),
        json!({ "tools": null }),
        json!({ "actions": "https://shop.example" }),
        json!({ "actions": {} }),
        json!({ "actions": null }),
        json!({ "actions": { "url": "https://shop.example", "headers": {} } }),
        tool(&json!(null)),
        tool(&json!("web_search")),
        tool(&json!({})),
        tool(&json!({ "type": 5 })),
        tool(&json!({ "type": "computer_use_preview" })),
        tool(&json!({ "type": "local_shell" })),
        tool(&json!({ "type": "file_search" })),
        tool(&json!({ "type": "file_search", "vector_store_ids": [] })),
        tool(&json!({ "type": "file_search", "vector_store_ids": "vs_1" })),
        tool(&json!({ "type": "file_search", "vector_store_ids": [5] })),
        tool(&json!({ "type": "mcp", "server_label": "docs", "server_url": "https://d" })),
        tool(&json!({ "type": "mcp", "server_label": "docs", "require_approval": "always" })),
        tool(&json!({ "type": "mcp", "server_label": "docs", "require_approval": { "never": {} } })),
        tool(&json!({ "type": "mcp", "server_url": "https://d", "require_approval": "never" })),
        tool(&json!({ "type": "mcp", "server_label": "", "require_approval": "never" })),
        tool(&json!({ "type": "function", "run": "client" })),
        tool(&json!({ "type": "function", "name": "find" })),
        function("name", &json!("")),
        function("name", &json!("find order")),
        function("name", &json!("größe")),
        function("name", &json!("x".repeat(65))),
        function("description", &json!("")),
        function("description", &json!(null)),
        function("parameters", &json!(null)),
        function("parameters", &json!(true)),
        function("parameters", &json!({})),
        function("parameters", &json!({ "type": "array" })),
        function("parameters", &json!({ "type": ["object"] })),
        function("strict", &json!("yes")),
        function("title", &json!("")),
        function("icon", &json!("unicorn")),
        function("function", &json!({})),
        function("run", &json!("server")),
        function("run", &json!(null)),
        function("run", &json!([])),
        function("run", &json!({})),
        function("run", &json!({ "client": null })),
        run("timeout_seconds", &json!(0)),
        run("timeout_seconds", &json!(301)),
        run("timeout_seconds", &json!(null)),
        run("retries", &json!(6)),
        run("retries", &json!(-1)),
        run("largest_answer_bytes", &json!(255)),
        run("largest_answer_bytes", &json!(262_145)),
        run("largest_answer_bytes", &json!("64k")),
        run("timeout", &json!(5)),
    ];
    let urls = [
        json!(""),
        json!(5),
        json!("shop.example"),
        json!("/tools"),
        json!("http://shop.example/tools"),
        json!("http://localhost.example/"),
        json!("http://127.0.0.1.example/"),
        json!("http://localhost@shop.example/"),
        json!("ftp://shop.example/"),
        json!("file:///etc/passwd"),
        json!("https://"),
        json!("https://user@shop.example/"),
        json!("https://user:password@shop.example/"),
        json!("https://shop.example/#x"),
    ];
    documents.extend(urls.map(|url| run("url", &url)));
    documents
}

/// What no schema can say.
fn inconsistent() -> Vec<Value> {
    let find = || json!({ "type": "function", "name": "find", "run": "client" });
    let mcp = |label: &str| json!({ "type": "mcp", "server_label": label, "require_approval": "never" });
    let model = json!({ "id": "a", "label": "A", "model": "m" });
    let choice = |tool: &str| json!({ "tools": [{ "id": "a", "label": "A", "tool": tool }] });
    vec![
        json!({ "instructions": "{{ user.nmae }}" }),
        json!({ "tools": [find(), find()] }),
        json!({ "tools": [{ "type": "web_search" }, { "type": "web_search", "search_context_size": "low" }] }),
        json!({ "tools": [mcp("a"), mcp("a")] }),
        json!({ "tools": [mcp("a"), mcp("b")], "composer": choice("mcp") }),
        json!({ "tools": [find()], "composer": choice("web_search") }),
        json!({ "composer": { "models": [model, model] } }),
        function("parameters", &json!({ "type": "object", "properties": { "a": { "type": "text" } } })),
        run("url", &json!("https://shop.example:99999/")),
    ]
}

#[test]
fn shipped_schema_and_reader_accept_the_same_documents() {
    let schema: Value = serde_json::from_str(include_str!("../../infra/assistant.schema.json")).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    for document in good() {
        assert!(validator.is_valid(&document), "the schema refuses {document}");
        assert!(read(&document).is_ok(), "the reader refuses {document}: {}", fault(&document));
    }
    for document in bad() {
        assert!(!validator.is_valid(&document), "the schema accepts {document}");
        assert!(read(&document).is_err(), "the reader accepts {document}");
    }
    for document in inconsistent() {
        assert!(validator.is_valid(&document), "the schema refuses {document}");
        assert!(read(&document).is_err(), "the reader accepts {document}");
    }
}
