//! What the composer offers, and what the document says of threads.

use serde_json::{Value, json};

use super::{Shop, first_turn, said};
use crate::harness::app::input;
use crate::harness::responses::{answer, function_call};
use crate::harness::site::json as in_json;

async fn shop() -> Shop {
    let composer = json!({
        "models": [{ "id": "careful", "label": "Careful", "model": "large-model" }],
        "tools": [{ "id": "orders", "label": "Orders", "tool": "find_order" }],
    });
    let fields = json!({ "composer": composer, "end_of_turn": true, "allowed_image_domains": ["shop.example"] });
    Shop::configured([in_json(&json!({ "output": "sent" }))], &fields, []).await
}

fn picked(options: Value) -> Value {
    let mut input = input("Where is it?");
    input["inference_options"] = options;
    json!({ "input": input })
}

#[tokio::test]
async fn composer_choice_applies_to_one_turn() {
    let shop = shop().await;
    shop.app.model.then(function_call("call_1", "find_order", "{}"));
    shop.app.model.then(answer("Sent"));
    let options = json!({ "model": "careful", "tool_choice": { "id": "orders" } });
    let events = shop.send("threads.create", picked(options)).await.events();
    assert_eq!(*said(&events), "Sent");
    let requests: Vec<_> = shop.app.model.requests().into_iter().filter(|request| !request.is_title()).collect();
    let asked: Vec<_> = requests.iter().map(|request| (&request.body["model"], &request.body["tool_choice"])).collect();
    let tool = json!({ "type": "function", "name": "find_order" });
    assert_eq!(asked, [(&json!("large-model"), &tool), (&json!("large-model"), &Value::Null)]);
}

#[tokio::test]
async fn composer_choice_that_is_not_offered_is_refused() {
    let shop = shop().await;
    for (options, name) in [
        (json!({ "model": "large-model" }), "model"),
        (json!({ "tool_choice": { "id": "find_order" } }), "tool_choice"),
    ] {
        let refused = shop.send("threads.create", picked(options)).await.error(400, "bad_request");
        assert_eq!(refused, format!("`inference_options.{name}` is not one that is offered"));
    }
    assert!(shop.app.model.requests().is_empty());
}

#[tokio::test]
async fn turn_when_configured_ends_with_an_end_of_turn_item() {
    let shop = shop().await;
    shop.app.model.then(answer("Hello"));
    let (events, thread_id) = first_turn(&shop, "Hi").await;
    let items: Vec<_> = events.iter().filter(|event| event["type"] == "thread.item.done").collect();
    assert_eq!(items.last().unwrap()["item"]["type"], "end_of_turn");
    assert_eq!(events[0]["thread"]["allowed_image_domains"], json!(["shop.example"]));
    let stored = shop.items(&thread_id).await;
    assert_eq!(stored.last().unwrap()["type"], "end_of_turn");

    // A turn that waits for the page is not over: the call stays the last item.
    shop.app.model.then(function_call("call_1", "get_selection", "{}"));
    shop.app.add("alice", &thread_id, "And?").await;
    assert_eq!(shop.items(&thread_id).await.last().unwrap()["type"], "client_tool_call");
    shop.app.model.then(answer("There"));
    let events = shop.output(&thread_id, json!(1)).await.events();
    assert_eq!(events.last().unwrap()["item"]["type"], "end_of_turn");
}
