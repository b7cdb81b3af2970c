use serde_json::{Value, json};

use super::{Shop, first_turn, kinds, said};
use crate::harness::responses::{answer, function_call};
use crate::harness::site::{json as in_json, status};

fn card(text: &str) -> Value {
    json!({ "type": "Card", "children": [{ "type": "Text", "value": text }] })
}

/// A thread with a widget, made by the endpoint's first answer; their ids.
async fn widget(shop: &Shop) -> (String, String) {
    shop.app.model.then(function_call("call_1", "find_order", "{}"));
    shop.app.model.then(answer("See there"));
    let (_, thread_id) = first_turn(shop, "Show me").await;
    let items = shop.items(&thread_id).await;
    let widget = items.iter().find(|item| item["type"] == "widget").unwrap();
    (thread_id, widget["id"].as_str().unwrap().to_owned())
}

fn shown_widget() -> axum::response::Response {
    in_json(&json!({ "output": "shown", "effects": [{ "type": "widget", "widget": card("one"), "copy_text": "one" }] }))
}

fn action(thread_id: &str, item_id: Option<&str>) -> Value {
    let action = json!({ "type": "buy", "payload": { "count": 2 }, "handler": "server" });
    json!({ "thread_id": thread_id, "item_id": item_id, "action": action })
}

#[tokio::test]
async fn action_replaces_its_widget() {
    let effects = json!([
        { "type": "replace_widget", "widget": card("two") },
        { "type": "client_effect", "name": "cart" },
    ]);
    let shop = Shop::with([shown_widget(), in_json(&json!({ "effects": effects }))]).await;
    let (thread_id, widget_id) = widget(&shop).await;
    let asked = shop.shown().len();
    let events = shop.send("threads.custom_action", action(&thread_id, Some(&widget_id))).await.events();
    assert_eq!(kinds(&events), ["stream_options", "replaced widget", "client_effect"]);
    let item = &events[1]["item"];
    assert_eq!((&item["id"], &item["widget"], &item["copy_text"]), (&json!(widget_id), &card("two"), &json!("one")));
    assert_eq!(shop.shown().len(), asked, "no model is asked");

    let told = &shop.told()[1];
    assert_eq!(told["type"], "action");
    assert_eq!(told["data"]["action"], json!({ "type": "buy", "payload": { "count": 2 } }));
    assert_eq!((&told["data"]["item"]["id"], &told["data"]["item"]["widget"]), (&json!(widget_id), &card("one")));
    assert_eq!(told["data"]["thread"], json!({ "id": thread_id, "title": "A title" }));
    let items = shop.items(&thread_id).await;
    assert_eq!(items.iter().find(|item| item["type"] == "widget").unwrap()["widget"], card("two"));
}

#[tokio::test]
async fn action_with_respond_lets_the_model_answer() {
    let effects = json!([{ "type": "hidden_context", "content": "Ordered two" }, { "type": "respond" }]);
    let shop = Shop::with([shown_widget(), in_json(&json!({ "effects": effects }))]).await;
    let (thread_id, widget_id) = widget(&shop).await;
    shop.app.model.then(answer("Thank you"));
    let events = shop.send("threads.custom_action", action(&thread_id, Some(&widget_id))).await.events();
    assert_eq!(*said(&events), "Thank you");
    assert!(shop.shown()[2].last().unwrap().contains("Ordered two"), "{:?}", shop.shown());
    // The lease is over: the next message is answered as any other.
    shop.app.model.then(answer("Tomorrow"));
    let events = shop.app.add("alice", &thread_id, "When?").await;
    assert_eq!(*said(&events), "Tomorrow");
}

#[tokio::test]
async fn sync_action_returns_the_updated_widget() {
    let replace = json!({ "effects": [{ "type": "replace_widget", "widget": card("two") }] });
    let shop = Shop::with([shown_widget(), in_json(&replace), in_json(&json!({}))]).await;
    let (thread_id, widget_id) = widget(&shop).await;
    let reply = shop.send("threads.sync_custom_action", action(&thread_id, Some(&widget_id))).await.json();
    assert_eq!((&reply["updated_item"]["id"], &reply["updated_item"]["widget"]), (&json!(widget_id), &card("two")));
    let reply = shop.send("threads.sync_custom_action", action(&thread_id, Some(&widget_id))).await.json();
    assert_eq!(reply, json!({}));
}

