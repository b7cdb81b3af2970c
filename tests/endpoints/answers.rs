//! Each form that an answer can have.

use std::sync::Arc;

use bytes::Bytes;
use chatkit_shared::endpoints::{Effect, EndpointError, Expects, Output};
use chatkit_shared::protocol::{Choice, NoticeLevel, StructuredInput};
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use tokio::sync::Notify;

use super::{call, effects, endpoint, error};
use crate::harness::site::{Site, answer, json as document, status, stream as streamed};

fn text(text: &str) -> Effect {
    Effect::Output { output: Output::Text(text.to_owned()) }
}

fn output(value: Value) -> Effect {
    Effect::Output { output: Output::Json(value) }
}

#[tokio::test]
async fn tool_answer_in_text_is_the_output() {
    for (content_type, body) in [
        ("text/plain", "done"),
        ("text/plain; charset=utf-8", "{\"effects\":[]}"),
        ("Text/Plain;charset=utf-8", "größer\n\n日本"),
        ("text/plain", ""),
    ] {
        let site = Site::new([answer(content_type, body)]).await;
        assert_eq!(effects(&endpoint(&site.url), Expects::Output).await, [text(body)]);
    }
    let site = Site::new([status(204)]).await;
    assert_eq!(effects(&endpoint(&site.url), Expects::Output).await, [text("")]);
}

#[tokio::test]
async fn tool_answer_in_json_is_the_output_or_an_envelope() {
    let respond = || Effect::Respond;
    for (body, expected) in [
        (json!("done"), vec![text("done")]),
        (json!(5), vec![output(json!(5))]),
        (json!(null), vec![output(json!(null))]),
        (json!([{ "type": "respond" }]), vec![output(json!([{ "type": "respond" }]))]),
        (json!({}), vec![output(json!({}))]),
        (json!({ "status": "sent" }), vec![output(json!({ "status": "sent" }))]),
        (json!({ "output": 1, "more": 2 }), vec![output(json!({ "output": 1, "more": 2 }))]),
        (json!({ "output": "done" }), vec![text("done")]),
        (json!({ "output": null }), vec![output(json!(null))]),
        (json!({ "output": { "a": 0.1 } }), vec![output(json!({ "a": 0.1 }))]),
        (json!({ "effects": [] }), vec![]),
        (json!({ "effects": [{ "type": "respond" }] }), vec![respond()]),
        (json!({ "output": "done", "effects": [{ "type": "respond" }] }), vec![respond(), text("done")]),
    ] {
        let site = Site::new([document(&body)]).await;
        assert_eq!(effects(&endpoint(&site.url), Expects::Output).await, expected, "{body}");
    }
}

#[tokio::test]
async fn action_answer_has_effects_only() {
    for answer in [
        document(&json!({})),
        document(&json!({ "effects": [] })),
        answer("text/plain", ""),
        answer("text/event-stream", ""),
        status(204),
    ] {
        let site = Site::new([answer]).await;
        assert_eq!(effects(&endpoint(&site.url), Expects::Effects).await, []);
    }
    let site = Site::new([document(&json!({ "effects": [{ "type": "respond" }], "output": "done" }))]).await;
    assert_eq!(effects(&endpoint(&site.url), Expects::Effects).await, [Effect::Respond, text("done")]);
    for answer in [
        document(&json!({ "status": "sent" })),
        document(&json!({ "effects": [], "more": 1 })),
        document(&json!([])),
        document(&json!(null)),
        document(&json!("done")),
        answer("text/plain", "done"),
    ] {
        let site = Site::new([answer]).await;
        assert!(matches!(error(&endpoint(&site.url), Expects::Effects).await, EndpointError::Malformed(_)));
    }
}

