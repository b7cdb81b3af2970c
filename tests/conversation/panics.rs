//! A turn in which a bug panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chatkit_shared::clock::Clock;
use serde_json::{Value, json};

use super::{kinds, slow, started, thread, transcript};
use crate::harness::app::{App, NOW, add};
use crate::harness::log::Log;
use crate::harness::model::Gate;
use crate::harness::responses::answer;

/// What the budget of alice's hour holds.
fn budget(app: &App) -> Value {
    let record = app.dynamo.records("counters").into_iter().find(|record| record["sk"]["S"] == "budget").unwrap();
    record.as_object().unwrap().iter().find(|(name, _)| name.starts_with('h')).unwrap().1["N"].clone()
}

#[tokio::test]
async fn turn_that_panics_is_stored_settled_told_and_logged_and_its_lease_ends() {
    let log = Log::start();
    let panics = Arc::new(AtomicBool::new(false));
    let clock = Clock::from_fn({
        let panics = Arc::clone(&panics);
        move || {
            assert!(!panics.swap(false, Ordering::SeqCst), "this panic is the test's");
            NOW.parse().unwrap()
        }
    });
    let app = Box::pin(App::at(clock, &[])).await;
    let thread_id = thread(&app, "alice").await;
    let used: u64 = budget(&app).as_str().unwrap().parse().unwrap();
    let gate = Gate::closed();
    app.model.then(slow("Hello", &gate));
    let live = started(&app, &add(&thread_id, "go")).await;
    panics.store(true, Ordering::SeqCst);
    gate.open();
    let events = live.rest().await;
    let told = json!({
        "type": "error",
        "code": "custom",
        "message": "The assistant gave no answer. Please try again.",
        "allow_retry": true,
    });
    assert_eq!(events.last().unwrap(), &told);
    assert!(kinds(&events).contains(&"thread.item.done"), "{events:?}");
    assert_eq!(transcript(&app, "alice", &thread_id).await[2..], ["user: go", "assistant: Hello"]);

    let line = log.requests().into_iter().rfind(|line| line["operation"] == "threads.add_user_message").unwrap();
    assert_eq!(
        (&line["level"], &line["outcome"], &line["status"], &line["cause"]),
        (&json!("ERROR"), &json!("error"), &json!(200), &json!("the turn panicked"))
    );
    // What the model has taken is charged, and nothing stays reserved.
    let settled: u64 = budget(&app).as_str().unwrap().parse().unwrap();
    assert!(settled > used && settled < used + 100, "{used} {settled}");
    // The lease has ended: the same message is answered once more.
    app.model.then(answer("fine"));
    assert_eq!(app.add("alice", &thread_id, "go").await.last().unwrap()["type"], "thread.item.done");
}
