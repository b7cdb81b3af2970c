//! What operations cost: units as DynamoDB counts them, and round trips that wait for one another.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::{operation, reload, retry, thread};
use crate::harness::app::{App, add, create};
use crate::harness::dynamodb::Meter;
use crate::harness::responses::answer;

/// Read and write units, and round trips, of an operation.
async fn cost(app: &App, operation: &Value) -> ((f64, f64), usize) {
    app.dynamo.lockstep(true);
    app.dynamo.reset();
    let answer = app.chatkit("alice", operation).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let meter = app.dynamo.reset();
    app.dynamo.lockstep(false);
    (meter.units(), meter.round_trips())
}

#[tokio::test]
async fn each_operation_costs_exactly_these_units_and_round_trips() {
    let app = App::start().await;
    app.model.on(|request| !request.is_title(), answer("Hello there"));
    // Admit; head and message; answer, title; record, rollup; settle beside a look at the thread. The record waits for
    // the title where that comes last, because nobody writes it once the turn is settled.
    let ((read, written), trips) = cost(&app, &create("Hi")).await;
    assert_eq!((read, written), (1.0, 8.0));
    assert!((4..=6).contains(&trips), "{trips}");

    let threads = app.chatkit("alice", &operation("threads.list", json!({}))).await.json();
    let thread_id = threads["data"][0]["id"].as_str().unwrap();
    let this = json!({ "thread_id": thread_id });
    let items = reload(&app, "alice", thread_id).await["items"]["data"].clone();
    let question = items[0]["id"].as_str().unwrap();
    let feedback = json!({ "thread_id": thread_id, "item_ids": [question], "kind": "positive" });
    for (operation, expected) in [
        (add(thread_id, "And?"), ((2.0, 7.0), 4)),
        // The answer takes the place of the three behind the question in a transaction, which counts twice; a strong
        // read finds them.
        (retry(thread_id, items[0]["id"].as_str().unwrap()), ((3.0, 13.0), 5)),
        (operation("threads.get_by_id", this.clone()), ((1.0, 1.0), 2)),
        (operation("threads.list", json!({ "limit": 9999 })), ((0.5, 1.0), 2)),
        (operation("items.list", this.clone()), ((1.0, 1.0), 2)),
        (operation("threads.update", json!({ "thread_id": thread_id, "title": "x" })), ((0.0, 2.0), 2)),
        (operation("items.feedback", feedback), ((0.5, 3.0), 3)),
        (operation("threads.delete", this), ((1.0, 5.0), 5)),
    ] {
        assert_eq!(cost(&app, &operation).await, expected, "{operation}");
    }
}

#[tokio::test]
async fn turn_calls_the_model_after_one_round_trip_and_answers_after_two() {
    let app = App::start().await;
    let before_model: Arc<Mutex<Option<Meter>>> = Arc::default();
    let (dynamo, seen) = (app.dynamo.clone(), Arc::clone(&before_model));
    let look = move |_: &crate::harness::model::ModelRequest| {
        seen.lock().unwrap().get_or_insert_with(|| dynamo.meter());
        false
    };
    app.model.rather(look, answer("never"));
    app.model.on(|_| true, answer("Hello there"));
    let thread_id = thread(&app, "alice").await;
    let items = reload(&app, "alice", &thread_id).await["items"]["data"].clone();
    for operation in [create("Hi"), add(&thread_id, "And?"), retry(&thread_id, items[0]["id"].as_str().unwrap())] {
        app.dynamo.lockstep(true);
        app.dynamo.reset();
        before_model.lock().unwrap().take();
        let mut live = app.live("alice", &operation).await;
        live.next().await.unwrap();
        let before_browser = app.dynamo.meter();
        let before_model = before_model.lock().unwrap().clone().unwrap();
        assert_eq!((before_model.round_trips(), before_browser.round_trips()), (1, 2), "{operation}");
        live.end().await;
        app.dynamo.lockstep(false);
    }
}
