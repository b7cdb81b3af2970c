//! The site's endpoints, called as the contract says.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use chatkit_local::demo_site;
use chatkit_shared::assistant::Assistant;
use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{data, send};

const SECRET: &str = "whsec_c2l4dGVlbiBieXRlcyBhdCBsZWFzdA==";

fn site() -> Router {
    demo_site::router(&SECRET.to_owned().into(), Duration::ZERO).unwrap()
}

/// A call with this signature's age in seconds.
fn call(path: &str, body: &str, secret: &str, age: i64) -> Request<Body> {
    let at = Clock::system().now().as_second() - age;
    let signature = Webhook::new(secret).unwrap().sign("msg_1", at, body.as_bytes()).unwrap();
    Request::post(path)
        .header("content-type", "application/json")
        .header("webhook-id", "msg_1")
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature)
        .body(Body::from(body.to_owned()))
        .unwrap()
}

fn tool(name: &str) -> String {
    json!({
        "type": "tool.call",
        "timestamp": "2026-11-20T10:00:00Z",
        "data": {
            "call_id": "call_1",
            "tool": name,
            "arguments": {},
            "thread": {"id": "thr_1"},
            "user": {"id": "alice", "tenant": "default", "anonymous": false, "claims": {}},
        },
    })
    .to_string()
}

fn action(kind: &str, payload: &Value) -> String {
    json!({
        "type": "action",
        "timestamp": "2026-11-20T10:00:00Z",
        "data": {"action": {"type": kind, "payload": payload}, "thread": {"id": "thr_1"}, "user": {"id": "alice"}},
    })
    .to_string()
}

/// The effects that an action has.
async fn act(kind: &str, payload: Value) -> Vec<Value> {
    let (status, content_type, body) = send(site(), call("/actions", &action(kind, &payload), SECRET, 0)).await;
    assert_eq!((status, &*content_type), (StatusCode::OK, "application/json"));
    let mut answer: Value = serde_json::from_str(&body).unwrap();
    serde_json::from_value(answer["effects"].take()).unwrap()
}

