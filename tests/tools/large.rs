//! What tools and people give can be large: it is stored, or refused before anything is.

use serde_json::{Value, json};

use super::{Shop, first_turn, said};
use crate::harness::responses::{answer, function_call, function_calls};
use crate::harness::site::{Site, json as in_json};

/// What an endpoint may answer at most, in bytes.
const LARGEST_ANSWER: usize = 262_144;

/// A site whose endpoint gives these answers, each as large as may be, and a function of the page; without a budget.
async fn shop(answers: impl IntoIterator<Item = &Value>) -> Shop {
    let answers = answers.into_iter().map(in_json).collect::<Vec<_>>();
    let site = Site::new(answers).await;
    let parameters = json!({ "type": "object", "properties": { "a": { "type": "string" } } });
    let function = |name: &str, run: Value| {
        let description = name;
        json!({
            "type": "function", "name": name, "description": description, "parameters": parameters, "run": run,
        })
    };
    let tools = json!([
        function("find_order", json!({ "url": site.url, "largest_answer_bytes": LARGEST_ANSWER })),
        function("get_selection", json!("client")),
    ]);
    let fields = json!({ "tools": tools, "actions": null });
    let variables =
        [("LIMIT_USER_TOKENS_PER_HOUR", "0"), ("LIMIT_MESSAGE_CHARS", "0"), ("MAX_CONTEXT_TOKENS", "1000000")];
    Shop { site, ..Shop::configured([], &fields, variables).await }
}

/// What an endpoint answers, with so much text put in place of `…` that it is as large as may be.
fn filled(answer: &Value) -> Value {
    let text = answer.to_string();
    let room = LARGEST_ANSWER + '…'.len_utf8() - text.len();
    serde_json::from_str(&text.replace('…', &"x".repeat(room))).unwrap()
}

#[tokio::test]
async fn largest_effects_of_an_endpoint_are_stored() {
    let children = json!([{ "type": "Text", "value": "…" }]);
    let widget = json!({ "type": "Card", "children": children });
    for (kind, effect) in [
        ("widget", json!({ "type": "widget", "widget": widget, "copy_text": "\u{1}".repeat(10_000) })),
        ("widget", json!({ "type": "widget", "key": "one", "widget": widget })),
        ("assistant_message", json!({ "type": "hidden_context", "content": "…" })),
    ] {
        let largest = filled(&json!({ "output": "shown", "effects": [effect] }));
        // Beside it stands what the model is told of another call.
        let other = filled(&json!({ "output": "…" }));
        let shop = shop([&other, &largest]).await;
        shop.app.model.then(function_call("call_1", "find_order", "{}"));
        shop.app.model.then(function_call("call_2", "find_order", "{}"));
        shop.app.model.then(answer("There"));
        let (events, thread_id) = first_turn(&shop, "Show me").await;
        assert_eq!(*said(&events), "There", "{effect}");
        assert!(shop.items(&thread_id).await.iter().any(|item| item["type"] == kind), "{kind}");
    }
}

#[tokio::test]
async fn largest_client_tool_calls_take_the_largest_outputs() {
    let shop = shop([&filled(&json!({ "output": "…" }))]).await;
    let long = json!({ "a": "x".repeat(20_000) }).to_string();
    shop.app.model.then(function_calls(&[
        ("call_1", "get_selection", &long),
        ("call_2", "find_order", "{}"),
        ("call_3", "get_selection", &long),
        ("call_4", "get_selection", &long),
        ("call_5", "get_selection", &long),
    ]));
    let (_, thread_id) = first_turn(&shop, "Everything").await;
    let output = json!("z".repeat(128 * 1024 - 2));
    let more = json!("z".repeat(128 * 1024 - 1));
    let too_large = shop.output(&thread_id, more).await.error(400, "bad_request");
    assert_eq!(too_large, "`result` is larger than 128 KB");
    shop.app.model.then(answer("There"));
    for _ in 0..2 {
        shop.output(&thread_id, output.clone()).await.events();
    }
    let events = shop.output(&thread_id, output.clone()).await.events();
    assert_eq!(*said(&events), "There");
    let items = shop.items(&thread_id).await;
    let calls = items.iter().filter(|item| item["type"] == "client_tool_call");
    assert_eq!(calls.map(|call| &call["output"]).collect::<Vec<_>>(), [&output; 3]);
    let told = shop.shown().pop().unwrap();
    assert!(told.contains(&r#"output: {"error":"the arguments are too long"}"#.to_owned()));
}

#[tokio::test]
async fn largest_answers_to_questions_are_stored() {
    let choices: Vec<_> = (0..100).map(|choice| json!({ "value": format!("{choice}{}", "c".repeat(230)) })).collect();
    let inputs = (0..9).map(|number| {
        json!({ "type": "multiple_choice", "id": number.to_string(), "question": "Which?", "options": choices })
    });
    let note = json!({ "type": "freeform", "id": "note", "question": "What?" });
    let inputs: Vec<_> = inputs.chain([note]).collect();
    assert!((200_000..LARGEST_ANSWER).contains(&json!(inputs).to_string().len()));
    let shop = shop([&json!({ "effects": [{ "type": "structured_input", "inputs": inputs }] })]).await;
    shop.app.model.then(function_call("call_1", "find_order", "{}"));
    let (events, thread_id) = first_turn(&shop, "Ask me").await;
    let asked = events.iter().find(|event| event["item"]["type"] == "structured_input").unwrap();
    let params = |text: String| {
        let input = json!({ "answers": { "note": { "values": [text] } } });
        json!({ "thread_id": thread_id, "item_id": asked["item"]["id"], "input": input })
    };
    // Six bytes each, as JSON.
    let (most, more) = ("\u{1}".repeat(64 * 1024 / 6), "\u{1}".repeat(64 * 1024 / 6 + 1));
    let refused = shop.send("threads.add_structured_input", params(more)).await.error(400, "bad_request");
    assert_eq!(refused, "the answers are larger than 64 KB");
    shop.app.model.then(answer("Thank you"));
    let events = shop.send("threads.add_structured_input", params(most)).await.events();
    assert_eq!(*said(&events), "Thank you");
}
