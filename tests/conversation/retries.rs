//! Messages that are asked again, while others are being answered.

use chatkit_shared::identity::Owner;
use chatkit_shared::ids::{Ids, MESSAGE};
use chatkit_shared::store::StoredItem;
use serde_json::json;

use super::bad_input::NO_LIMITS;
use super::{message, retry, slow, started, thread, transcript};
use crate::harness::app::{App, add};
use crate::harness::model::Gate;
use crate::harness::responses::answer;

#[tokio::test]
async fn retry_when_a_message_arrives_meanwhile_keeps_the_message_and_its_answer() {
    // The clock of another environment is behind, or the same, or ahead.
    for step in [-60_000, 0, 60_000] {
        let app = App::with(NO_LIMITS).await;
        let thread_id = thread(&app, "alice").await;
        let question = message(&app, &thread_id, 0).await;
        let held = app.dynamo.hold("Query", "#files");
        app.model.then(answer("anew"));
        let retried = app.live("alice", &retry(&thread_id, &question)).await;
        held.arrived.pass().await;
        app.clock.advance(step);
        app.model.then(answer("to the second"));
        let events = app.add("alice", &thread_id, "second").await;
        assert_eq!(events.last().unwrap()["item"]["content"][0]["text"], "to the second");
        held.released.open();
        retried.end().await;
        let expected = ["user: Hi", "assistant: anew", "user: second", "assistant: to the second"];
        assert_eq!(transcript(&app, "alice", &thread_id).await, expected, "{step}");
    }
}

#[tokio::test]
async fn retry_when_the_clock_jumps_still_removes_the_later_items() {
    for step in [-60_000, 0, 60_000] {
        let app = App::with(NO_LIMITS).await;
        let thread_id = thread(&app, "alice").await;
        let question = message(&app, &thread_id, 0).await;
        app.clock.advance(1_000);
        app.model.then(answer("to the second"));
        app.add("alice", &thread_id, "second").await;
        app.clock.advance(step);
        app.model.then(answer("anew"));
        let events = app.chatkit("alice", &retry(&thread_id, &question)).await.events();
        assert_eq!(events.last().unwrap()["item"]["content"][0]["text"], "anew");
        assert_eq!(transcript(&app, "alice", &thread_id).await, ["user: Hi", "assistant: anew"], "{step}");
    }
}

#[tokio::test]
async fn run_when_its_question_was_retried_stays_superseded_after_another_retry() {
    let app = App::with(NO_LIMITS).await;
    let thread_id = thread(&app, "alice").await;
    let gate = Gate::closed();
    app.model.then(slow("old", &gate));
    let old = started(&app, &add(&thread_id, "one")).await;
    let first = message(&app, &thread_id, 2).await;
    app.model.then(answer("new"));
    app.chatkit("alice", &retry(&thread_id, &first)).await.events();
    app.model.then(answer("second"));
    let second = app.add("alice", &thread_id, "two").await[0]["item"]["id"].as_str().unwrap().to_owned();
    app.model.then(answer("second anew"));
    app.chatkit("alice", &retry(&thread_id, &second)).await.events();
    gate.open();
    old.end().await;
    let expected = ["user: one", "assistant: new", "user: two", "assistant: second anew"];
    assert_eq!(transcript(&app, "alice", &thread_id).await[2..], expected);
}

#[tokio::test]
async fn retry_of_an_old_message_sends_the_hidden_context_before_it() {
    let app = App::with(NO_LIMITS).await;
    let thread_id = thread(&app, "alice").await;
    app.clock.advance(1_000);
    let hidden = json!({
        "type": "hidden_context_item", "id": Ids::seeded(app.clock.clone(), 5).mint(MESSAGE), "thread_id": thread_id,
        "created_at": app.clock.now(), "content": "The shop is closed.",
    });
    let owner = Owner::new(Owner::DEFAULT_TENANT, "alice").unwrap();
    let hidden = StoredItem::new(serde_json::from_value(hidden).unwrap());
    app.dynamo.store().items.put(&owner, &thread_id, &hidden).await.unwrap();
    app.clock.advance(1_000);
    app.model.then(answer("No"));
    let question = app.add("alice", &thread_id, "Open?").await[0]["item"]["id"].as_str().unwrap().to_owned();
    let shown = app.model.requests().last().unwrap().conversation();
    assert!(shown.len() == 4 && shown[2].contains("The shop is closed."), "{shown:?}");
    super::fill(&app, "alice", &thread_id, 25).await;
    app.model.then(answer("Still not"));
    app.chatkit("alice", &retry(&thread_id, &question)).await.events();
    assert_eq!(app.model.requests().last().unwrap().conversation(), shown);
}
