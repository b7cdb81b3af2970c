//! What a turn costs in DynamoDB: exact, the same on every machine. The tests assert the units.

use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use crate::figure::Figure;
use crate::harness::app::{Answer, App, add, chatkit, create, thread_id};
use crate::harness::dynamodb::{Dynamo, Meter};
use crate::harness::responses::answer;

const USER: &str = "alice";

pub(crate) async fn measure() -> Vec<Figure> {
    let app = App::start().await;
    app.dynamo.lockstep(true);
    let so_far = Arc::new(Mutex::new(Meter { calls: Vec::new() }));
    let before_model = Arc::new(Mutex::new(0));
    let (dynamo, meter, round_trips) = (app.dynamo.clone(), Arc::clone(&so_far), Arc::clone(&before_model));
    // Titles have a route of their own; each other request comes by here first.
    let note = move |_: &_| {
        *round_trips.lock().unwrap() = collect(&dynamo, &meter).1;
        true
    };
    app.model.on(note, answer("Hello there"));

    let mut figures = Vec::new();
    let mut thread = None;
    for (turn, write_bound) in [("first", 8.0), ("further", 7.0)] {
        so_far.lock().unwrap().calls.clear();
        let operation = thread.as_ref().map_or_else(|| create("Hi"), |thread: &String| add(thread, "And now?"));
        let (events, before_event) = run(&app, &operation, &so_far).await;
        let ((reads, writes), all) = collect(&app.dynamo, &so_far);
        thread.get_or_insert_with(|| thread_id(&events));
        let before_model = *before_model.lock().unwrap();
        figures.extend([
            Figure::new(format!("{turn} turn: write units"), writes.to_string())
                .bound(format!("≤ {write_bound}"), writes <= write_bound),
            Figure::new(format!("{turn} turn: read units"), reads.to_string()).bound("≤ 4", reads <= 4.0),
            Figure::new(format!("{turn} turn: round trips before the model is called"), before_model.to_string())
                .bound("1", before_model <= 1),
            Figure::new(format!("{turn} turn: round trips before the first event"), before_event.to_string())
                .bound("2", before_event <= 2),
            Figure::new(format!("{turn} turn: round trips in all"), all.to_string()),
        ]);
    }
    figures
}

/// Runs an operation; returns its events, and how many round trips there were before the first of them.
async fn run(app: &App, operation: &Value, so_far: &Mutex<Meter>) -> (Vec<Value>, usize) {
    let response = app.router.clone().oneshot(chatkit(USER, operation)).await.unwrap();
    let (head, mut body) = response.into_parts();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    let before_event = collect(&app.dynamo, so_far).1;
    let rest = body.collect().await.unwrap().to_bytes();
    let whole = http::Response::from_parts(head, [first, rest].concat().into());
    (Answer::of(whole).await.events(), before_event)
}

/// Adds what has happened since the last call. Returns the read and write units, and the round trips, of it all.
fn collect(dynamo: &Dynamo, so_far: &Mutex<Meter>) -> ((f64, f64), usize) {
    let mut meter = so_far.lock().unwrap();
    meter.calls.extend(dynamo.reset().calls);
    (meter.units(), meter.round_trips())
}