#[tokio::test]
async fn action_on_an_item_that_is_no_widget_is_refused() {
    let shop = Shop::with([shown_widget(), in_json(&json!({}))]).await;
    let (thread_id, widget_id) = widget(&shop).await;
    for operation in ["threads.custom_action", "threads.sync_custom_action"] {
        let message_id = shop.items(&thread_id).await[0]["id"].as_str().unwrap().to_owned();
        let refused = shop.send(operation, action(&thread_id, Some(&message_id))).await.error(400, "bad_request");
        assert_eq!(refused, "`item_id` must name a widget");
        shop.send(operation, action(&thread_id, Some("msg_none"))).await.error(404, "not_found");
        shop.send(operation, action("thr_none", None)).await.error(404, "not_found");
        let foreign = json!({ "type": operation, "params": action(&thread_id, Some(&widget_id)) });
        shop.app.chatkit("eve", &foreign).await.error(404, "not_found");
    }
    assert_eq!(shop.told().len(), 1, "the endpoint hears nothing of these");
    let events = shop.send("threads.custom_action", action(&thread_id, None)).await.events();
    assert_eq!(kinds(&events), ["stream_options"]);
    assert_eq!(shop.told()[1]["data"].get("item"), None);
}

#[tokio::test]
async fn action_with_respond_when_the_budget_is_used_up_ends_in_an_error() {
    let respond = || in_json(&json!({ "effects": [{ "type": "respond" }] }));
    for (limit, message) in [
        ("LIMIT_USER_TOKENS_PER_HOUR", "Your token budget is used up for now. Please try again in 60 minutes."),
        ("LIMIT_TENANT_TOKENS_PER_DAY", "This site's token budget is used up for today. Please try again in 12 hours."),
    ] {
        let fields = json!({ "max_output_tokens": 1000, "max_context_tokens": 4000 });
        let shop = Shop::configured([shown_widget(), respond()], &fields, [(limit, "5700")]).await;
        let (thread_id, widget_id) = widget(&shop).await;
        let long = "word ".repeat(1_200);
        shop.app.model.then(answer(&long));
        shop.app.add("alice", &thread_id, "Tell me a lot").await;
        let asked = shop.shown().len();
        let events = shop.send("threads.custom_action", action(&thread_id, Some(&widget_id))).await.events();
        assert_eq!(kinds(&events), ["stream_options", "error"], "{limit}");
        assert_eq!((&events[1]["message"], &events[1]["allow_retry"]), (&json!(message), &json!(false)));
        assert_eq!(shop.shown().len(), asked);
    }
}

#[tokio::test]
async fn action_when_the_endpoint_fails_ends_in_an_error() {
    let shop = Shop::with([shown_widget(), status(404), status(404)]).await;
    let (thread_id, widget_id) = widget(&shop).await;
    let events = shop.send("threads.custom_action", action(&thread_id, Some(&widget_id))).await.events();
    assert_eq!(kinds(&events), ["stream_options", "error"]);
    assert_eq!(events[1]["allow_retry"], false);
    let refused = shop.send("threads.sync_custom_action", action(&thread_id, Some(&widget_id))).await;
    refused.error(502, "upstream_error");
}

#[tokio::test]
async fn action_without_an_endpoint_is_refused() {
    let shop = Shop::configured([], &json!({ "actions": null }), []).await;
    shop.app.model.then(answer("Hi"));
    let (_, thread_id) = first_turn(&shop, "Hi").await;
    for operation in ["threads.custom_action", "threads.sync_custom_action"] {
        let refused = shop.send(operation, action(&thread_id, None)).await.error(400, "bad_request");
        assert_eq!(refused, "this server takes no actions: its assistant names no endpoint for them");
    }
}

#[tokio::test]
async fn actions_have_a_limit_of_their_own() {
    let shop = Shop::with([]).await;
    let act = async || shop.send("threads.sync_custom_action", action("thr_none", None)).await;
    for _ in 0..30 {
        act().await.error(404, "not_found");
    }
    act().await.error(429, "rate_limit_exceeded");
    assert_eq!(shop.send("threads.list", json!({})).await.status, 200);
}
