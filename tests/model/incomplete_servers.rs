//! Servers that speak the Responses API in part: what they leave out is made whole.

use chatkit_shared::model::{IncompleteReason, ModelErrorKind, ModelEvent};
use serde_json::json;

use super::events;
use super::tools::call;
use super::translation::{COMPLETED, added, done, started, text, whole};
use crate::harness::model::Answer;
use crate::harness::responses::{
    Event, completed, delta, message, message_added, message_done, output_text, part_added, part_done, reasoning_added,
    reasoning_delta, reasoning_done, sse, text_done,
};

/// A message of which the upstream never said an id.
fn anonymous(message: u64) -> ModelEvent {
    ModelEvent::MessageStarted { message, upstream_id: None }
}

fn completed_with(output: serde_json::Value) -> Event {
    completed(json!(null)).response("output", output)
}

#[tokio::test]
async fn deltas_without_frames_become_a_message() {
    let answer = sse([delta("Hel"), delta("lo"), completed(json!(null))]);
    assert_eq!(
        events(answer).await,
        [
            anonymous(0),
            added(0, 0),
            text(0, 0, "Hel"),
            text(0, 0, "lo"),
            whole(0, 0, "Hello"),
            done(0, &["Hello"]),
            COMPLETED,
        ]
    );
}

#[tokio::test]
async fn deltas_with_type_and_text_only_become_a_message() {
    let answer = Answer::with(
        200,
        "text/event-stream",
        "data:{\"type\":\"response.output_text.delta\",\"delta\":\"Hi\"}\r\n\r\n",
    )
    .bytes("data: {\"type\":\"response.completed\",\"response\":{}}\n\n");
    assert_eq!(
        events(answer).await,
        [anonymous(0), added(0, 0), text(0, 0, "Hi"), whole(0, 0, "Hi"), done(0, &["Hi"]), COMPLETED]
    );
}

#[tokio::test]
async fn completed_event_with_status_incomplete_is_incomplete() {
    let answer = sse([delta("Hel"), completed(json!(null)).response("status", json!("incomplete"))]);
    let cut = ModelEvent::Incomplete { reason: IncompleteReason::Other, usage: None };
    assert_eq!(
        events(answer).await,
        [anonymous(0), added(0, 0), text(0, 0, "Hel"), whole(0, 0, "Hel"), done(0, &["Hel"]), cut]
    );
}

#[tokio::test]
async fn finished_message_without_deltas_becomes_a_message() {
    let whole_message =
        [started(0, "msg_1"), added(0, 0), text(0, 0, "Hello"), whole(0, 0, "Hello"), done(0, &["Hello"]), COMPLETED];
    let answer = sse([message_done("msg_1", "Hello"), completed(json!(null))]);
    assert_eq!(events(answer).await, whole_message);

    let answer = sse([completed_with(json!([message("msg_1", &json!([output_text("Hello")]))]))]);
    assert_eq!(events(answer).await, whole_message);
}

#[tokio::test]
async fn output_of_the_last_event_completes_open_items() {
    let output = json!([
        {
            "type": "reasoning", "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "not streamed, so not shown"}],
        },
        message("msg_1", &json!([output_text("Hello there")])),
        message("msg_2", &json!([output_text("Bye")])),
    ]);
    // The place of the message is not the one in the summary.
    let answer = sse([message_added("msg_1"), delta("Hello"), completed_with(output)]);
    assert_eq!(
        events(answer).await,
        [
            started(0, "msg_1"),
            added(0, 0),
            text(0, 0, "Hello"),
            text(0, 0, " there"),
            whole(0, 0, "Hello there"),
            done(0, &["Hello there"]),
            started(1, "msg_2"),
            added(1, 0),
            text(1, 0, "Bye"),
            whole(1, 0, "Bye"),
            done(1, &["Bye"]),
            COMPLETED,
        ]
    );
}

