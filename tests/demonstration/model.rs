//! What the demo model does with tools, byte by byte as OpenAI would.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chatkit_local::demo_model;
use chatkit_shared::clock::Clock;
use serde_json::{Value, json};

use super::{data, send};

/// The tools of the demonstration.
fn tools() -> Value {
    let functions = ["set_theme", "find_products", "ask_preferences"];
    let functions = functions.map(|name| json!({"type": "function", "name": name, "parameters": {"type": "object"}}));
    let mut tools = vec![json!({"type": "web_search"}), json!({"type": "image_generation", "partial_images": 2})];
    tools.extend(functions);
    json!(tools)
}

fn user(text: &str) -> Value {
    json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]})
}

async fn post(path: &str, body: &Value) -> Vec<Value> {
    let router = demo_model::router(Clock::fixed("2026-11-20T12:00:00Z".parse().unwrap()), Duration::ZERO);
    let request = Request::post(path).body(Body::from(body.to_string())).unwrap();
    let (status, content_type, body) = send(router, request).await;
    assert_eq!((status, &*content_type), (StatusCode::OK, "text/event-stream; charset=utf-8"));
    data(&body)
}

/// The events of a streamed response to this input.
async fn respond(input: Value, more: Value) -> Vec<Value> {
    let mut body = json!({"model": "demo", "input": input, "tools": tools(), "stream": true});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    post("/v1/responses", &body).await
}

/// The whole output of an answer; each item must have been streamed as it is.
async fn output(input: Value, more: Value) -> Vec<Value> {
    let mut events = respond(input, more).await;
    let done: Vec<_> = events.iter().filter(|event| event["type"] == "response.output_item.done").cloned().collect();
    let mut last = events.pop().unwrap();
    assert_eq!(last["type"], "response.completed");
    let output: Vec<Value> = serde_json::from_value(last["response"]["output"].take()).unwrap();
    assert_eq!(done.iter().map(|event| &event["item"]).collect::<Vec<_>>(), output.iter().collect::<Vec<_>>());
    output
}

