use serde_json::{Value, json};

use crate::harness::app::{App, thread_id};
use crate::harness::responses::answer;

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn turns_in_one_thread_send_the_earlier_messages_to_the_model() {
    let app = App::start().await;
    app.model.then(answer("Hello there"));
    let events = app.create("alice", "Hi").await;
    let thread = thread_id(&events);
    assert_eq!(events[1]["item"]["content"], json!([{ "type": "input_text", "text": "Hi" }]));
    assert_eq!(events[2], json!({ "type": "stream_options", "stream_options": { "allow_cancel": true } }));
    assert!(kinds(&events).contains(&"thread.updated"));

    app.model.then(answer("Again"));
    let events = app.add("alice", &thread, "And again").await;
    assert_eq!(events.last().unwrap()["item"]["content"][0]["text"], "Again");
    let conversations: Vec<_> = app.model.requests().iter().map(|request| request.conversation()).collect();
    assert_eq!(conversations.last().unwrap(), &["user: Hi", "assistant: Hello there", "user: And again"]);
}

#[tokio::test]
async fn turn_in_a_growing_thread_costs_at_most_seven_writes_and_four_reads() {
    let app = App::start().await;
    app.model.then(answer("Hello there"));
    let thread = thread_id(&app.create("alice", "Hi").await);
    let meter = app.dynamo.reset();
    assert_eq!(meter.units(), (1.0, 8.0), "{:?}", meter.operations());
    for number in 0..20 {
        app.clock.advance(10_000);
        app.model.then(answer("Hello there"));
        app.add("alice", &thread, &format!("message {number}")).await;
        let meter = app.dynamo.reset();
        let (reads, writes) = meter.units();
        assert!(reads <= 4.0 && writes <= 7.0, "{reads} {writes} {:?}", meter.operations());
    }
}
