//! Calls of functions, and what the model wants back with them.

use chatkit_shared::model::{FunctionCall, IncompleteReason, Input, Model, ModelEvent, Prompt, TokenUsage};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::super::translation::{COMPLETED, added, done, started, text, whole};
use super::super::{events, prompt};
use super::call;
use crate::harness::model::ScriptedModel;
use crate::harness::outside::client;
use crate::harness::responses::{
    Event, With, arguments_delta, arguments_done, call_events, completed, created, delta, encrypted_thoughts_and_call,
    function_call, function_call_item, function_calls, incomplete, item_added, item_done, message_added, message_done,
    sse,
};

const ARGUMENTS: &str = r#"{"order":7}"#;

fn item(arguments: &str) -> Value {
    function_call_item("call_a", "find_order", arguments)
}

fn listed(output: Value) -> Event {
    completed(json!(null)).response("output", output)
}

#[tokio::test]
async fn calls_are_reported_when_complete_and_count_as_an_answer() {
    let counted = |output| {
        ModelEvent::Completed(Some(TokenUsage { input: 12, cached: 5, output, reasoning: 0, ..TokenUsage::default() }))
    };
    assert_eq!(
        events(function_call("call_a", "find_order", ARGUMENTS)).await,
        [call("call_a", "find_order", ARGUMENTS), counted(8)]
    );
    assert_eq!(
        events(function_calls(&[("call_a", "find_order", ARGUMENTS), ("call_b", "no_arguments", "")])).await,
        [call("call_a", "find_order", ARGUMENTS), call("call_b", "no_arguments", ""), counted(16)]
    );
}

#[tokio::test]
async fn message_before_a_call_is_kept() {
    let mut answer = vec![message_added("msg_1"), delta("Let me see."), message_done("msg_1", "Let me see.")];
    answer.extend(call_events("call_a", "find_order", ARGUMENTS).map(|event| event.item(1)));
    answer.push(completed(json!(null)));
    assert_eq!(
        events(sse(answer)).await,
        [
            started(0, "msg_1"),
            added(0, 0),
            text(0, 0, "Let me see."),
            whole(0, 0, "Let me see."),
            done(0, &["Let me see."]),
            call("call_a", "find_order", ARGUMENTS),
            COMPLETED
        ]
    );
}

#[tokio::test]
async fn encrypted_thoughts_are_sent_back_before_their_call() {
    let kept = json!({"type": "reasoning", "summary": [], "encrypted_content": "gAAAAA"});
    let usage = TokenUsage { input: 12, cached: 5, output: 16, reasoning: 8, ..TokenUsage::default() };
    assert_eq!(
        events(encrypted_thoughts_and_call("gAAAAA", "call_a", "find_order", ARGUMENTS)).await,
        [
            ModelEvent::ReasoningStarted,
            ModelEvent::Opaque(kept),
            call("call_a", "find_order", ARGUMENTS),
            ModelEvent::Completed(Some(usage)),
        ]
    );
}

#[tokio::test]
async fn plain_thoughts_are_sent_back_unchanged() {
    let content = json!([{"type": "reasoning_text", "text": "Hm"}]);
    let plain = json!({"id": "rs_1", "type": "reasoning", "summary": [], "content": content, "status": "completed"});
    let bare = json!({"id": "rs_2", "type": "reasoning", "summary": [], "content": [], "encrypted_content": null});
    let answer = sse([item_done(&plain), item_done(&bare).item(1), completed(json!(null))]);
    let kept = json!({"id": "rs_1", "type": "reasoning", "summary": [], "content": content});
    let started = ModelEvent::ReasoningStarted;
    assert_eq!(events(answer).await, [started.clone(), ModelEvent::Opaque(kept), started, COMPLETED]);
}

#[tokio::test]
async fn call_with_missing_events_is_complete() {
    let [started, some_arguments, all_arguments, over] = call_events("call_a", "find_order", ARGUMENTS);
    let bare = function_call_item("call_a", "find_order", "").with("status", "completed");
    let end = || completed(json!(null));
    for answer in [
        vec![over.clone(), end()],
        vec![some_arguments.clone(), over.clone(), end()],
        vec![started.clone(), over.clone(), end()],
        vec![started.clone(), some_arguments.clone(), item_done(&bare), end()],
        vec![started.clone(), all_arguments.clone(), end()],
        vec![started.clone(), some_arguments.clone(), end()],
        vec![started.clone(), listed(json!([item(ARGUMENTS)]))],
        vec![listed(json!([item(ARGUMENTS)]))],
        vec![some_arguments.clone(), listed(json!([item(ARGUMENTS)]))],
        // Told twice, it is one.
        vec![started.clone(), over.clone(), over.clone(), listed(json!([item(ARGUMENTS)]))],
        vec![started.clone(), over.clone(), some_arguments, all_arguments, end()],
        // Ids that change from event to event.
        vec![started, over, listed(json!([item(ARGUMENTS).with("id", "fc_other")]))],
    ] {
        let expected = [call("call_a", "find_order", ARGUMENTS), COMPLETED];
        assert_eq!(events(sse(answer.clone())).await, expected, "{answer:?}");
    }
}

