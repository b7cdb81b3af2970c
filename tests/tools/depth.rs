//! JSON of others that is nested so deeply that it could be stored and never read again.

use serde_json::{Value, json};

use super::{Shop, first_turn, said};
use crate::harness::model::Answer;
use crate::harness::responses::{
    answer, call_events, completed, created, function_call, item_added, item_done, sse, usage,
};
use crate::harness::site::json as in_json;

/// The deepest that is kept.
const DEEPEST: usize = 64;

/// As many objects, one in the other.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({ "a": inner }))
}

/// A shop whose page runs `pick`, which takes any object.
async fn shop(answers: impl IntoIterator<Item = axum::response::Response>) -> Shop {
    let pick = json!({ "type": "function", "name": "pick", "parameters": { "type": "object" }, "run": "client" });
    Shop::configured(answers, &json!({ "tools": [pick] }), []).await
}

fn pick(levels: usize) -> Answer {
    function_call("call_1", "pick", &nested(levels).to_string())
}

#[tokio::test]
async fn client_tool_arguments_nested_too_deeply_are_refused() {
    let shop = shop([]).await;
    shop.app.model.then(pick(DEEPEST));
    let (_, thread_id) = first_turn(&shop, "Go").await;
    assert_eq!(shop.items(&thread_id).await[1]["arguments"], nested(DEEPEST));

    for levels in [DEEPEST + 1, 127, 128, 1_000] {
        let shop = self::shop([]).await;
        shop.app.model.then(function_call(
            "call_1",
            "pick",
            &format!("{}{{}}{}", r#"{"a":"#.repeat(levels - 1), "}".repeat(levels - 1)),
        ));
        shop.app.model.then(answer("Sorry"));
        let (events, thread_id) = first_turn(&shop, "Go").await;
        assert_eq!(*said(&events), "Sorry", "{levels}");
        let why =
            if levels < 128 { "the arguments are nested too deeply" } else { "the arguments are not a JSON object" };
        assert_eq!(shop.shown()[1][2], format!(r#"output: {{"error":"{why}"}}"#), "{levels}");
        assert_eq!(shop.items(&thread_id).await.len(), 2, "{levels}");
        shop.app.model.then(answer("Yes"));
        assert_eq!(*said(&shop.app.add("alice", &thread_id, "Still there?").await), "Yes", "{levels}");
    }
}

#[tokio::test]
async fn client_tool_output_nested_too_deeply_is_refused() {
    let shop = shop([]).await;
    shop.app.model.then(pick(1));
    let (_, thread_id) = first_turn(&shop, "Go").await;
    for levels in [DEEPEST + 1, 126] {
        let refused = shop.output(&thread_id, nested(levels)).await.error(400, "bad_request");
        assert_eq!(refused, "`result` is nested too deeply");
    }
    shop.app.model.then(answer("There"));
    assert_eq!(*said(&shop.output(&thread_id, nested(DEEPEST)).await.events()), "There");
    assert_eq!(shop.items(&thread_id).await[1]["output"], nested(DEEPEST));
}

#[tokio::test]
async fn endpoint_effects_nested_too_deeply_are_refused() {
    let card = |levels: usize| json!({ "type": "Card", "children": [], "more": nested(levels - 1) });
    let kept = [
        json!({ "type": "widget", "widget": card(DEEPEST) }),
        json!({ "type": "hidden_context", "content": nested(DEEPEST) }),
    ];
    let too_deep = [
        json!({ "type": "widget", "widget": card(DEEPEST + 1) }),
        json!({ "type": "replace_widget", "widget": card(DEEPEST + 1) }),
        json!({ "type": "hidden_context", "content": nested(123) }),
    ];
    let effects = |effect: &Value| in_json(&json!({ "effects": [effect] }));
    let shop = shop(kept.iter().chain(&too_deep).map(effects)).await;
    shop.app.model.then(answer("Hello"));
    let (_, thread_id) = first_turn(&shop, "Hi").await;
    let action = json!({ "thread_id": thread_id, "action": { "type": "go" } });
    for effect in &kept {
        let answer = shop.send("threads.sync_custom_action", action.clone()).await;
        assert_eq!(answer.status, 200, "{effect}");
    }
    for effect in &too_deep {
        let answer = shop.send("threads.sync_custom_action", action.clone()).await;
        assert_eq!(answer.status, 502, "{effect}");
    }
    let items = shop.items(&thread_id).await;
    assert_eq!(items.len(), 3, "{items:?}");
    assert_eq!(items[2]["widget"], card(DEEPEST));
}

#[tokio::test]
async fn model_thoughts_nested_too_deeply_are_not_stored() {
    // Thoughts beside a call that waits for the page are kept on its item.
    for (levels, is_kept) in [(DEEPEST, true), (DEEPEST + 1, false), (125, false)] {
        let shop = shop([]).await;
        let reasoning = json!({
            "id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA", "more": nested(levels - 1),
        });
        let call = call_events("call_1", "pick", "{}").map(|event| event.item(1));
        let start = [created("resp_1"), item_added(&reasoning), item_done(&reasoning)];
        shop.app.model.then(sse(start.into_iter().chain(call).chain([completed(usage(1, 0, 1, 0))])));
        let (_, thread_id) = first_turn(&shop, "Go").await;
        shop.app.model.then(answer("There"));
        assert_eq!(*said(&shop.output(&thread_id, json!(1)).await.events()), "There", "{levels}");
        let requests = shop.app.model.requests();
        assert_eq!(requests.last().unwrap().body.to_string().contains("gAAAA"), is_kept, "{levels}");
    }
}

#[tokio::test]
async fn tags_and_action_payloads_of_the_deepest_nesting_are_stored() {
    let shop = shop([in_json(&json!({})), in_json(&json!({}))]).await;
    shop.app.model.on(|request| !request.is_title(), answer("Hello"));
    // The deepest that a request can have is not too deep for the item.
    let tag = json!({ "type": "input_tag", "id": "t", "text": "lamp", "data": nested(123) });
    let input = json!({ "content": [tag], "attachments": [], "inference_options": {} });
    let events = shop.send("threads.create", json!({ "input": input })).await.events();
    let thread_id = crate::harness::app::thread_id(&events);
    let thread = shop.send("threads.get_by_id", json!({ "thread_id": thread_id })).await;
    assert_eq!(thread.status, 200);

    let action =
        |levels: usize| json!({ "thread_id": thread_id, "action": { "type": "go", "payload": nested(levels) } });
    assert_eq!(shop.send("threads.sync_custom_action", action(DEEPEST)).await.status, 200);
    let refused = shop.send("threads.sync_custom_action", action(DEEPEST + 1)).await.error(400, "bad_request");
    assert_eq!(refused, "`action.payload` is nested too deeply");
    assert_eq!(shop.told().len(), 1);
}
