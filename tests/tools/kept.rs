//! What an endpoint did is known to later turns however the turn ended, so that the model does not have it done twice.

use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{Shop, first_turn, said};
use crate::harness::app::{App, add, chatkit};
use crate::harness::model::Answer;
use crate::harness::responses::{
    answer, call_events, completed, created, delta, failed, function_call, message_added, sse, usage,
};
use crate::harness::site::json as in_json;

/// An endpoint that shows a widget before it says what it did.
fn placed() -> Response {
    let widget = json!({ "type": "widget", "widget": { "type": "Card", "children": [] } });
    let progress = json!({ "type": "progress_update", "text": "almost" });
    in_json(&json!({ "effects": [widget, progress], "output": "order 17 placed" }))
}

/// What the model is shown when the person writes again.
async fn shown_next(shop: &Shop, thread_id: &str) -> Vec<String> {
    shop.app.model.then(answer("It did"));
    let events = shop.app.add("alice", thread_id, "Did it work?").await;
    assert_eq!(*said(&events), "It did", "{events:?}");
    shop.shown().pop().unwrap()
}

fn position(lines: &[String], line: &str) -> usize {
    lines.iter().position(|shown| shown == line).unwrap_or_else(|| panic!("no `{line}` in {lines:?}"))
}

/// The next turn is told of the call and its output, once, and nobody sees the item that keeps them.
async fn check(shop: &Shop, thread_id: &str, items: &[&str], what: &str) {
    let kinds: Vec<_> = shop.items(thread_id).await.iter().map(|item| item["type"].clone()).collect();
    assert_eq!(json!(kinds), json!(items), "{what}");
    let lines = shown_next(shop, thread_id).await;
    let call = position(&lines, "call: find_stock({})");
    assert_eq!(lines[call + 1], "output: order 17 placed", "{what}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("call: ")).count(), 1, "{what}");
}

#[tokio::test]
async fn tool_results_survive_a_failed_round() {
    let half = || sse([created("resp_2"), message_added("msg_1"), delta("Your")]).abort();
    let silent = || sse([created("resp_2"), completed(usage(1, 0, 1, 0))]);
    let call = || sse([created("resp_2")].into_iter().chain(call_events("call_2", "find_stock", "{}"))).abort();
    let with_widget = ["user_message", "workflow", "widget"];
    let rounds: [(&str, Answer, &[&str]); 4] = [
        ("failed", sse([created("resp_2"), failed("server_error")]), &with_widget),
        ("half", half(), &["user_message", "workflow", "widget", "assistant_message"]),
        ("silent", silent(), &with_widget),
        ("in a call", call(), &with_widget),
    ];
    for (what, round, items) in rounds {
        let shop = Shop::with([placed()]).await;
        shop.app.model.then(function_call("call_1", "find_stock", "{}"));
        shop.app.model.then(round);
        let (_, thread_id) = first_turn(&shop, "Buy it").await;
        check(&shop, &thread_id, items, what).await;
    }
}

#[tokio::test]
async fn tool_results_survive_the_last_round() {
    let shop = Shop::configured([placed()], &json!({ "max_rounds": 2 }), []).await;
    shop.app.model.then(function_call("call_1", "find_stock", "{}"));
    shop.app.model.then(function_call("call_2", "find_stock", "{}"));
    let (_, thread_id) = first_turn(&shop, "Buy it").await;
    check(&shop, &thread_id, &["user_message", "workflow", "widget"], "rounds").await;

    let limits = [("LIMIT_USER_TOKENS_PER_HOUR", "22000")];
    let fields = json!({ "max_output_tokens": 1000, "max_context_tokens": 4000 });
    let widget = json!({ "type": "widget", "widget": { "type": "Card", "children": [] } });
    let output = "x".repeat(16_000);
    let answer = in_json(&json!({ "effects": [widget], "output": output }));
    let shop = Shop::configured([answer], &fields, limits).await;
    let call = call_events("call_1", "find_stock", "{}");
    let counted = completed(usage(3_000, 0, 0, 0));
    shop.app.model.then(sse([created("resp_1")].into_iter().chain(call).chain([counted])));
    let (events, thread_id) = first_turn(&shop, "Buy it").await;
    assert_eq!(events.last().unwrap()["type"], "notice");
    // The budget of the next hour has room for it.
    shop.app.clock.advance(3_600_000);
    let lines = shown_next(&shop, &thread_id).await;
    let call = position(&lines, "call: find_stock({})");
    assert!(lines[call + 1].starts_with("output: xxx"), "{lines:?}");
}

#[tokio::test]
async fn tool_results_that_the_model_has_not_read_are_reserved_by_the_byte() {
    let limits = [("LIMIT_USER_TOKENS_PER_HOUR", "22000")];
    let fields = json!({ "max_output_tokens": 1000, "max_context_tokens": 8000 });
    let shop = Shop::configured([in_json(&json!({ "output": "x".repeat(16_000) }))], &fields, limits).await;
    let call = call_events("call_1", "find_stock", "{}");
    let counted = completed(usage(3_000, 0, 0, 0));
    shop.app.model.then(sse([created("resp_1")].into_iter().chain(call).chain([counted])));
    let (events, thread_id) = first_turn(&shop, "Buy it").await;
    assert_eq!(events.last().unwrap()["type"], "notice", "the budget has no room for the second round");
    shop.app.clock.advance(3_600_000);

    // The next turn shows the model 4 KB of it, for the first time.
    let mut env = shop.app.env.clone();
    env.set("LIMIT_USER_TOKENS_PER_HOUR", "4500");
    let small = App::router(&env, &shop.app.clock, 2);
    let refused = small.oneshot(chatkit("alice", &add(&thread_id, "Did it work?"))).await.unwrap();
    assert_eq!(refused.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn tool_results_before_a_client_tool_call_are_stored_with_it() {
    let shop = Shop::with([placed()]).await;
    let calls = [("call_1", "find_stock", "{}"), ("call_2", "get_selection", "{}")];
    shop.app.model.then(crate::harness::responses::function_calls(&calls));
    let (_, thread_id) = first_turn(&shop, "Buy it").await;
    shop.app.model.then(answer("Done"));
    shop.output(&thread_id, json!("lamp")).await.events();
    let lines = shop.shown().pop().unwrap();
    let calls: Vec<_> = lines.iter().filter(|line| !line.starts_with("user: ")).collect();
    let expected = ["call: find_stock({})", "output: order 17 placed", "call: get_selection({})", r#"output: "lamp""#];
    assert_eq!(calls, expected);
}

#[tokio::test]
async fn tool_results_after_a_widget_are_stored_with_it() {
    // Nothing follows the widget but the output, and the model says nothing more.
    let widget = json!({ "type": "widget", "widget": { "type": "Card", "children": [] } });
    let shop = Shop::with([in_json(&json!({ "effects": [widget], "output": "order 17 placed" }))]).await;
    shop.app.model.then(function_call("call_1", "find_stock", "{}"));
    shop.app.model.then(sse([created("resp_2"), completed(usage(1, 0, 1, 0))]));
    let (_, thread_id) = first_turn(&shop, "Buy it").await;
    check(&shop, &thread_id, &["user_message", "workflow", "widget"], "held").await;
}

/// What an action shows is kept when its endpoint breaks off, in whichever way it was sent.
#[tokio::test]
async fn action_effects_before_the_endpoint_breaks_off_are_stored() {
    let widget = json!({ "type": "widget", "widget": { "type": "Card", "children": [] } });
    let keyed = json!({ "type": "widget", "key": "a", "widget": { "type": "Card", "children": [] } });
    for (what, effect) in [("widget", widget), ("keyed", keyed)] {
        for operation in ["threads.sync_custom_action", "threads.custom_action"] {
            let body = format!("data: {effect}\n\ndata: {{\"type\":\"nonsense\"}}\n\n");
            let shop = Shop::with([crate::harness::site::answer("text/event-stream", body)]).await;
            shop.app.model.then(answer("Hello"));
            let (_, thread_id) = first_turn(&shop, "Hi").await;
            let reply = shop.send(operation, json!({ "thread_id": thread_id, "action": { "type": "go" } })).await;
            if operation == "threads.sync_custom_action" {
                reply.error(502, "upstream_error");
            } else {
                assert_eq!(reply.events().last().unwrap()["type"], "error");
            }
            let kinds: Vec<Value> = shop.items(&thread_id).await.iter().map(|item| item["type"].clone()).collect();
            assert_eq!(json!(kinds), json!(["user_message", "assistant_message", "widget"]), "{what} {operation}");
        }
    }
}