#[tokio::test]
async fn effect_of_every_kind_is_read() {
    let card = json!({ "type": "Card", "children": [] });
    let widget = |key: Option<&str>, copy_text: Option<&str>| Effect::Widget {
        key: key.map(ToOwned::to_owned),
        widget: card.clone(),
        copy_text: copy_text.map(ToOwned::to_owned),
    };
    let pick = StructuredInput::MultipleChoice {
        id: "size".to_owned(),
        question: "Which size?".to_owned(),
        answer: None,
        options: vec![Choice { value: "S".to_owned() }],
        multiple: false,
    };
    let write = StructuredInput::Freeform {
        id: "why".to_owned(),
        question: "Why?".to_owned(),
        answer: None,
        description: Some("In a word".to_owned()),
    };
    let line = |text: &str| text.to_owned();
    let all = [
        (json!({ "type": "output", "output": "a" }), text("a")),
        (json!({ "type": "output", "output": [1] }), output(json!([1]))),
        (json!({ "type": "widget", "widget": card }), widget(None, None)),
        (json!({ "type": "widget", "key": "k", "widget": card, "copy_text": "c" }), widget(Some("k"), Some("c"))),
        (
            json!({ "type": "replace_widget", "item_id": "msg_1", "widget": card }),
            Effect::ReplaceWidget { item_id: Some(line("msg_1")), widget: card.clone(), copy_text: None },
        ),
        (
            json!({ "type": "client_effect", "name": "go", "data": { "a": null } }),
            Effect::ClientEffect { name: line("go"), data: json!({ "a": null }).as_object().unwrap().clone() },
        ),
        (
            json!({ "type": "progress_update", "text": "Looking", "icon": "search" }),
            Effect::ProgressUpdate { text: line("Looking"), icon: Some(line("search")) },
        ),
        (
            json!({ "type": "notice", "level": "danger", "message": "**No**", "title": null }),
            Effect::Notice { level: NoticeLevel::Danger, message: line("**No**"), title: None },
        ),
        (
            json!({ "type": "structured_input", "inputs": [
                { "type": "multiple_choice", "id": "size", "question": "Which size?", "options": [{ "value": "S" }] },
                { "type": "freeform", "id": "why", "question": "Why?", "description": "In a word" },
            ] }),
            Effect::StructuredInput { inputs: vec![pick, write] },
        ),
        (json!({ "type": "hidden_context", "content": [null] }), Effect::HiddenContext { content: json!([null]) }),
        (json!({ "type": "thread_title", "title": "T" }), Effect::ThreadTitle { title: line("T") }),
        (json!({ "type": "respond", "unknown": 1 }), Effect::Respond),
    ];
    let (documents, expected): (Vec<_>, Vec<_>) = all.into_iter().unzip();
    let events: String = documents.iter().map(|effect| format!("data: {effect}\n\n")).collect();
    for answer in [document(&json!({ "effects": documents })), answer("text/event-stream; charset=utf-8", events)] {
        let site = Site::new([answer]).await;
        assert_eq!(effects(&endpoint(&site.url), Expects::Output).await, expected);
    }
}

#[tokio::test]
async fn widget_loses_its_null_fields() {
    let widget = json!({
        "type": "Card", "size": null, "children": [
            null,
            { "type": "Text", "value": "x", "color": null, "style": { "a": null, "b": [null, 1] } },
            { "type": "Box", "children": null },
        ],
    });
    let expected = json!({
        "type": "Card", "children": [
            { "type": "Text", "value": "x", "style": { "b": [1] } },
            { "type": "Box", "children": null },
        ],
    });
    let site = Site::new([document(&json!({ "effects": [{ "type": "widget", "widget": widget }] }))]).await;
    let found = effects(&endpoint(&site.url), Expects::Output).await;
    assert_eq!(found, [Effect::Widget { key: None, widget: expected, copy_text: None }]);
}

#[tokio::test]
async fn effects_in_a_stream_arrive_one_by_one() {
    let gate = Arc::new(Notify::new());
    let line = |text: &str| Effect::ProgressUpdate { text: text.to_owned(), icon: None };
    let parts = [
        "data: {\"type\":\"progress_update\",",
        "\"text\":\"one\"}\r\n\r\n: ping\n\n",
        "data: {\"type\":\n",
        "data: \"progress_update\",\"text\":\"two\"}\n\n",
    ];
    let opened = gate.clone();
    let body = stream::iter(parts).enumerate().then(move |(index, part)| {
        let gate = opened.clone();
        async move {
            if index == 2 {
                gate.notified().await;
            }
            Ok::<_, std::io::Error>(Bytes::from(part))
        }
    });
    let site = Site::new([streamed("text/event-stream", body)]).await;
    let mut stream = call(&endpoint(&site.url), Expects::Output);
    assert_eq!(stream.next().await, Some(Ok(line("one"))));
    gate.notify_one();
    assert_eq!(stream.next().await, Some(Ok(line("two"))));
    assert_eq!(stream.next().await, None);
}
