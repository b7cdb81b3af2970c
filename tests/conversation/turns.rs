use serde_json::{Value, json};

use crate::harness::app::{App, add, thread_id};
use crate::harness::model::{self, Gate};
use crate::harness::responses::{
    answer, completed, created, delta, message_added, message_done, part_added, sse, usage,
};

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

#[tokio::test]
async fn turn_of_eight_seconds_costs_eleven_writes_and_its_looks() {
    /// Of four bytes each.
    const TOKENS: usize = 350;
    const STEPS: usize = 16;
    let app = App::start().await;
    app.model.then(answer("Hello there"));
    let thread = thread_id(&app.create("alice", "Hi").await);
    let gate = Gate::closed();
    let part = "wor ".repeat(TOKENS.div_ceil(STEPS));
    let mut steps = sse([created("resp_1"), message_added("msg_1"), part_added()]);
    for _ in 0..STEPS {
        steps = steps.wait(&gate).event(delta(&part));
    }
    let end = [message_done("msg_1", &part.repeat(STEPS)), completed(usage(100, 0, TOKENS as u64, 0))];
    app.model.then(end.into_iter().fold(steps, model::Answer::event));

    app.dynamo.reset();
    let mut live = app.live("alice", &add(&thread, "And now?")).await;
    for half_seconds in 1..=STEPS {
        gate.open();
        live.until("thread.item.updated").await;
        let calls = app.dynamo.meter().calls.len();
        app.clock.advance(500);
        // Two signs of life, and a look in between.
        if [4, 9, 14].contains(&half_seconds) {
            app.dynamo.until("threads", |_| app.dynamo.meter().calls.len() > calls).await;
        }
    }
    live.rest().await;
    let meter = app.dynamo.reset();
    assert_eq!(meter.units(), (2.5, 11.0), "{:?}", meter.operations());
}
