//! Answers that are none, and effects that cannot be carried out.

use chatkit_shared::endpoints::{EndpointError, Expects};
use serde_json::{Value, json};

use super::{call, collect, endpoint, error};
use crate::harness::site::{Site, answer, json as document};

async fn refusal(effects: Value) -> &'static str {
    let site = Site::new([document(&json!({ "effects": effects }))]).await;
    let mut large = endpoint(&site.url);
    large.max_answer_bytes = 1 << 18;
    match collect(call(&large, Expects::Output)).await.1 {
        Some(EndpointError::Malformed(what)) => what,
        other => panic!("{other:?}: {effects}"),
    }
}

#[tokio::test]
async fn endpoint_answer_of_another_type_is_malformed() {
    const NO_TYPE: &str = "has a content type other than `text/plain`, `application/json` and `text/event-stream`";
    const NO_EFFECT: &str = "has something that is not an effect";
    for (content_type, body, expected) in [
        ("application/json", &b""[..], "is not JSON"),
        ("application/json", b"{", "is not JSON"),
        ("application/json", b"{} {}", "is not JSON"),
        ("application/json", b"{\"output\": \"\xff\"}", "is not UTF-8"),
        ("text/plain", b"\xff\xfe", "is not UTF-8"),
        ("text/html", b"<p>done</p>", NO_TYPE),
        ("application/octet-stream", b"done", NO_TYPE),
        ("application/jsonp", b"{}", NO_TYPE),
        ("", b"{}", NO_TYPE),
        ("text/event-stream", b"data: [DONE]\n\n", NO_EFFECT),
        ("text/event-stream", b"data: {\"type\":\"respond\"\n\n", NO_EFFECT),
        ("text/event-stream", b"data: {\"type\":\"unknown\"}\n\n", NO_EFFECT),
        ("text/event-stream", b"data: \xff\n\n", "is not an event stream"),
    ] {
        let site = Site::new([answer(content_type, body)]).await;
        let found = error(&endpoint(&site.url), Expects::Output).await;
        assert_eq!(found, EndpointError::Malformed(expected), "{content_type} {body:?}");
    }
}

#[tokio::test]
async fn effects_of_an_unknown_shape_are_malformed() {
    for effects in [
        json!(null),
        json!({}),
        json!("respond"),
        json!(["respond"]),
        json!([null]),
        json!([{}]),
        json!([{ "type": "Respond" }]),
        json!([{ "type": "output" }, {}]),
        json!([{ "type": "widget" }, {}]),
        json!([{ "type": "client_effect", "name": 5 }]),
        json!([{ "type": "client_effect", "name": "a", "data": [] }]),
        json!([{ "type": "progress_update" }]),
        json!([{ "type": "notice", "level": "fatal", "message": "x" }]),
        json!([{ "type": "structured_input" }]),
        json!([{ "type": "structured_input", "inputs": [{ "type": "slider", "id": "a", "question": "b" }] }]),
        json!([{ "type": "structured_input", "inputs": [{ "type": "multiple_choice", "id": "a", "question": "b" }] }]),
        json!([{ "type": "thread_title" }]),
    ] {
        assert_eq!(refusal(effects.clone()).await, "has something that is not an effect", "{effects}");
    }
}

#[tokio::test]
async fn effects_with_invalid_values_are_malformed() {
    let long = "x".repeat(501);
    let longer = "x".repeat(10_001);
    let card = json!({ "type": "Card" });
    for (what, effects) in [
        (
            "has a widget that is not valid",
            vec![
                json!({ "type": "widget", "widget": null }),
                json!({ "type": "widget", "widget": [] }),
                json!({ "type": "widget", "widget": "<b>" }),
                json!({ "type": "widget", "widget": {} }),
                json!({ "type": "widget", "widget": { "type": 5 } }),
                json!({ "type": "widget", "widget": { "type": "Text", "value": "x" } }),
                json!({ "type": "widget", "widget": card, "key": "" }),
                json!({ "type": "widget", "widget": card, "copy_text": longer }),
                json!({ "type": "replace_widget", "widget": { "type": "card" } }),
                json!({ "type": "replace_widget", "widget": card, "item_id": long }),
            ],
        ),
        (
            "has a client effect without a valid name",
            vec![json!({ "type": "client_effect", "name": " " }), json!({ "type": "client_effect", "name": long })],
        ),
        (
            "has a progress line that cannot be shown",
            vec![
                json!({ "type": "progress_update", "text": "" }),
                json!({ "type": "progress_update", "text": long }),
                json!({ "type": "progress_update", "text": "x", "icon": "unicorn" }),
            ],
        ),
        (
            "has a notice that cannot be shown",
            vec![
                json!({ "type": "notice", "level": "info", "message": "" }),
                json!({ "type": "notice", "level": "info", "message": longer }),
                json!({ "type": "notice", "level": "info", "message": "x", "title": long }),
            ],
        ),
        (
            "has a title that cannot be shown",
            vec![json!({ "type": "thread_title", "title": " " }), json!({ "type": "thread_title", "title": long })],
        ),
    ] {
        for effect in effects {
            assert_eq!(refusal(json!([effect])).await, what, "{effect}");
        }
    }
}

#[tokio::test]
async fn questions_with_invalid_inputs_are_malformed() {
    let write = |id: &str| json!({ "type": "freeform", "id": id, "question": "Why?" });
    let pick = |options: Value| json!({ "type": "multiple_choice", "id": "a", "question": "?", "options": options });
    let mut answered = write("a");
    answered["answer"] = json!({ "values": ["x"] });
    let eleven: Vec<_> = (0..11).map(|id| write(&id.to_string())).collect();
    for inputs in [
        json!([]),
        json!([write("")]),
        json!([write("a"), write("a")]),
        json!([write("a"), pick(json!([{ "value": "x" }]))]),
        json!([{ "type": "freeform", "id": "a", "question": "" }]),
        json!([pick(json!([]))]),
        json!([pick(json!([{ "value": "" }]))]),
        json!([pick(json!(vec![json!({ "value": "x" }); 101]))]),
        json!([answered]),
        json!(eleven),
    ] {
        let effect = json!([{ "type": "structured_input", "inputs": inputs }]);
        assert_eq!(refusal(effect).await, "has questions that cannot be asked", "{inputs}");
    }
}

#[tokio::test]
async fn effects_beyond_their_number_or_size_are_refused() {
    const TOO_MUCH: &str = "has too many effects";
    let widget = |key: Option<&str>| json!({ "type": "widget", "key": key, "widget": { "type": "Basic" } });
    assert_eq!(refusal(json!(vec![widget(None); 51])).await, TOO_MUCH);
    assert_eq!(refusal(json!(vec![json!({ "type": "hidden_context", "content": 1 }); 51])).await, TOO_MUCH);
    assert_eq!(refusal(json!(vec![json!({ "type": "respond" }); 1_001])).await, TOO_MUCH);
    // One widget that changes many times is one thing.
    let site = Site::new([document(&json!({ "effects": vec![widget(Some("k")); 900] }))]).await;
    let mut large = endpoint(&site.url);
    large.max_answer_bytes = 1 << 18;
    let (effects, error) = collect(call(&large, Expects::Output)).await;
    assert_eq!((effects.len(), error), (900, None));
}
