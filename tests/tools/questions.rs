use serde_json::{Value, json};

use super::{Shop, answered, first_turn, said};
use crate::harness::responses::{answer, function_call};
use crate::harness::site::json as in_json;

fn questions() -> Value {
    json!([
        {
            "type": "multiple_choice", "id": "color", "question": "Which color?",
            "options": [{ "value": "red" }, { "value": "blue" }],
        },
        {
            "type": "multiple_choice", "id": "size", "question": "Which sizes?", "multiple": true,
            "options": [{ "value": "s" }, { "value": "m" }],
        },
        { "type": "freeform", "id": "note", "question": "Anything else?", "description": "A word or two" },
    ])
}

/// A thread in which the person is asked; the id of the questions.
async fn asked(shop: &Shop) -> (String, String) {
    shop.app.model.then(function_call("call_1", "find_order", "{}"));
    let (events, thread_id) = first_turn(shop, "Sell me something").await;
    let told = answered(&events);
    let item = &told.last().unwrap()["item"];
    assert_eq!((&item["type"], &item["status"]), (&json!("structured_input"), &json!("pending")));
    assert_eq!(item["inputs"].as_array().unwrap().len(), 3);
    assert_eq!(shop.shown().len(), 1, "the model waits for the person");
    let asked = events.iter().find(|event| event["item"]["type"] == "structured_input").unwrap();
    (thread_id, asked["item"]["id"].as_str().unwrap().to_owned())
}

async fn shop() -> Shop {
    let effects = json!([{ "type": "structured_input", "inputs": questions() }]);
    Shop::with([in_json(&json!({ "effects": effects }))]).await
}

fn params(thread_id: &str, item_id: &str, input: &Value) -> Value {
    json!({ "thread_id": thread_id, "item_id": item_id, "input": input })
}

const ANSWER: &str = "threads.add_structured_input";

#[tokio::test]
async fn questions_when_answered_continue_the_turn() {
    let shop = shop().await;
    let (thread_id, item_id) = asked(&shop).await;
    shop.app.model.then(answer("Here you are"));
    let answers = json!({
        "color": { "values": ["blue", "red"] },
        "size": { "values": ["s", "m"] },
        "note": { "values": [] },
        "unknown": { "values": ["x"] },
    });
    let events = shop.send(ANSWER, params(&thread_id, &item_id, &json!({ "answers": answers }))).await.events();
    assert_eq!(events[0]["type"], "stream_options");
    assert_eq!(events[1]["type"], "thread.item.replaced");
    let item = &events[1]["item"];
    assert_eq!((&item["id"], &item["status"]), (&json!(item_id), &json!("answered")));
    let given: Vec<_> = item["inputs"].as_array().unwrap().iter().map(|input| input["answer"].clone()).collect();
    assert_eq!(
        given,
        [
            json!({ "values": ["blue"], "skipped": false }),
            json!({ "values": ["s", "m"], "skipped": false }),
            json!({ "values": [], "skipped": true }),
        ]
    );
    assert_eq!(*said(&events), "Here you are");
    let items = shop.items(&thread_id).await;
    assert_eq!(items.iter().find(|item| item["id"] == item_id.as_str()), Some(&events[1]["item"]));

    let shown = &shop.shown()[1];
    assert_eq!(shown[..2], ["user: Sell me something", "call: find_order({})"]);
    assert!(shown[2].starts_with("output: ") && shown[2].len() > 8, "a call has an output: {shown:?}");
    let questions = shown.last().unwrap();
    assert!(
        questions.contains("Which color?: blue") && questions.contains("Anything else?: passed over"),
        "{questions}"
    );
}

#[tokio::test]
async fn questions_when_skipped_continue_the_turn() {
    let shop = shop().await;
    let (thread_id, item_id) = asked(&shop).await;
    shop.app.model.then(answer("As you like"));
    let input = json!({ "status": "skipped", "answers": { "color": { "values": ["red"] } } });
    let events = shop.send(ANSWER, params(&thread_id, &item_id, &input)).await.events();
    let item = &events[1]["item"];
    assert_eq!(item["status"], "skipped");
    assert!(item["inputs"].as_array().unwrap().iter().all(|input| input["answer"]["skipped"] == true));
}

#[tokio::test]
async fn questions_with_an_invalid_answer_are_refused() {
    let shop = shop().await;
    let (thread_id, item_id) = asked(&shop).await;
    let message_id = shop.items(&thread_id).await[0]["id"].as_str().unwrap().to_owned();
    let send = |item_id: &str| shop.send(ANSWER, params(&thread_id, item_id, &json!({})));
    assert_eq!(send(&message_id).await.error(400, "bad_request"), "`item_id` must name questions to the user");
    assert_eq!(send("msg_none").await.error(404, "not_found"), "this item does not exist");
    let foreign = json!({ "type": ANSWER, "params": params(&thread_id, &item_id, &json!({})) });
    shop.app.chatkit("eve", &foreign).await.error(404, "not_found");
    let long = json!({ "answers": { "note": { "values": ["x".repeat(10_001)] } } });
    let refused = shop.send(ANSWER, params(&thread_id, &item_id, &long)).await.error(400, "bad_request");
    assert_eq!(refused, "the answers have more than 10000 characters");

    shop.app.model.then(answer("Fine"));
    send(&item_id).await.events();
    assert_eq!(send(&item_id).await.error(400, "bad_request"), "these questions are answered already");
}

#[tokio::test]
async fn questions_may_be_answered_after_another_message() {
    let shop = shop().await;
    let (thread_id, item_id) = asked(&shop).await;
    shop.app.model.then(answer("Ten euros"));
    shop.app.add("alice", &thread_id, "What does it cost?").await;
    assert!(shop.shown()[1].iter().any(|line| line.contains("not answered yet")));
    shop.app.model.then(answer("Good choice"));
    let input = json!({ "answers": { "color": { "values": ["red"] } } });
    let events = shop.send(ANSWER, params(&thread_id, &item_id, &input)).await.events();
    assert_eq!(*said(&events), "Good choice");
    let kinds: Vec<_> =
        shop.items(&thread_id).await.iter().map(|item| item["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(
        kinds,
        ["user_message", "workflow", "structured_input", "user_message", "assistant_message", "assistant_message"]
    );
}
