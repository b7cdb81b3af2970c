//! The bytes of a streamed answer.

use insta::assert_snapshot;
use serde_json::json;

use super::{operation, retry};
use crate::harness::app::{Answer, App, add, chatkit, create, input};
use crate::harness::live::Live;
use crate::harness::model::Gate;
use crate::harness::names::{Names, lines_of};
use crate::harness::responses::answer;

/// The events of an answer, byte for byte, a line each.
fn data(answer: &str) -> String {
    let event = |frame: &str| {
        let (event, position) = frame.strip_prefix("data: ")?.strip_suffix("\n\n")?.split_once("\nid: ")?;
        position.starts_with("thr_").then(|| format!("{event}\n"))
    };
    answer.split_inclusive("\n\n").map(|frame| event(frame).unwrap_or_else(|| panic!("no event: {frame:?}"))).collect()
}

fn headers(answer: &Answer) -> Vec<(&str, &str)> {
    let mut headers: Vec<_> =
        answer.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    headers.sort_unstable();
    headers.retain(|(name, _)| *name != "vary" && *name != "x-request-id" && !name.starts_with("access-control"));
    headers
}

#[tokio::test]
async fn stream_of_a_thread_from_creation_to_retry_has_exactly_these_bytes() {
    let app = App::start().await;
    let title = Gate::closed();
    app.model.rather(|request| request.is_title(), answer("A title").before(&title));
    let mut names = Names::default();

    app.model.then(answer("Héllo there"));
    let mut live = app.live("alice", &create("Hi")).await;
    while live.until("thread.item.done").await["item"]["type"] != "assistant_message" {}
    title.open();
    let text = live.end().await;
    assert_snapshot!(lines_of(&names.text(&data(&text))), @r#"
    {"type":"thread.created","thread":{"id":"thr_1","created_at":"2026-11-20T12:00:00Z",
      "status":{"type":"active"},"metadata":{},"items":{"data":[],"has_more":false}}}
    {"type":"thread.item.done","item":{"type":"user_message","id":"msg_1","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:00Z","content":[{"type":"input_text","text":"Hi"}],"attachments":[],
      "inference_options":{}}}
    {"type":"stream_options","stream_options":{"allow_cancel":true}}
    {"type":"thread.item.added","item":{"type":"assistant_message","id":"msg_2","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:00Z","content":[]}}
    {"type":"thread.item.updated","item_id":"msg_2",
      "update":{"type":"assistant_message.content_part.added","content_index":0,
      "content":{"type":"output_text","annotations":[],"text":""}}}
    {"type":"thread.item.updated","item_id":"msg_2",
      "update":{"type":"assistant_message.content_part.text_delta","content_index":0,"delta":"Héllo "}}
    {"type":"thread.item.updated","item_id":"msg_2",
      "update":{"type":"assistant_message.content_part.text_delta","content_index":0,"delta":"there"}}
    {"type":"thread.item.updated","item_id":"msg_2",
      "update":{"type":"assistant_message.content_part.done","content_index":0,
      "content":{"type":"output_text","annotations":[],"text":"Héllo there"}}}
    {"type":"thread.item.done","item":{"type":"assistant_message","id":"msg_2","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:00Z","content":[{"type":"output_text","annotations":[],
      "text":"Héllo there"}]}}
    {"type":"thread.updated","thread":{"title":"A title","id":"thr_1",
      "created_at":"2026-11-20T12:00:00Z","status":{"type":"active"},"metadata":{},"items":{"data":[],
      "has_more":false}}}
    "#);

    app.clock.advance(1_500);
    app.model.then(answer("ok"));
    let thread_id = names.id("thr_1");
    let message = json!({
        "content": [
            { "type": "input_text", "text": "see " },
            { "type": "input_tag", "id": "doc1", "text": "Doc", "data": { "k": null }, "group": "g", "unknown": 1 },
            { "type": "input_tag", "id": "doc2", "text": "Other", "group": null },
        ],
        "attachments": [],
        "quoted_text": "Héllo",
        "inference_options": { "tool_choice": { "id": "search" }, "model": "gpt-x" },
    });
    let add = operation("threads.add_user_message", json!({ "thread_id": thread_id, "input": message }));
    let added = app.chatkit("alice", &add).await;
    assert_eq!(
        headers(&added),
        [
            ("cache-control", "no-cache, no-transform"),
            ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
            ("content-type", "text/event-stream; charset=utf-8"),
            ("referrer-policy", "no-referrer"),
            ("x-accel-buffering", "no"),
            ("x-content-type-options", "nosniff"),
        ]
    );
    assert_snapshot!(lines_of(&names.text(&data(&added.text))), @r#"
    {"type":"thread.item.done","item":{"type":"user_message","id":"msg_3","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:01.5Z","content":[{"type":"input_text","text":"see "},
      {"type":"input_tag","id":"doc1","text":"Doc","data":{"k":null},"group":"g","interactive":false},
      {"type":"input_tag","id":"doc2","text":"Other","data":{},"interactive":false}],"attachments":[],
      "quoted_text":"Héllo","inference_options":{"tool_choice":{"id":"search"},"model":"gpt-x"}}}
    {"type":"stream_options","stream_options":{"allow_cancel":true}}
    {"type":"thread.item.added","item":{"type":"assistant_message","id":"msg_4","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:01.5Z","content":[]}}
    {"type":"thread.item.updated","item_id":"msg_4",
      "update":{"type":"assistant_message.content_part.added","content_index":0,
      "content":{"type":"output_text","annotations":[],"text":""}}}
    {"type":"thread.item.updated","item_id":"msg_4",
      "update":{"type":"assistant_message.content_part.text_delta","content_index":0,"delta":"ok"}}
    {"type":"thread.item.updated","item_id":"msg_4",
      "update":{"type":"assistant_message.content_part.done","content_index":0,
      "content":{"type":"output_text","annotations":[],"text":"ok"}}}
    {"type":"thread.item.done","item":{"type":"assistant_message","id":"msg_4","thread_id":"thr_1",
      "created_at":"2026-11-20T12:00:01.5Z","content":[{"type":"output_text","annotations":[],
      "text":"ok"}]}}
    "#);

    // The answer is dropped and made anew, with a new id.
    app.model.then(answer("ok"));
    let retried = app.chatkit("alice", &retry(&thread_id, &names.id("msg_3"))).await;
    assert_eq!(headers(&retried), headers(&added));
    let added = data(&added.text);
    let (_question, answer) = added.split_once('\n').unwrap();
    assert_eq!(names.text(&data(&retried.text)), names.text(answer).replace("msg_4", "msg_5"));
    let thread = names.json(&super::reload(&app, "alice", &thread_id).await);
    let ids: Vec<_> = thread["items"]["data"].as_array().unwrap().iter().map(|item| &item["id"]).collect();
    assert_eq!(ids, ["msg_1", "msg_2", "msg_3", "msg_5"]);
}

#[tokio::test]
async fn stream_sends_the_first_events_before_the_model_answers() {
    let app = App::start().await;
    let gate = Gate::closed();
    app.model.then(answer("Hello").before(&gate));
    let mut live = Live::of(app.begin(chatkit("alice", &create("Hi"))).await);
    for kind in ["thread.created", "thread.item.done", "stream_options"] {
        assert_eq!(live.next().await.unwrap()["type"], kind);
    }
    gate.open();
    live.until("thread.item.added").await;
}

#[tokio::test]
async fn stream_sends_one_delta_for_each_delta_of_the_model() {
    let app = App::start().await;
    let thread_id = super::thread(&app, "alice").await;
    let gate = Gate::closed();
    app.model.then(answer("one two three").stepwise(&gate));
    let mut live = app.live("alice", &add(&thread_id, "count")).await;
    // The head of the answer, the message and its part.
    (0..3).for_each(|_| gate.open());
    live.until("thread.item.updated").await;
    for word in ["one ", "two ", "three"] {
        gate.open();
        assert_eq!(live.next().await.unwrap()["update"]["delta"], word);
    }
    gate.open_for_good();
    assert_eq!(super::kinds(&live.rest().await), ["assistant_message.content_part.done", "thread.item.done"]);
}

#[tokio::test]
async fn stream_with_unusual_characters_leaves_them_unchanged() {
    let app = App::start().await;
    for text in [
        "\0",
        "a\u{2028}b\r\n\tc\u{85}\u{2029}",
        "data: x\n\ndata: y",
        "😀 \u{fffd} \u{10ffff}",
        "\"\\</script>",
        "  x  ",
    ] {
        app.model.then(answer(text));
        let streamed = app.chatkit("alice", &create(text)).await;
        // Some clients take these as ends of lines.
        assert!(!streamed.text.contains(['\u{85}', '\u{2028}', '\u{2029}']));
        let events = streamed.events();
        assert_eq!(events[1]["item"]["content"], input(text)["content"]);
        let thread_id = crate::harness::app::thread_id(&events);
        let thread = super::reload(&app, "alice", &thread_id).await;
        assert_eq!(thread["items"]["data"][0]["content"][0]["text"], text);
        assert_eq!(thread["items"]["data"][1]["content"][0]["text"], text);
    }
}
