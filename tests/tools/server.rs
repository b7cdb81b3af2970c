use chatkit_shared::http::TrustedIdentity;
use futures_util::StreamExt;
use serde_json::json;

use super::{Shop, answered, first_turn, kinds, said};
use crate::harness::model::Gate;
use crate::harness::responses::{
    answer, call_events, completed, created, encrypted_thoughts_and_call, function_call, function_calls, item_done,
    sse, usage,
};
use crate::harness::site::{json as in_json, status, stream};
use crate::harness::tokens::user_token;

#[tokio::test]
async fn server_tool_output_continues_the_turn() {
    let shop = Shop::with([in_json(&json!({ "output": { "state": "sent" } }))]).await;
    shop.app.model.then(function_call("call_1", "find_order", r#"{"number":7}"#));
    shop.app.model.then(answer("It is on its way"));
    let (events, thread_id) = first_turn(&shop, "Where is order 7?").await;
    let told = answered(&events);
    let at = "2026-11-20T12:00:00Z";
    let task = |status: &str| {
        let title = "Looking up the order";
        json!({ "type": "custom", "status_indicator": status, "title": title, "icon": "search" })
    };
    let workflow = |tasks, rest: serde_json::Value| {
        let mut workflow = json!({ "type": "custom", "tasks": tasks, "expanded": false });
        workflow.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        json!({ "type": "workflow", "id": "wf_1", "thread_id": "thr_1", "created_at": at, "workflow": workflow })
    };
    let update = |kind: &str, status: &str| {
        let update = json!({ "type": format!("workflow.task.{kind}"), "task_index": 0, "task": task(status) });
        json!({ "type": "thread.item.updated", "item_id": "wf_1", "update": update })
    };
    let summary = json!({ "summary": { "title": "Looking up the order", "icon": "search" } });
    assert_eq!(
        told[..4],
        [
            json!({ "type": "thread.item.added", "item": workflow(json!([]), json!({})) }),
            update("added", "loading"),
            update("updated", "complete"),
            json!({ "type": "thread.item.done", "item": workflow(json!([task("complete")]), summary) }),
        ]
    );
    assert_eq!(*said(&told), "It is on its way");

    let call = &shop.told()[0];
    assert_eq!(call["type"], "tool.call");
    assert_eq!(call["timestamp"], at);
    assert_eq!(
        call["data"],
        json!({
            "call_id": "call_1", "tool": "find_order", "arguments": { "number": 7 }, "thread": { "id": thread_id },
            "user": {
                "id": "alice", "tenant": "default", "anonymous": false,
                "verified": { "id": true, "tenant": true, "anonymous": true },
            },
        })
    );
    let asked = ["user: Where is order 7?", r#"call: find_order({"number":7})"#, r#"output: {"state":"sent"}"#];
    assert_eq!(shop.shown(), [&asked[..1], &asked[..]]);

    // The next turn knows what was found, in front of what was said of it.
    shop.app.model.then(answer("Tomorrow"));
    shop.app.add("alice", &thread_id, "When?").await;
    let all = [&asked[..], &["assistant: It is on its way", "user: When?"]].concat();
    assert_eq!(shop.shown()[2], all);
}

#[tokio::test]
async fn server_tool_turn_sends_encrypted_thoughts_back_within_the_turn_only() {
    let shop = Shop::with([in_json(&json!({ "output": "sent" }))]).await;
    shop.app.model.then(encrypted_thoughts_and_call("gAAAA", "call_1", "find_order", "{}"));
    shop.app.model.then(answer("Sent"));
    let (_, thread_id) = first_turn(&shop, "Where?").await;
    shop.app.model.then(answer("Yes"));
    shop.app.add("alice", &thread_id, "Really?").await;
    let bodies =
        shop.app.model.requests().into_iter().filter(|request| !request.is_title()).map(|request| request.body);
    let has_thoughts: Vec<_> = bodies.map(|body| body.to_string().contains("gAAAA")).collect();
    assert_eq!(has_thoughts, [false, true, false]);
}

#[tokio::test]
async fn server_tool_calls_run_at_once_and_keep_their_order() {
    // The first call ends when the second one has started: one after the other they would wait for ever.
    let (begun_second, first_may_end) = tokio::sync::oneshot::channel();
    let shop = Shop::with([
        stream(
            "text/plain",
            futures_util::stream::once(async move {
                first_may_end.await.unwrap();
                Ok("first".into())
            }),
        ),
        stream(
            "text/plain",
            futures_util::stream::once(async move {
                begun_second.send(()).unwrap();
                Ok("second".into())
            }),
        ),
    ])
    .await;
    shop.app.model.then(function_calls(&[("call_1", "find_order", "{}"), ("call_2", "find_stock", "{}")]));
    shop.app.model.then(answer("Both"));
    let (events, _) = first_turn(&shop, "Both?").await;
    assert_eq!(*said(&events), "Both");
    let outputs = shop.shown()[1][1..].to_vec();
    let both = [["output: first", "output: second"], ["output: second", "output: first"]];
    assert_eq!(outputs[..2], ["call: find_order({})", "call: find_stock({})"]);
    assert!(both.contains(&[outputs[2].as_str(), outputs[3].as_str()]), "{outputs:?}");
}

#[tokio::test]
async fn server_tool_call_with_invalid_arguments_is_answered_with_the_fault() {
    let shop = Shop::with([]).await;
    shop.app.model.then(function_calls(&[
        ("call_1", "no_such", "{}"),
        ("call_2", "find_order", r#"{"number":"seven"}"#),
        ("call_3", "find_order", "not json"),
        ("call_4", "get_selection", r#"{"x":1}"#),
    ]));
    shop.app.model.then(answer("Sorry"));
    let (events, _) = first_turn(&shop, "Go").await;
    assert_eq!(*said(&events), "Sorry");
    assert_eq!(shop.told(), [json!(null); 0], "nothing was called");
    let outputs: Vec<_> = shop.shown()[1].iter().filter(|line| line.starts_with("output: ")).cloned().collect();
    assert_eq!(outputs[0], r#"output: {"error":"there is no function of this name"}"#);
    assert_eq!(outputs.len(), 4);
    assert!(outputs.iter().all(|output| output.contains(r#"{"error":"#)), "{outputs:?}");
}

#[tokio::test]
async fn server_tool_arguments_that_are_no_object_are_sent_back_empty() {
    let unreadable = [r#"{"number":"#, "", "  ", "null", "[7]", r#""7""#, r#"{"number":7}}"#, "number=7"];
    let readable = [r#"{"number":"seven"}"#, r#"{ "number": 7 }"#];
    let cases = unreadable.map(|passed| (passed, "{}")).into_iter().chain(readable.map(|passed| (passed, passed)));
    for (passed, told) in cases {
        let shop = Shop::with([in_json(&json!({ "output": "sent" }))]).await;
        shop.app.model.then(function_call("call_1", "find_order", passed));
        shop.app.model.then(answer("Well"));
        let (_, thread_id) = first_turn(&shop, "Where?").await;
        shop.app.model.then(answer("Yes"));
        shop.app.add("alice", &thread_id, "Really?").await;
        for shown in &shop.shown()[1..] {
            assert_eq!(shown[1], format!("call: find_order({told})"), "{passed}");
        }
    }
}

#[tokio::test]
async fn server_tool_arguments_with_a_key_twice_do_not_reach_the_endpoint() {
    let shop = Shop::with([]).await;
    shop.app.model.then(function_call("call_1", "find_order", r#"{"number":7,"number":8}"#));
    shop.app.model.then(answer("Well"));
    first_turn(&shop, "Where?").await;
    assert_eq!(shop.told(), [""; 0]);
    assert_eq!(shop.shown()[1][2], r#"output: {"error":"the arguments are not a JSON object"}"#);
}

#[tokio::test]
async fn server_tool_when_the_endpoint_fails_shows_it_and_the_turn_continues() {
    let shop = Shop::with([status(404)]).await;
    shop.app.model.then(function_call("call_1", "find_order", "{}"));
    shop.app.model.then(answer("I cannot look"));
    let (events, _) = first_turn(&shop, "Where?").await;
    assert_eq!(*said(&events), "I cannot look");
    let told = answered(&events);
    let task = &told[2]["update"]["task"];
    assert_eq!((&task["status_indicator"], &task["content"]), (&json!("none"), &json!("This did not work.")));
    let output = &shop.shown()[1][2];
    assert!(output.starts_with(r#"output: {"error":"#) && !output.contains("stack trace"), "{output}");
}

#[tokio::test]
async fn server_tool_effects_reach_the_page_or_the_model() {
    let effects = json!([
        { "type": "progress_update", "text": "Half way", "icon": "clock" },
        { "type": "client_effect", "name": "flash", "data": { "times": 2 } },
        { "type": "notice", "level": "info", "message": "Sold out soon", "title": "Hurry" },
        { "type": "hidden_context", "content": { "stock": 3 } },
        { "type": "thread_title", "title": "Order 7" },
    ]);
    let shop = Shop::with([in_json(&json!({ "output": "sent", "effects": effects }))]).await;
    shop.app.model.then(function_call("call_1", "find_order", "{}"));
    shop.app.model.then(answer("Sent"));
    let (events, thread_id) = first_turn(&shop, "Where?").await;
    for expected in [
        json!({ "type": "progress_update", "text": "Half way", "icon": "clock" }),
        json!({ "type": "client_effect", "name": "flash", "data": { "times": 2 } }),
        json!({ "type": "notice", "level": "info", "message": "Sold out soon", "title": "Hurry" }),
    ] {
        assert!(events.contains(&expected), "{expected}");
    }
    assert!(events.iter().any(|event| event["thread"]["title"] == "Order 7"));
    assert!(!kinds(&events).iter().any(|kind| kind.contains("hidden")));
    let items = shop.items(&thread_id).await;
    assert!(items.iter().all(|item| item["type"] != "hidden_context_item"));
    let knows = |turn: usize| shop.shown()[turn].iter().filter(|line| line.contains(r#"{"stock":3}"#)).count();
    // In this turn the output tells what matters.
    assert_eq!(knows(1), 0, "{:?}", shop.shown());
    shop.app.model.then(answer("Yes"));
    shop.app.add("alice", &thread_id, "Really?").await;
    assert_eq!(knows(2), 1, "{:?}", shop.shown());
}

#[tokio::test]
async fn server_tool_endpoint_gets_the_claims_of_the_user() {
    let shop = Shop::with([in_json(&json!({ "output": "sent" }))]).await;
    shop.app.model.then(function_call("call_1", "find_order", "{}"));
    shop.app.model.then(answer("Sent"));
    let claims = json!({
        "sub": "alice", "exp": 2_000_000_000, "name": "Ada", "plan": "gold", "chatkit": { "seat": 4 },
    });
    let token = user_token(&shop.app.env, &claims);
    let mut request = crate::harness::app::chatkit("alice", &crate::harness::app::create("Where?"));
    request.extensions_mut().remove::<TrustedIdentity>();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    let events = shop.app.send(request).await.events();
    assert_eq!(*said(&events), "Sent");
    let user = &shop.told()[0]["data"]["user"];
    assert_eq!((&user["name"], &user["plan"], &user["claims"]), (&json!("Ada"), &json!("gold"), &json!({ "seat": 4 })));
}

#[tokio::test]
async fn server_tool_title_replaces_the_generated_one() {
    // The site answers while the thread's first name is being written, which therefore comes too late.
    let (written, release) = (Gate::closed(), Gate::closed());
    let (begun_writing, answered) = (written.clone(), release.clone());
    let title = json!({ "type": "thread_title", "title": "Lamps" });
    let named = futures_util::stream::once(async move {
        begun_writing.pass().await;
        Ok(format!("data: {title}\n\n").into())
    });
    let end = futures_util::stream::once(async move {
        answered.open();
        Ok("\n".into())
    });
    let shop = Shop::with([stream("text/event-stream", named.chain(end))]).await;
    shop.app.dynamo.hold_at("UpdateItem", "SET #title", written, release);
    shop.app.model.then(function_call("call_1", "find_order", "{}"));
    shop.app.model.then(answer("Done"));
    let (events, thread_id) = first_turn(&shop, "Which lamp?").await;
    let titles: Vec<_> = events.iter().filter_map(|event| event["thread"]["title"].as_str()).collect();
    assert_eq!(titles.last(), Some(&"Lamps"), "{titles:?}");
    let thread = shop.send("threads.get_by_id", json!({ "thread_id": thread_id })).await.json();
    assert_eq!(thread["title"], "Lamps");
}

#[tokio::test]
async fn hosted_tool_results_are_sent_in_the_later_rounds() {
    let shop = Shop::with([in_json(&json!({ "output": "sent" }))]).await;
    let remote = |id: &str, more: serde_json::Value| {
        let mut item = json!({ "id": id, "type": "mcp_call", "server_label": "tickets", "name": "tickets.open now" });
        item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        item_done(&item)
    };
    let events = [
        remote("mcp_1", json!({ "arguments": r#"{"text":"lost"}"#, "output": "ticket 7", "error": null })).item(0),
        remote("mcp_1", json!({ "arguments": r#"{"text":"lost"}"#, "output": "ticket 7", "error": null })).item(0),
        remote("mcp_2", json!({ "arguments": "{}", "output": null, "error": { "code": 404 } })).item(1),
        remote("mcp_3", json!({ "output": null, "error": null })).item(2),
    ];
    let call = call_events("call_1", "find_order", r#"{"number":7}"#).map(|event| event.item(3));
    let end = completed(usage(12, 5, 20, 0));
    shop.app.model.then(sse([created("resp_1")].into_iter().chain(events).chain(call).chain([end])));
    shop.app.model.then(answer("It is on its way, and there is a ticket"));
    shop.app.model.then(answer("Number 7"));
    let (_, thread_id) = first_turn(&shop, "Where is it?").await;
    let told = [
        "user: Where is it?",
        r#"call: tickets_open_now({"text":"lost"})"#,
        "output: ticket 7",
        "call: tickets_open_now({})",
        r#"output: {"error":{"code":404}}"#,
        r#"call: find_order({"number":7})"#,
        "output: sent",
    ];
    assert_eq!(shop.shown()[1], told);
    // The next turns hear of it, as of every call.
    shop.app.add("alice", &thread_id, "Which ticket?").await;
    let later = ["assistant: It is on its way, and there is a ticket", "user: Which ticket?"];
    assert_eq!(shop.shown()[2], [&told[..], &later].concat());
    let input = &shop.app.model.requests().pop().unwrap().body["input"];
    let ids: Vec<_> = input.as_array().unwrap().iter().filter_map(|item| item["call_id"].as_str()).collect();
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 3, "{ids:?}");
}
