use serde_json::{Value, json};

use super::{Shop, answered, first_turn, kinds, said};
use crate::harness::completions::{self, DONE, chunks, finish, tool_call};
use crate::harness::model::ModelRequest;
use crate::harness::responses::{answer, encrypted_thoughts_and_call, function_call, function_calls};
use crate::harness::site::json as in_json;

const CHAT_COMPLETIONS: [(&str, &str); 1] = [("MODEL_API", "chat_completions")];

#[tokio::test]
async fn client_tool_output_continues_the_turn() {
    let shop = Shop::with([]).await;
    shop.app.model.then(encrypted_thoughts_and_call("gAAAA", "call_1", "get_selection", "{}"));
    let (events, thread_id) = first_turn(&shop, "What have I picked?").await;
    let call = json!({
        "type": "client_tool_call", "id": "tc_1", "thread_id": "thr_1", "created_at": "2026-11-20T12:00:00Z",
        "status": "pending", "call_id": "call_1", "name": "get_selection", "arguments": {},
    });
    assert_eq!(answered(&events), [json!({ "type": "thread.item.done", "item": call })]);

    shop.app.model.then(answer("A lamp"));
    let events = shop.output(&thread_id, json!({ "picked": ["lamp"], "more": null })).await.events();
    assert_eq!(events[0], json!({ "type": "stream_options", "stream_options": { "allow_cancel": true } }));
    assert_eq!(*said(&events), "A lamp");
    let conversation =
        ["user: What have I picked?", "call: get_selection({})", r#"output: {"more":null,"picked":["lamp"]}"#];
    assert_eq!(shop.shown()[1], [conversation[0], "reasoning", conversation[1], conversation[2]]);
    // The turn goes on, so the model gets back what it thought.
    let bodies: Vec<_> = shop.app.model.requests().into_iter().filter(|asked| !asked.is_title()).collect();
    assert!(bodies[1].body.to_string().contains("gAAAA"));

    let items = shop.items(&thread_id).await;
    let call = &items[1];
    assert_eq!((&call["status"], &call["output"]["picked"][0]), (&json!("completed"), &json!("lamp")));
    shop.app.model.then(answer("Yes"));
    shop.app.add("alice", &thread_id, "Sure?").await;
    assert_eq!(shop.shown()[2], [&conversation[..], &["assistant: A lamp", "user: Sure?"]].concat());
}

#[tokio::test]
async fn client_tool_calls_of_one_round_are_asked_one_by_one() {
    let shop = Shop::with([in_json(&json!({ "output": "sent" }))]).await;
    shop.app.model.then(function_calls(&[
        ("call_1", "get_selection", "{}"),
        ("call_2", "find_order", "{}"),
        ("call_3", "get_theme", "{}"),
    ]));
    let (events, thread_id) = first_turn(&shop, "Everything!").await;
    assert_eq!(answered(&events).last().unwrap()["item"]["name"], "get_selection");
    let asked = shop.app.model.requests().len();

    let events = shop.output(&thread_id, json!("lamp")).await.events();
    assert_eq!(kinds(&events), ["stream_options", "done client_tool_call"]);
    assert_eq!(events[1]["item"]["name"], "get_theme");
    assert_eq!(shop.app.model.requests().len(), asked, "the model is not asked before it is told everything");

    shop.app.model.then(answer("There"));
    let events = shop.output(&thread_id, json!("dark")).await.events();
    assert_eq!(*said(&events), "There");
    assert_eq!(
        shop.shown()[1],
        [
            "user: Everything!",
            "call: find_order({})",
            "output: sent",
            "call: get_selection({})",
            r#"output: "lamp""#,
            "call: get_theme({})",
            r#"output: "dark""#,
        ]
    );
}

#[tokio::test]
async fn client_tool_output_without_a_pending_call_is_refused() {
    let shop = Shop::with([]).await;
    shop.app.model.then(answer("Hello"));
    let (_, thread_id) = first_turn(&shop, "Hi").await;
    let asked = shop.app.model.requests().len();
    let no_call = "no call in the thread waits for the page";
    assert_eq!(shop.output(&thread_id, json!(1)).await.error(400, "bad_request"), no_call);
    assert_eq!(shop.output("thr_none", json!(1)).await.error(404, "not_found"), "this thread does not exist");
    let foreign =
        json!({ "type": "threads.add_client_tool_output", "params": { "thread_id": thread_id, "result": 1 } });
    shop.app.chatkit("eve", &foreign).await.error(404, "not_found");

    // Answered once is answered for good.
    shop.app.model.then(function_call("call_1", "get_selection", "{}"));
    shop.app.add("alice", &thread_id, "And?").await;
    shop.app.model.then(answer("One"));
    shop.output(&thread_id, json!(1)).await.events();
    assert_eq!(shop.output(&thread_id, json!(2)).await.error(400, "bad_request"), no_call);
    let items = shop.items(&thread_id).await;
    let call = items.iter().find(|item| item["type"] == "client_tool_call").unwrap();
    assert_eq!(call["output"], 1);
    assert_eq!(shop.app.model.requests().len(), asked + 2);
}

#[tokio::test]
async fn client_tool_outputs_that_race_count_once() {
    let shop = Shop::with([]).await;
    shop.app.model.then(function_call("call_1", "get_selection", "{}"));
    let (_, thread_id) = first_turn(&shop, "Hi").await;
    shop.app.model.on(|_| true, answer("There"));
    let (one, other) = tokio::join!(shop.output(&thread_id, json!(1)), shop.output(&thread_id, json!(2)));
    let statuses = [one.status.as_u16(), other.status.as_u16()];
    assert!(statuses.contains(&200) && (statuses.contains(&409) || statuses.contains(&400)), "{statuses:?}");
    let items = shop.items(&thread_id).await;
    let kinds: Vec<_> = items.iter().map(|item| item["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["user_message", "client_tool_call", "assistant_message"]);
    let winner = if statuses[0] == 200 { 1 } else { 2 };
    assert_eq!(items[1]["output"], winner);
}

#[tokio::test]
async fn client_tool_output_sent_twice_at_once_counts_once() {
    for _ in 0..5 {
        let shop = Shop::with([]).await;
        shop.app.model.then(function_call("call_1", "get_selection", "{}"));
        let (_, thread_id) = first_turn(&shop, "Hi").await;
        shop.app.model.on(|_| true, answer("There"));
        let (one, other) = tokio::join!(shop.output(&thread_id, json!(1)), shop.output(&thread_id, json!(1)));
        let statuses = [one.status.as_u16(), other.status.as_u16()];
        assert!(statuses.contains(&200) && statuses != [200, 200], "{statuses:?}");
        let items = shop.items(&thread_id).await;
        assert_eq!((&items[1]["status"], &items[1]["output"]), (&json!("completed"), &json!(1)));
        assert_eq!(items.len(), 3, "{items:?}");
    }
}

#[tokio::test]
async fn client_tool_output_after_an_action_is_accepted() {
    let effects = json!([{ "type": "hidden_context", "content": "The cart is full" }]);
    let shop = Shop::with([in_json(&json!({ "effects": effects }))]).await;
    shop.app.model.then(function_call("call_1", "get_selection", "{}"));
    let (_, thread_id) = first_turn(&shop, "Hi").await;
    let action = json!({ "thread_id": thread_id, "action": { "type": "fill" } });
    shop.send("threads.sync_custom_action", action).await.json();
    shop.app.model.then(answer("There"));
    let events = shop.output(&thread_id, json!(1)).await.events();
    assert_eq!(*said(&events), "There");
    let shown = &shop.shown()[1];
    assert_eq!(shown[..3], ["user: Hi", "call: get_selection({})", "output: 1"]);
    assert!(shown[3].contains("The cart is full"), "{shown:?}");
    let kinds: Vec<_> = shop.items(&thread_id).await.iter().map(|item| item["type"].clone()).collect();
    assert_eq!(kinds, ["user_message", "client_tool_call", "assistant_message"]);
}

#[tokio::test]
async fn client_tool_output_that_is_too_large_leaves_the_call_pending() {
    let shop = Shop::with([]).await;
    shop.app.model.then(function_call("call_1", "get_selection", "{}"));
    let (_, thread_id) = first_turn(&shop, "Hi").await;
    let huge = Value::from("x".repeat(200_000));
    assert_eq!(shop.output(&thread_id, huge).await.error(400, "bad_request"), "`result` is larger than 128 KB");
    shop.app.model.then(answer("Better"));
    shop.output(&thread_id, Value::Null).await.events();
    assert_eq!(shop.shown()[1][2], "output: null");
}

#[tokio::test]
async fn client_tool_call_never_answered_is_not_sent_to_the_model() {
    let shop = Shop::with([]).await;
    shop.app.model.then(function_call("call_1", "get_selection", "{}"));
    let (_, thread_id) = first_turn(&shop, "Hi").await;
    shop.app.model.then(answer("Well"));
    shop.app.add("alice", &thread_id, "Never mind").await;
    assert_eq!(shop.shown()[1], ["user: Hi", "user: Never mind"]);

    // A page that answers now is too late; the next call is another one.
    shop.output(&thread_id, json!(1)).await.error(400, "bad_request");
    shop.app.model.then(function_call("call_2", "get_selection", "{}"));
    shop.app.add("alice", &thread_id, "Again").await;
    shop.app.model.then(answer("Done"));
    shop.output(&thread_id, json!(2)).await.events();
    let pending = shop.items(&thread_id).await.iter().filter(|item| item["status"] == "pending").count();
    assert_eq!(pending, 0, "what nobody waits for any more is gone");
}

#[tokio::test]
async fn plain_chat_offers_no_client_tools() {
    let shop = Shop::with([]).await;
    shop.app.model.then(answer("Hello"));
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    let request = crate::harness::app::request(http::Method::POST, "/api/chat", "alice", body.to_string().into());
    assert_eq!(shop.app.send(request).await.json()["message"], "Hello");
    let request = shop.app.model.requests().pop().unwrap();
    let names = |request: &ModelRequest| -> Vec<Value> {
        request.body["tools"].as_array().unwrap().iter().map(|tool| tool["name"].clone()).collect()
    };
    assert_eq!(names(&request), ["find_order", "find_stock"]);
    shop.app.model.then(answer("Hello"));
    let kept = crate::harness::app::request(http::Method::POST, "/api/chat", "alice", r#"{"message":"Hi"}"#.into());
    assert_eq!(shop.app.send(kept).await.json()["message"], "Hello");
    let requests = shop.app.model.requests();
    assert_eq!(names(requests.iter().rfind(|request| !request.is_title()).unwrap()), ["find_order", "find_stock"]);
}

#[tokio::test]
async fn signatures_of_calls_go_back_to_the_model_that_made_them() {
    let shop = Shop::configured([in_json(&json!({ "output": "sent" }))], &json!({}), CHAT_COMPLETIONS).await;
    let signed = |id: &str, name: &str| {
        let function = json!({ "name": name, "arguments": "{}" });
        let signature = json!({ "google": { "thought_signature": format!("signature of {id}") } });
        tool_call(&json!({ "id": id, "type": "function", "function": function, "extra_content": signature }))
    };
    let title = |request: &ModelRequest| request.conversation()[0].starts_with("system: Write a title");
    shop.app.model.rather(title, completions::answer("A title"));
    let calls = [signed("a", "find_order"), signed("b", "get_selection"), signed("c", "get_theme")];
    shop.app.model.then(chunks(calls.into_iter().chain([finish("tool_calls")])).bytes(DONE));
    let (_, thread_id) = first_turn(&shop, "Everything!").await;
    shop.output(&thread_id, json!("lamp")).await.events();
    shop.app.model.then(completions::answer("There"));
    assert_eq!(*said(&shop.output(&thread_id, json!("dark")).await.events()), "There");
    shop.app.model.then(completions::answer("Yes"));
    shop.app.add("alice", &thread_id, "Sure?").await;

    for request in &shop.app.model.requests()[2..] {
        let messages = request.body["messages"].as_array().unwrap();
        let calls = messages.iter().filter_map(|message| message["tool_calls"].as_array()).flatten();
        let signatures: Vec<_> =
            calls.map(|call| call["extra_content"]["google"]["thought_signature"].as_str().unwrap()).collect();
        assert_eq!(signatures, ["signature of a", "signature of b", "signature of c"]);
    }
}
