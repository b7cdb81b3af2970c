use serde_json::json;

use super::{Shop, first_turn, said};
use crate::harness::app::request;
use crate::harness::responses::{answer, function_call};
use crate::harness::site::json as in_json;

#[tokio::test]
async fn turn_in_its_last_round_may_call_no_tools() {
    let outputs = (0..4).map(|_| in_json(&json!({ "output": "again" })));
    let shop = Shop::configured(outputs, &json!({ "max_rounds": 3 }), []).await;
    for number in 0..2 {
        shop.app.model.then(function_call(&format!("call_{number}"), "find_stock", "{}"));
    }
    shop.app.model.then(answer("Enough"));
    let (events, _) = first_turn(&shop, "Go").await;
    assert_eq!(*said(&events), "Enough");
    let requests: Vec<_> = shop.app.model.requests().into_iter().filter(|request| !request.is_title()).collect();
    let choices: Vec<_> = requests.iter().map(|request| request.body["tool_choice"].clone()).collect();
    assert_eq!(choices, [json!(null), json!(null), json!("none")]);
}

#[tokio::test]
async fn turn_when_the_last_round_calls_tools_ends() {
    let outputs = (0..4).map(|_| in_json(&json!({ "output": "again" })));
    let shop = Shop::configured(outputs, &json!({ "max_rounds": 3 }), []).await;
    // More than three times, so that a turn that does not end in time ends all the same.
    for number in 0..5 {
        shop.app.model.then(function_call(&format!("call_{number}"), "find_stock", "{}"));
    }
    shop.app.model.then(answer("Enough"));
    let (events, _) = first_turn(&shop, "Go").await;
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["level"]), (&json!("notice"), &json!("warning")));
    assert_eq!(shop.shown().len(), 3);
    assert_eq!(shop.told().len(), 2, "what the model would never hear of is not done");
}

#[tokio::test]
async fn turn_with_one_round_offers_no_tools() {
    let shop = Shop::configured([], &json!({ "max_rounds": 1 }), []).await;
    shop.app.model.on(|request| !request.is_title(), answer("As far as I know"));
    let (events, thread_id) = first_turn(&shop, "Go").await;
    assert_eq!(*said(&events), "As far as I know");
    shop.app.add("alice", &thread_id, "And?").await;
    let body = json!({ "messages": [{ "role": "user", "content": "Hi" }] }).to_string();
    shop.app.send(request(http::Method::POST, "/api/chat", "alice", body.into())).await.json();
    let requests: Vec<_> = shop.app.model.requests().into_iter().filter(|request| !request.is_title()).collect();
    let choices: Vec<_> = requests.iter().map(|request| request.body["tool_choice"].clone()).collect();
    assert_eq!(choices, ["none", "none", "none"]);

    // What the model's server runs itself is no round.
    let fields = json!({ "max_rounds": 1, "tools": [{ "type": "web_search" }] });
    let shop = Shop::configured([], &fields, []).await;
    shop.app.model.then(answer("It is so"));
    first_turn(&shop, "Go").await;
    let asked = shop.app.model.requests().into_iter().find(|request| !request.is_title()).unwrap();
    assert_eq!(asked.body["tool_choice"], json!(null));
}

#[tokio::test]
async fn further_round_beyond_the_users_budget_ends_the_turn() {
    let limits = [("LIMIT_USER_TOKENS_PER_HOUR", "7000")];
    let fields = json!({ "max_output_tokens": 1000, "max_context_tokens": 4000 });
    let shop = Shop::configured([in_json(&json!({ "output": "x".repeat(16_000) }))], &fields, limits).await;
    shop.app.model.then(function_call("call_1", "find_stock", "{}"));
    let (events, thread_id) = first_turn(&shop, "Go").await;
    let last = events.last().unwrap();
    assert_eq!((&last["type"], &last["level"]), (&json!("notice"), &json!("warning")));
    assert_eq!(shop.shown().len(), 1, "the model is not asked for what nobody can pay");
    // What was not used is given back.
    shop.app.model.then(answer("Yes"));
    let events = shop.app.add("alice", &thread_id, "Still there?").await;
    assert_eq!(*said(&events), "Yes");
}

#[tokio::test]
async fn usage_of_a_turn_counts_every_round() {
    let shop = Shop::with([in_json(&json!({ "output": "sent" }))]).await;
    shop.app.model.then(function_call("call_1", "find_stock", "{}"));
    shop.app.model.then(answer("Sent"));
    first_turn(&shop, "Go").await;
    let records = shop.app.dynamo.records("usage");
    let record = records.iter().find(|record| record["sk"]["S"].as_str().unwrap().starts_with("R#")).unwrap();
    let rounds: Vec<_> = shop.app.model.requests().iter().map(|request| request.is_title()).collect();
    assert_eq!(rounds.len(), 3, "two answers and a title");
    let input: u64 = record["input_tokens"]["N"].as_str().unwrap().parse().unwrap();
    assert!(input > 12, "{record}");
}

#[tokio::test]
async fn further_round_beyond_the_tenants_budget_ends_the_turn() {
    let limits = [("LIMIT_TENANT_TOKENS_PER_DAY", "7600")];
    let fields = json!({ "max_output_tokens": 1000, "max_context_tokens": 4000 });
    let shop = Shop::configured([in_json(&json!({ "output": "x".repeat(16_000) }))], &fields, limits).await;
    shop.app.model.then(function_call("call_1", "find_stock", "{}"));
    let (events, thread_id) = first_turn(&shop, "Go").await;
    let notice = "The answer is incomplete because this site's token budget is used up for today.";
    assert_eq!(*events.last().unwrap(), json!({ "type": "notice", "level": "warning", "message": notice }));
    assert_eq!(shop.shown().len(), 1, "the model is not asked for what nobody can pay");
    // What was not used is given back, to everybody.
    shop.app.model.then(answer("Yes"));
    let events = shop.app.add("alice", &thread_id, "Still there?").await;
    assert_eq!(*said(&events), "Yes");
}

#[tokio::test]
async fn further_round_costs_one_write_for_each_budget_it_raises() {
    let limits = [("LIMIT_TENANT_TOKENS_PER_DAY", "1000000")];
    let fields = json!({ "max_output_tokens": 1000, "max_context_tokens": 4000 });
    let mut written = Vec::new();
    for output in ["x".to_owned(), "x".repeat(16_000)] {
        let shop = Shop::configured([in_json(&json!({ "output": output }))], &fields, limits).await;
        shop.app.model.then(function_call("call_1", "find_stock", "{}"));
        shop.app.model.then(answer("Yes"));
        shop.app.dynamo.reset();
        first_turn(&shop, "Go").await;
        let calls = shop.app.dynamo.reset().calls;
        let holds = calls.iter().filter(|call| call.body.to_string().contains(":more"));
        written.push((holds.clone().count(), holds.map(|call| call.units).sum::<f64>()));
    }
    assert_eq!(written, [(0, 0.0), (2, 2.0)]);
}