#[tokio::test]
async fn output_of_the_last_event_adds_calls_that_were_not_streamed() {
    let second = function_call_item("call_b", "find_order", ARGUMENTS);
    let [_, _, _, first] = call_events("call_a", "find_order", ARGUMENTS);
    for output in [json!([item(ARGUMENTS), second]), json!([second, item(ARGUMENTS)])] {
        assert_eq!(
            events(sse([first.clone(), listed(output)])).await,
            [call("call_a", "find_order", ARGUMENTS), call("call_b", "find_order", ARGUMENTS), COMPLETED]
        );
    }
}

#[tokio::test]
async fn calls_with_the_same_index_stay_apart() {
    let calls = ["call_a", "call_b"].map(|id| call_events(id, "find_order", ARGUMENTS));
    let answer = sse(calls.into_iter().flatten().chain([completed(json!(null))]));
    assert_eq!(
        events(answer).await,
        [call("call_a", "find_order", ARGUMENTS), call("call_b", "find_order", ARGUMENTS), COMPLETED]
    );
}

#[tokio::test]
async fn calls_without_a_unique_id_get_one() {
    let nameless = |id: Value| item_done(&item("{}").with("call_id", id));
    let answer = [json!(null), json!(""), json!("call_1"), json!("twice"), json!("twice"), json!("earlier"), json!(7)];
    let answer = (0..).zip(answer).map(|(place, id)| nameless(id).item(place)).chain([completed(json!(null))]);
    let upstream = ScriptedModel::start().await;
    upstream.then(sse(answer));
    let earlier = FunctionCall {
        call_id: "earlier".to_owned(),
        name: "f".to_owned(),
        arguments: "{}".to_owned(),
        extra_content: None,
    };
    let output = Input::CallOutput { call_id: "earlier".to_owned(), output: "1".to_owned() };
    let input = prompt().input.into_iter().chain([Input::Call(earlier), output]).collect();
    let stream = Model::new(&upstream.config(), client()).stream(&Prompt { input, ..prompt() }).await.unwrap();
    let events: Vec<_> = stream.try_collect().await.unwrap();
    let ids = events.into_iter().filter_map(|event| match event {
        ModelEvent::Call(call) => Some(call.call_id),
        _ => None,
    });
    assert_eq!(ids.collect::<Vec<_>>(), ["call_2", "call_3", "call_1", "twice", "call_6", "call_7", "call_8"]);
}

#[tokio::test]
async fn calls_in_an_incomplete_answer_are_dropped() {
    let cut = || incomplete("max_output_tokens", json!(null));
    let half = item(r#"{"ord"#).with("status", "incomplete");
    let started = || item_added(&item("").with("status", "in_progress"));
    let incomplete = ModelEvent::Incomplete { reason: IncompleteReason::MaxOutputTokens, usage: None };
    let whole = call("call_a", "find_order", ARGUMENTS);
    for (answer, expected) in [
        (vec![started(), arguments_delta(r#"{"ord"#), cut()], vec![]),
        (vec![started(), arguments_done(r#"{"ord"#), item_done(&half), cut()], vec![]),
        (vec![started(), cut().response("output", json!([half]))], vec![]),
        (vec![started(), item_done(&item(ARGUMENTS)), started().item(1), cut()], vec![whole]),
    ] {
        assert_eq!(events(sse(answer)).await, [expected, vec![incomplete.clone()]].concat());
    }
}

#[tokio::test]
async fn malformed_calls_are_ignored() {
    let answer = sse([
        created("resp_1"),
        item_done(&item("{}").with("name", json!(null))),
        item_done(&item("{}").with("name", 7)).item(u64::MAX),
        item_added(&json!({"type": "function_call"})).item(2),
        item_added(&json!("function_call")).item(3),
        arguments_delta("{").item(4),
        Event::new(json!({"type": "response.function_call_arguments.delta", "delta": {}})),
        Event::new(json!({"type": "response.function_call_arguments.done", "output_index": -1, "arguments": "{}"})),
        listed(json!([7, null, "function_call", [], {"type": []}, {"type": "function_call", "call_id": {}}])),
    ]);
    assert_eq!(events(answer).await, [COMPLETED]);
}
