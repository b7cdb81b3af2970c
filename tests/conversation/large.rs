//! Answers that are larger than what the store takes: what the person saw is what a page that is loaded anew shows.

use serde_json::{Value, json};

use super::{kinds, reload};
use crate::harness::app::{App, thread_id};
use crate::harness::model::Answer;
use crate::harness::responses::{
    Event, annotation_added, completed, created, delta, item_added, item_done, message_added, message_done, part_added,
    part_done, reasoning_added, reasoning_delta, reasoning_text_done, sse, text_done, url_citation, usage,
};

const CUT_OFF: &str = "The answer was cut off because it became too long.";

/// A turn; its events, and the items that it stored.
async fn turn(answer: Answer) -> (Vec<Value>, Vec<Value>) {
    let app = App::start().await;
    app.model.then(answer);
    let events = app.create("alice", "Tell me everything").await;
    let thread = reload(&app, "alice", &thread_id(&events)).await;
    let items = thread["items"]["data"].as_array().unwrap()[1..].to_vec();
    let told: Vec<_> = events.iter().filter(|event| event["type"] == "thread.item.done").skip(1).collect();
    assert_eq!(told.iter().map(|event| &event["item"]).collect::<Vec<_>>(), items.iter().collect::<Vec<_>>());
    (events, items)
}

fn text(item: &Value) -> &str {
    item["content"][0]["text"].as_str().unwrap()
}

/// The text that came in deltas.
fn streamed(events: &[Value]) -> String {
    let deltas = events.iter().filter_map(|event| event["update"]["delta"].as_str());
    deltas.collect()
}

fn assert_cut_off(events: &[Value]) {
    let last = events.iter().rfind(|event| event["type"] != "thread.updated").unwrap();
    assert_eq!((&last["type"], &last["message"]), (&json!("notice"), &json!(CUT_OFF)));
}

/// What is left when a message is as large as may be.
fn assert_almost_full(item: &Value) {
    let bytes = item.to_string().len();
    assert!((300_000..=300 * 1024).contains(&bytes), "{bytes}");
}

#[tokio::test]
async fn turn_when_the_answer_never_ends_is_cut_off_at_the_size_limit() {
    // With all that JSON makes longer.
    let piece = "\"ü\\\n\u{1}👍 und so weiter ".repeat(400);
    let deltas = (0..60).map(|_| delta(&piece));
    let start = [created("resp_1"), message_added("msg_1"), part_added()];
    let (events, items) = turn(sse(start.into_iter().chain(deltas)).hang()).await;
    assert_cut_off(&events);
    assert_eq!(items.len(), 1);
    assert_almost_full(&items[0]);
    assert_eq!(text(&items[0]), streamed(&events));
    assert!(piece.repeat(60).starts_with(text(&items[0])));
}

#[tokio::test]
async fn turn_when_one_event_exceeds_the_size_limit_is_cut_off() {
    let whole = "x".repeat(1_000_000);
    for events in [
        vec![message_done("msg_1", &whole)],
        vec![message_added("msg_1"), part_added(), text_done(&whole), part_done(&whole), message_done("msg_1", &whole)],
        vec![message_added("msg_1"), part_added(), delta("x"), message_done("msg_1", &whole)],
    ] {
        let end = [completed(usage(12, 5, 250_000, 0))];
        let (events, items) = turn(sse([created("resp_1")].into_iter().chain(events).chain(end))).await;
        assert_cut_off(&events);
        assert_eq!(items.len(), 1);
        assert_almost_full(&items[0]);
        assert!(whole.starts_with(text(&items[0])));
    }
}

#[tokio::test]
async fn turn_with_many_citations_counts_them_towards_the_size_limit() {
    let long = format!("https://example.com/{}", "a".repeat(9_000));
    let citations = (0..60).map(|_| annotation_added(url_citation(&long, "Title", 0, 1)));
    let start = [created("resp_1"), message_added("msg_1"), part_added(), delta("See")];
    let (events, items) = turn(sse(start.into_iter().chain(citations)).hang()).await;
    assert_cut_off(&events);
    assert!(items[0].to_string().len() <= 300 * 1024);
    let shown = kinds(&events).iter().filter(|kind| kind.ends_with("annotation_added")).count();
    assert_eq!(items[0]["content"][0]["annotations"].as_array().unwrap().len(), shown);
    assert!(shown > 20, "{shown}");
}

#[tokio::test]
async fn turn_when_the_answer_just_fits_is_stored_whole() {
    let whole = "x".repeat(300_000);
    let events = [message_added("msg_1"), part_added(), delta(&whole), message_done("msg_1", &whole)];
    let end = [completed(usage(12, 5, 75_000, 0))];
    let (events, items) = turn(sse([created("resp_1")].into_iter().chain(events).chain(end))).await;
    assert!(!kinds(&events).contains(&"notice"));
    assert_eq!(text(&items[0]), whole);
}

#[tokio::test]
async fn turn_with_endless_thoughts_cuts_them_off_and_keeps_the_answer() {
    let long = "hm \"ü\" ".repeat(20_000);
    let piece = &long[..long.len() / 8];
    let thought = |place: u64| {
        let events: Vec<_> = (0..8).map(|_| reasoning_delta(piece)).chain([reasoning_text_done(&long)]).collect();
        events.into_iter().map(move |event| event.part(place))
    };
    let thoughts = (0..30).flat_map(thought);
    let start = [created("resp_1"), reasoning_added("rs_1")];
    let message = [message_added("msg_1"), part_added(), message_done("msg_1", "Done")].map(|event| event.item(1));
    let end = [completed(usage(12, 5, 10, 8))];
    let (_, items) = turn(sse(start.into_iter().chain(thoughts).chain(message).chain(end))).await;
    let (blocks, message) = items.split_at(items.len() - 1);
    assert_eq!(text(&message[0]), "Done");
    let thoughts = blocks.iter().map(|block| block["workflow"]["tasks"].as_array().unwrap().len()).sum::<usize>();
    assert_eq!((thoughts, blocks.len() > 1), (30, true));
    for block in blocks {
        let first = block["workflow"]["tasks"][0]["content"].as_str().unwrap();
        assert!(first.ends_with('…') && long.starts_with(first.trim_end_matches('…')));
    }
}

#[tokio::test]
async fn turn_with_many_programs_at_once_stays_within_the_size_limit() {
    let program = |status: &str, place: u64, code: Value| {
        let id = format!("ci_{place}");
        json!({ "id": id, "type": "code_interpreter_call", "status": status, "code": code })
    };
    let started = (0..100).map(|place| item_added(&program("in_progress", place, Value::Null)).item(place));
    let code = "print('x')\n".repeat(10_000);
    let done = (0..100).map(|place| item_done(&program("completed", place, json!(code))).item(place));
    let message = [message_done("msg_1", "Done").item(100), completed(usage(12, 5, 10, 8))];
    let events: Vec<Event> = [created("resp_1")].into_iter().chain(started).chain(done).chain(message).collect();
    let (_, items) = turn(sse(events)).await;
    let tasks = |item: &Value| item["workflow"]["tasks"].as_array().map_or(0, Vec::len);
    assert_eq!(items.iter().map(tasks).sum::<usize>(), 100);
    assert_eq!(text(items.last().unwrap()), "Done");
}