#[tokio::test]
async fn whole_text_adds_what_the_deltas_missed() {
    let answer = sse([message_added("msg_1"), delta("Hel"), text_done("Hello"), completed(json!(null))]);
    assert_eq!(
        events(answer).await,
        [
            started(0, "msg_1"),
            added(0, 0),
            text(0, 0, "Hel"),
            text(0, 0, "lo"),
            whole(0, 0, "Hello"),
            done(0, &["Hello"]),
            COMPLETED,
        ]
    );
}

#[tokio::test]
async fn thoughts_without_start_and_end_are_framed() {
    let answer = sse([reasoning_delta("Hm"), delta("Yes").item(1), completed(json!(null))]);
    assert_eq!(
        events(answer).await,
        [
            ModelEvent::ReasoningStarted,
            ModelEvent::ReasoningDelta { part: 0, text: "Hm".to_owned() },
            ModelEvent::ReasoningDone { part: 0, text: "Hm".to_owned() },
            anonymous(0),
            added(0, 0),
            text(0, 0, "Yes"),
            whole(0, 0, "Yes"),
            done(0, &["Yes"]),
            COMPLETED,
        ]
    );
}

#[tokio::test]
async fn items_with_the_same_index_stay_apart() {
    let answer = sse([
        message_added("msg_1"),
        delta("One"),
        message_done("msg_1", "One"),
        message_added("msg_2"),
        delta("Two"),
        message_done("msg_2", "Two"),
        completed(json!(null)),
    ]);
    assert_eq!(
        events(answer).await,
        [
            started(0, "msg_1"),
            added(0, 0),
            text(0, 0, "One"),
            whole(0, 0, "One"),
            done(0, &["One"]),
            started(1, "msg_2"),
            added(1, 0),
            text(1, 0, "Two"),
            whole(1, 0, "Two"),
            done(1, &["Two"]),
            COMPLETED,
        ]
    );
}

#[tokio::test]
async fn parts_of_thoughts_become_no_messages() {
    let thought = json!({"type": "reasoning_text", "text": "raw"});
    let answer = sse([
        reasoning_added("rs_1"),
        part_added().set("part", thought.clone()),
        Event::new(json!({"type": "response.reasoning_text.delta", "output_index": 0, "delta": "raw"})),
        part_done("").set("part", thought),
        part_done("raw, by a server that confuses the types"),
        reasoning_done("rs_1", &[]),
        message_added("msg_1").item(1),
        delta("Yes").item(1),
        message_done("msg_1", "Yes").item(1),
        completed(json!(null)),
    ]);
    assert_eq!(
        events(answer).await,
        [
            ModelEvent::ReasoningStarted,
            started(0, "msg_1"),
            added(0, 0),
            text(0, 0, "Yes"),
            whole(0, 0, "Yes"),
            done(0, &["Yes"]),
            COMPLETED,
        ]
    );
}

#[tokio::test]
async fn whole_answer_in_json_is_an_answer() {
    let output = json!([
        {"type": "message", "content": [{"type": "output_text", "text": "Hello", "annotations": []}]},
        {"type": "function_call", "call_id": "call_a", "name": "find_order", "arguments": "{}"},
    ]);
    let response_with = |rest: serde_json::Value| {
        let mut response = json!({"id": "resp_1", "object": "response", "error": null, "output": output});
        response.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        Answer::with(200, "application/json", serde_json::to_string_pretty(&response).unwrap())
    };
    let hello = [anonymous(0), added(0, 0), text(0, 0, "Hello"), whole(0, 0, "Hello"), done(0, &["Hello"])];
    let complete = [call("call_a", "find_order", "{}"), COMPLETED];
    assert_eq!(events(response_with(json!({"status": "completed"}))).await, [&hello[..], &complete].concat());
    let cut = [ModelEvent::Incomplete { reason: IncompleteReason::MaxOutputTokens, usage: None }];
    let reason = json!({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}});
    assert_eq!(events(response_with(reason)).await, [&hello[..], &complete[..1], &cut].concat());
    let (none, error) = super::failure(response_with(json!({"error": {"code": "rate_limit_exceeded"}}))).await;
    assert_eq!((none, error.kind), (Vec::new(), ModelErrorKind::RateLimited { retry_after: None }));
}