async fn text(input: Value) -> String {
    let output = output(input, json!({})).await;
    output.last().unwrap()["content"][0]["text"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn demo_model_calls_a_function_as_openai_does() {
    let mut events = respond(json!([user("Make it dark")]), json!({})).await;
    let item = events[2]["item"]["id"].as_str().unwrap().to_owned();
    let call = events[2]["item"]["call_id"].as_str().unwrap().to_owned();
    assert!(item.starts_with("fc_") && call.starts_with("call_"), "{item} {call}");
    let arguments = r#"{"theme":"dark"}"#;
    let done = json!({
        "id": item, "type": "function_call", "status": "completed", "call_id": call, "name": "set_theme",
        "arguments": arguments,
    });
    let mut started = done.clone();
    started["status"] = json!("in_progress");
    started["arguments"] = json!("");
    let last = events.pop().unwrap();
    assert_eq!((&last["type"], &last["response"]["output"]), (&json!("response.completed"), &json!([done])));
    assert_eq!(
        events[2..],
        [
            json!({"type": "response.output_item.added", "sequence_number": 2, "output_index": 0, "item": started}),
            json!({
                "type": "response.function_call_arguments.delta", "sequence_number": 3, "output_index": 0,
                "item_id": item, "delta": arguments,
            }),
            json!({
                "type": "response.function_call_arguments.done", "sequence_number": 4, "output_index": 0,
                "item_id": item, "name": "set_theme", "arguments": arguments,
            }),
            json!({"type": "response.output_item.done", "sequence_number": 5, "output_index": 0, "item": done}),
        ]
    );
}

#[tokio::test]
async fn demo_model_chooses_a_tool_by_obvious_words() {
    for (message, name, arguments) in [
        ("Switch the theme", "set_theme", json!({"theme": "dark"})),
        ("I want a light theme", "set_theme", json!({"theme": "light"})),
        ("Show me products", "find_products", json!({"query": "Show me products"})),
        ("I want to buy something", "find_products", json!({"query": "I want to buy something"})),
        ("Plan a trip with me", "ask_preferences", json!({"topic": "trip"})),
        ("Ask me questions", "ask_preferences", json!({"topic": "trip"})),
    ] {
        let output = output(json!([user(message)]), json!({})).await;
        let [call] = &output[..] else { panic!("{output:?}") };
        let passed: Value = serde_json::from_str(call["arguments"].as_str().unwrap()).unwrap();
        assert_eq!((&call["name"], passed), (&json!(name), arguments), "{message}");
    }
}

#[tokio::test]
async fn demo_model_never_uses_a_tool_that_is_not_offered() {
    for more in [json!({"tools": []}), json!({"tool_choice": "none"})] {
        for message in ["Make it dark", "Show me products", "Search the web", "Draw a picture"] {
            let output = output(json!([user(message)]), more.clone()).await;
            assert_eq!(output.iter().map(|item| &item["type"]).collect::<Vec<_>>(), ["message"]);
        }
    }
}

#[tokio::test]
async fn demo_model_uses_a_tool_that_is_required() {
    for (choice, kind) in [
        (json!({"type": "function", "name": "find_products"}), "function_call"),
        (json!({"type": "web_search"}), "web_search_call"),
        (json!({"type": "image_generation"}), "image_generation_call"),
    ] {
        let output = output(json!([user("Hello")]), json!({"tool_choice": choice})).await;
        assert_eq!(output[0]["type"], kind);
    }
}

#[tokio::test]
async fn demo_model_talks_about_the_output_of_its_call() {
    let called = |text: &str| {
        vec![
            user(text),
            json!({"type": "function_call", "call_id": "call_1", "name": "set_theme", "arguments": "{}"}),
            json!({"type": "function_call_output", "call_id": "call_1", "output": "{\"theme\":\"dark\"}"}),
        ]
    };
    let answered = "I am the **demo model**, and used what I was given:\n\n`set_theme` returned\n\n\
                    ```json\n{\"theme\":\"dark\"}\n```";
    assert_eq!(text(json!(called("Make it dark"))).await, answered);
    let mut asked = called("Make it dark");
    asked.push(user("Where: the sea"));
    assert_eq!(text(json!(asked)).await, format!("{answered}\n\nThen I was told:\n\n> Where: the sea"));
    let mut later = called("Make it dark");
    later.extend([json!({"role": "assistant", "content": "Done."}), user("Thanks")]);
    assert!(text(json!(later)).await.contains("> Thanks"));
}

#[tokio::test]
async fn demo_model_searches_with_sources() {
    let events = respond(json!([user("Search the web for news")]), json!({})).await;
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds[2..8],
        [
            "response.output_item.added",
            "response.web_search_call.in_progress",
            "response.web_search_call.searching",
            "response.web_search_call.completed",
            "response.output_item.done",
            "response.output_item.added",
        ]
    );
    let action = &events[6]["item"]["action"];
    assert_eq!((&action["type"], &action["query"]), (&json!("search"), &json!("Search the web for news")));
    assert_eq!(action["sources"][0], json!({"type": "url", "url": "https://platform.openai.com/docs/guides/chatkit"}));
    let output = &events.last().unwrap()["response"]["output"];
    assert_eq!(output[1]["content"][0]["annotations"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn demo_model_draws_a_picture_in_steps() {
    let events = respond(json!([user("Draw a picture")]), json!({})).await;
    let pictures: Vec<_> = events
        .iter()
        .filter_map(|event| event["partial_image_b64"].as_str().or(event["item"]["result"].as_str()))
        .map(|picture| STANDARD.decode(picture).unwrap())
        .collect();
    assert_eq!(pictures.len(), 3);
    assert!(pictures.iter().all(|picture| picture.starts_with(b"\x89PNG") && picture.len() < 60_000));
    assert!(pictures.is_sorted_by_key(|picture| picture.len()));
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let previews = kinds.iter().filter(|kind| **kind == "response.image_generation_call.partial_image").count();
    assert_eq!(previews, 2);
}

#[tokio::test]
async fn demo_model_names_the_files_it_received() {
    let content = json!([
        {"type": "input_text", "text": "Look"},
        {"type": "input_image", "image_url": "data:image/png;base64,aGVsbG8="},
        {"type": "input_file", "filename": "notes.pdf", "file_data": "data:application/pdf;base64,aGVsbG8h"},
        {"type": "input_file", "filename": "far.pdf", "file_url": "https://example.com/far.pdf"},
    ]);
    let answer = text(json!([{"role": "user", "content": content}])).await;
    let files = "- A picture: image/png, 5 bytes\n- `notes.pdf`: application/pdf, 6 bytes\n- `far.pdf`, as an address";
    assert!(answer.ends_with(files), "{answer}");
    let alone = text(json!([{"role": "user", "content": [content[1]]}])).await;
    assert!(alone.contains("and you wrote nothing."), "{alone}");
}

#[tokio::test]
async fn demo_model_knows_the_order_from_hidden_context() {
    let told = user("Hidden: The visitor has ordered: Canvas bag, order number 1042.");
    assert_eq!(
        text(json!([told])).await,
        "I am the **demo model**. The shop has told me of order number **1042**: thank you!"
    );
}

#[tokio::test]
async fn demo_model_calls_a_function_through_chat_completions() {
    let tool = json!({"type": "function", "function": {"name": "set_theme", "parameters": {"type": "object"}}});
    let ask = |messages: Value| {
        let tools = json!([tool]);
        async move {
            let body = json!({"model": "demo", "messages": messages, "tools": tools, "stream": true});
            let chunks = post("/v1/chat/completions", &body).await;
            chunks.into_iter().map(|mut chunk| chunk["choices"][0].take()).collect::<Vec<_>>()
        }
    };
    let question = json!({"role": "user", "content": "Make it dark"});
    let choices = ask(json!([question])).await;
    let id = choices[1]["delta"]["tool_calls"][0]["id"].clone();
    let choice =
        |delta: Value, reason: Value| json!({"index": 0, "delta": delta, "logprobs": null, "finish_reason": reason});
    let started = json!({"index": 0, "id": id, "type": "function", "function": {"name": "set_theme", "arguments": ""}});
    let more = json!({"index": 0, "function": {"arguments": "{\"theme\":\"dark\"}"}});
    assert_eq!(
        choices,
        [
            choice(json!({"role": "assistant", "content": ""}), Value::Null),
            choice(json!({"tool_calls": [started]}), Value::Null),
            choice(json!({"tool_calls": [more]}), Value::Null),
            choice(json!({}), json!("tool_calls")),
        ]
    );
    let function = json!({"name": "set_theme", "arguments": "{}"});
    let call = json!({"id": id, "type": "function", "function": function});
    let called = json!({"role": "assistant", "content": null, "tool_calls": [call]});
    let answer = ask(json!([question, called, {"role": "tool", "tool_call_id": id, "content": "done"}])).await;
    let said: String = answer.iter().filter_map(|choice| choice["delta"]["content"].as_str()).collect();
    assert_eq!(
        said,
        "I am the **demo model**, and used what I was given:\n\n`set_theme` returned\n\n```json\ndone\n```"
    );
}