#[tokio::test]
async fn find_products_streams_a_growing_widget_and_an_output() {
    let (status, content_type, body) = send(site(), call("/tools", &tool("find_products"), SECRET, 0)).await;
    assert_eq!((status, &*content_type), (StatusCode::OK, "text/event-stream"));
    let effects = data(&body);
    let kinds: Vec<_> = effects.iter().map(|effect| effect["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["progress_update", "widget", "widget", "widget", "output"]);
    let rows: Vec<_> = effects[1..4]
        .iter()
        .map(|effect| (effect["key"].as_str().unwrap(), effect["widget"]["children"].as_array().unwrap().len()))
        .collect();
    assert_eq!(rows, [("products", 1), ("products", 2), ("products", 3)]);
    assert_eq!(effects[4]["output"]["products"][0], json!({"id": "bag", "name": "Canvas bag", "price": "€49.00"}));
}

#[tokio::test]
async fn ask_preferences_asks_questions() {
    let (status, content_type, body) = send(site(), call("/tools", &tool("ask_preferences"), SECRET, 0)).await;
    assert_eq!((status, &*content_type), (StatusCode::OK, "application/json"));
    let answer: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(answer["output"], json!("The visitor is being asked."));
    let inputs = answer["effects"][0]["inputs"].as_array().unwrap();
    let kinds: Vec<_> = inputs.iter().map(|input| (input["id"].as_str(), input["type"].as_str())).collect();
    let (choice, text) = (Some("multiple_choice"), Some("freeform"));
    assert_eq!(kinds, [(Some("where"), choice), (Some("likes"), choice), (Some("wishes"), text)]);
}

#[tokio::test]
async fn add_to_cart_replaces_the_widget_and_changes_the_cart() {
    let effects = act("add_to_cart", json!({"product": "lamp"})).await;
    assert_eq!(effects[0]["type"], "replace_widget");
    assert_eq!(effects[0]["widget"]["confirm"]["action"], json!({"type": "checkout", "payload": {"product": "lamp"}}));
    assert_eq!(effects[1..], [json!({"type": "client_effect", "name": "cart_changed", "data": {"count": 1}})]);
}

#[tokio::test]
async fn refresh_price_alternates_between_two_prices() {
    for (last, next) in [(4_900, "€44.10"), (4_410, "€49.00")] {
        let effects = act("refresh_price", json!({"product": "bag", "price": last})).await;
        let [Value::Object(effect)] = &effects[..] else { panic!("{effects:?}") };
        assert_eq!(effect["widget"]["children"][2]["children"][2]["value"], next);
    }
}

#[tokio::test]
async fn checkout_tells_the_model_and_lets_it_answer() {
    let effects = act("checkout", json!({"product": "bag", "delivery": "express", "note": "Ring twice"})).await;
    assert_eq!(effects[0]["widget"]["children"][2]["value"], "Arrives tomorrow");
    assert_eq!(
        effects[1..],
        [
            json!({"type": "hidden_context", "content": "The visitor has ordered: Canvas bag, order number 1042."}),
            json!({"type": "respond"}),
        ]
    );
}

#[tokio::test]
async fn demo_site_sends_only_effects_the_server_reads() {
    let (_, _, products) = send(site(), call("/tools", &tool("find_products"), SECRET, 0)).await;
    let (_, _, preferences) = send(site(), call("/tools", &tool("ask_preferences"), SECRET, 0)).await;
    let mut preferences: Value = serde_json::from_str(&preferences).unwrap();
    let mut effects = data(&products);
    effects.append(preferences["effects"].as_array_mut().unwrap());
    for kind in ["add_to_cart", "refresh_price", "checkout"] {
        effects.extend(act(kind, json!({"product": "bag"})).await);
    }
    for effect in effects {
        let read = serde_json::from_value::<chatkit_shared::endpoints::Effect>(effect.clone());
        assert!(read.is_ok(), "{effect}");
    }
}

#[tokio::test]
async fn demo_site_refuses_calls_without_a_valid_signature() {
    let body = tool("find_products");
    let mut unsigned = call("/tools", &body, SECRET, 0);
    unsigned.headers_mut().remove("webhook-signature");
    let mut changed = call("/tools", &body, SECRET, 0);
    *changed.body_mut() = Body::from(body.replace("alice", "bob"));
    for request in [
        unsigned,
        changed,
        call("/tools", &body, "whsec_YW5vdGhlciBzZWNyZXQgYWx0b2dldGhlcg==", 0),
        call("/tools", &body, SECRET, 600),
        call("/tools", &body, SECRET, -600),
    ] {
        let (status, _, body) = send(site(), request).await;
        assert_eq!((status, &*body), (StatusCode::UNAUTHORIZED, "the signature is not valid\n"));
    }
}

#[tokio::test]
async fn demo_site_refuses_unknown_tools_actions_and_products() {
    for (path, body, status) in [
        ("/tools", tool("fly"), StatusCode::NOT_FOUND),
        ("/tools", "{}".to_owned(), StatusCode::BAD_REQUEST),
        ("/tools", "no JSON".to_owned(), StatusCode::BAD_REQUEST),
        ("/actions", action("fly", &json!({"product": "bag"})), StatusCode::NOT_FOUND),
        ("/actions", action("checkout", &json!({"product": "yacht"})), StatusCode::BAD_REQUEST),
        ("/actions", action("checkout", &json!({"product": 7})), StatusCode::BAD_REQUEST),
        ("/actions", action("checkout", &Value::Null), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(send(site(), call(path, &body, SECRET, 0)).await.0, status, "{body}");
    }
}

#[test]
fn demo_site_with_an_invalid_secret_does_not_start() {
    assert!(demo_site::router(&"whsec_***".to_owned().into(), Duration::ZERO).is_err());
}

#[test]
fn demo_document_points_to_the_site() {
    let document = demo_site::document("http://127.0.0.1:4711", false).unwrap();
    assert!(!document.contains(['\n', '\'']), "it is exported to a shell");
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["actions"]["url"], "http://127.0.0.1:4711/actions");
    let tools = document["tools"].as_array().unwrap();
    let urls: Vec<_> = tools.iter().filter_map(|tool| tool["run"]["url"].as_str()).collect();
    assert_eq!(urls, ["http://127.0.0.1:4711/tools"; 2]);
    let kinds: Vec<_> = tools.iter().map(|tool| tool["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["web_search", "image_generation", "function", "function", "function"]);
}

/// As the functions read it at start, for either API.
#[test]
fn demo_document_is_accepted_for_both_apis() {
    for (api, only_functions) in [("responses", false), ("chat_completions", true)] {
        let document = demo_site::document("http://127.0.0.1:4711", only_functions).unwrap();
        let env = Env::from_iter([("MODEL", "demo"), ("MODEL_API", api), ("ASSISTANT", &document)]);
        let assistant = Assistant::from_env(&env).map_err(|error| error.to_string());
        assert_eq!(assistant.map(|assistant| assistant.model), Ok("demo".to_owned()));
    }
}

#[test]
fn demo_document_for_chat_completions_has_functions_only() {
    let document: Value = serde_json::from_str(&demo_site::document("http://127.0.0.1:4711", true).unwrap()).unwrap();
    let names = |list: &str, name: &str| {
        let entries = document.pointer(list).unwrap().as_array().unwrap();
        entries.iter().map(|entry| entry[name].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names("/tools", "type"), ["function"; 3]);
    assert_eq!(names("/composer/tools", "tool"), ["find_products"]);
}
