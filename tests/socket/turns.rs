//! Turns: the same events as over HTTP, in frames.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::app::{App, add, create, thread_id};
use crate::harness::model::Gate;
use crate::harness::names::Names;
use crate::harness::responses::{
    answer, completed, created, delta, message_added, message_done, part_added, part_done, sse, text_done, usage,
};
use crate::harness::socket::{Answered, Sockets};

#[tokio::test]
async fn turn_over_a_socket_has_the_same_events_as_over_http() {
    let over_http = App::start().await;
    over_http.model.then(answer("Hello there"));
    let expected = Names::default().json(&over_http.create("alice", "Hi").await);

    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    sockets.app.model.then(answer("Hello there"));
    client.ask("first", &create("Hi")).await;
    let answered = client.answer().await;
    assert_eq!(answered.id, Some(json!("first")));
    let events = answered.events();
    assert_eq!(Names::default().json(&events), expected);

    // On the same socket, and what both have stored, over HTTP.
    let thread = thread_id(&events);
    sockets.app.model.then(answer("Again"));
    client.ask("second", &add(&thread, "And again")).await;
    assert_eq!(client.answer().await.events().last().unwrap()["item"]["content"][0]["text"], "Again");
    let read = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread } });
    let stored = sockets.app.chatkit("alice", &read).await.json();
    client.ask("third", &read).await;
    assert_eq!(client.reply("third").await, stored);
    assert_eq!(stored["items"]["data"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn request_without_an_envelope_is_answered_without_an_id() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    sockets.app.model.then(answer("Hello there"));
    client.send(&create("Hi").to_string()).await;
    let answered = client.answer().await;
    assert_eq!(answered.id, None);
    assert_eq!(answered.events()[0]["type"], "thread.created");
    client.send(r#"{"type":"threads.list","params":{}}"#).await;
    let frame = client.frame().await;
    assert_eq!((&frame["seq"], &frame["reply"]["data"][0]["title"]), (&json!(0), &json!("A title")));
}

#[tokio::test]
async fn turns_at_once_on_one_socket_are_kept_apart() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    let gate = Gate::closed();
    let slow = sse([created("resp_1"), message_added("msg_1"), part_added(), delta("Slow")])
        .wait(&gate)
        .event(text_done("Slow"))
        .event(part_done("Slow"))
        .event(message_done("msg_1", "Slow"))
        .event(completed(usage(10, 0, 5, 0)));
    sockets.app.model.on(|request| !request.is_title() && request.conversation() == ["user: slow"], slow);
    sockets.app.model.on(|request| !request.is_title() && request.conversation() == ["user: fast"], answer("Fast"));

    client.ask("slow", &create("slow")).await;
    let (mut slow, mut fast) = (Answered::default(), Answered::default());
    while !slow.contents.iter().any(|content| content.to_string().contains("\"delta\":\"Slow\"")) {
        assert!(!slow.add(client.frame().await));
    }
    client.ask("fast", &create("fast")).await;
    loop {
        let frame = client.frame().await;
        if frame["id"] == "fast" {
            if fast.add(frame) {
                break;
            }
        } else {
            assert!(!slow.add(frame));
        }
    }
    gate.open_for_good();
    while !slow.add(client.frame().await) {}

    let text = |answered: &Answered| {
        let events = answered.events();
        let done = |event: &&Value| event["type"] == "thread.item.done" && event["item"]["type"] == "assistant_message";
        events.iter().find(done).unwrap()["item"]["content"][0]["text"].clone()
    };
    assert_eq!((text(&slow), text(&fast)), (json!("Slow"), json!("Fast")));
}

#[tokio::test]
async fn turn_with_a_fast_model_sends_few_frames() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    // All of it fits into one frame.
    let text = "word ".repeat(150);
    sockets.app.model.then(answer(&text).at_once());
    let began = Instant::now();
    client.ask("1", &create("Hi")).await;
    let answered = client.answer().await;
    let elapsed = began.elapsed();

    let events = answered.events();
    let deltas = events.iter().filter_map(|event| event["update"]["delta"].as_str());
    assert_eq!(deltas.collect::<String>(), text);
    // The end does not wait.
    let pauses = u32::try_from(answered.frames).unwrap() - 2;
    assert!(pauses * Duration::from_millis(200) <= elapsed, "{pauses} pauses in {elapsed:?}");
    assert!(answered.contents.len() * 10 < events.len(), "{} frames", answered.contents.len());
}

#[tokio::test]
async fn event_larger_than_a_frame_is_sent_in_pieces() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    // Each is escaped once in the event, and once more in the piece.
    let text = "\"ü\\\u{2028}🦀\n".repeat(8_000);
    sockets.app.model.then(answer(&text));
    client.ask("1", &create("Hi")).await;
    let events = client.answer().await.events();
    let said = |event: &&Value| event["type"] == "thread.item.done" && event["item"]["type"] == "assistant_message";
    assert_eq!(events.iter().find(said).unwrap()["item"]["content"][0]["text"], text);

    let read = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread_id(&events) } });
    client.ask("2", &read).await;
    let answered = client.answer().await;
    assert!(answered.frames > 3, "{} frames", answered.frames);
    assert_eq!(answered.contents[0]["reply"], sockets.app.chatkit("alice", &read).await.json());
}
