use serde_json::{Value, json};

use super::{Shop, first_turn, kinds};
use crate::harness::responses::{answer, function_call};
use crate::harness::site::stream;

fn card(text: &str, streaming: bool) -> Value {
    json!({ "type": "Card", "children": [{ "type": "Text", "id": "words", "value": text, "streaming": streaming }] })
}

#[tokio::test]
async fn widget_that_grows_is_streamed_in_deltas_and_stored_whole() {
    let effects = [
        json!({ "type": "widget", "key": "a", "widget": card("One", true), "copy_text": "One" }),
        json!({ "type": "widget", "key": "a", "widget": card("One two", true) }),
        json!({ "type": "widget", "key": "a", "widget": card("One two", true) }),
        json!({ "type": "widget", "key": "a", "widget": card("Three", false), "copy_text": "Three" }),
        json!({ "type": "output", "output": "shown" }),
    ];
    let events = effects.map(|effect| Ok(format!("data: {effect}\n\n").into()));
    let shop = Shop::with([stream("text/event-stream", futures_util::stream::iter(events))]).await;
    shop.app.model.then(function_call("call_1", "find_order", "{}"));
    shop.app.model.then(answer("See"));
    let (events, thread_id) = first_turn(&shop, "Show me").await;
    let about: Vec<_> = events
        .iter()
        .filter(|event| {
            event["item"]["type"] == "widget"
                || event["update"]["type"].as_str().is_some_and(|kind| kind.starts_with("widget"))
        })
        .cloned()
        .collect();
    assert_eq!(
        kinds(&about),
        ["added widget", "widget.streaming_text.value_delta", "widget.root.updated", "done widget"]
    );
    assert_eq!(
        about[1]["update"],
        json!({ "type": "widget.streaming_text.value_delta", "component_id": "words", "delta": " two", "done": false })
    );
    assert_eq!(about[2]["update"]["widget"], card("Three", false));
    let items = shop.items(&thread_id).await;
    let stored = items.iter().find(|item| item["type"] == "widget").unwrap();
    assert_eq!((stored, &stored["copy_text"]), (&about[3]["item"], &json!("Three")));
    assert!(shop.shown()[1].iter().any(|line| line == "output: shown"));

    // Later turns know what the person sees.
    shop.app.model.then(answer("Yes"));
    shop.app.add("alice", &thread_id, "Nice").await;
    assert!(shop.shown()[2].iter().any(|line| line.contains("Three")), "{:?}", shop.shown()[2]);
}
