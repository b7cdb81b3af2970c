//! Messages that are asked again, while others are being answered.

use super::bad_input::NO_LIMITS;
use super::{message, retry, thread, transcript};
use crate::harness::app::App;
use crate::harness::responses::answer;

#[tokio::test]
async fn a_message_that_is_sent_while_a_retry_makes_room_stays_with_its_answer() {
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
async fn a_retry_drops_what_stands_there_whatever_the_clock_says() {
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
