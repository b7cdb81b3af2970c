//! DynamoDB fails: never a 5xx after a write, and a reload shows nothing that is half there.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{kinds, operation, reload, retry, thread, transcript};
use crate::harness::app::{App, add, create};
use crate::harness::dynamodb::Fault;
use crate::harness::requests::operations;
use crate::harness::responses::{answer, completed, message_added, message_done, sse, usage};

const FAULTS: [Fault; 4] = [Fault::Throttle, Fault::ServerError, Fault::CutBefore, Fault::CutAfter];
/// Tries of the client: after so many faults a request has failed.
const TRIES: u32 = 3;
const TRY_AGAIN: &str = "the service cannot answer right now, please try again";

/// The writes of a turn, as operation and text.
const ADMIT: (&str, &str) = ("UpdateItem", ":reserve");
const NEW_HEAD: (&str, &str) = ("PutItem", "created_at");
const LEASE: (&str, &str) = ("UpdateItem", "SET #run_id = :run_id");
const QUESTION: (&str, &str) = ("UpdateItem", r#"\"user_message"#);
const ANSWER: (&str, &str) = ("UpdateItem", "assistant_message");
const TITLE: (&str, &str) = ("UpdateItem", "SET #title");
const SETTLE: (&str, &str) = ("UpdateItem", ":difference");
const RECORD: (&str, &str) = ("PutItem", "R#");
const ROLLUP: (&str, &str) = ("UpdateItem", "ADD #requests");

fn not_stored() -> Value {
    let message = "The conversation could not be saved. Please try again in a moment.";
    json!({ "type": "error", "code": "custom", "message": message, "allow_retry": true })
}

fn fail(app: &App, (operation, containing): (&str, &str), fault: Fault, times: u32) {
    app.dynamo.fail(operation, containing, fault, times);
}

/// The same again in a thread that a fault has passed through, then something else.
async fn goes_on(app: &App, thread_id: &str, before: &[String]) {
    app.dynamo.reset();
    let mut expected = before.to_vec();
    for text in ["go", "on"] {
        app.clock.advance(1);
        app.model.then(answer("fine"));
        let events = app.add("alice", thread_id, text).await;
        assert!(!kinds(&events).contains(&"error"), "{events:?}");
        expected.extend([format!("user: {text}"), "assistant: fine".to_owned()]);
    }
    assert_eq!(transcript(app, "alice", thread_id).await, expected);
}

#[tokio::test]
async fn turn_with_one_store_fault_at_each_step_succeeds() {
    for fault in FAULTS {
        let app = App::start().await;
        for write in [ADMIT, NEW_HEAD, QUESTION, ANSWER, TITLE, SETTLE, RECORD, ROLLUP] {
            fail(&app, write, fault, 1);
        }
        app.dynamo.fail("GetItem", "", fault, 1);
        app.model.then(answer("Hello there"));
        let events = app.create("alice", "Hi").await;
        let count = |kind: &str| kinds(&events).iter().filter(|known| **known == kind).count();
        assert_eq!((count("error"), count("thread.updated"), count("thread.item.done")), (0, 1, 2), "{fault:?}");
        let thread_id = events[0]["thread"]["id"].as_str().unwrap();
        assert_eq!(transcript(&app, "alice", thread_id).await, ["user: Hi", "assistant: Hello there"]);

        app.dynamo.reset();
        for write in [ADMIT, LEASE, QUESTION, ANSWER, SETTLE, RECORD, ROLLUP, ("GetItem", ""), ("Query", "")] {
            fail(&app, write, fault, 1);
        }
        app.model.then(answer("fine"));
        app.chatkit("alice", &add(thread_id, "go")).await.events();
        let shown = transcript(&app, "alice", thread_id).await;
        assert_eq!(shown[2..], ["user: go", "assistant: fine"], "{fault:?}");
    }
}

#[tokio::test]
async fn create_thread_when_the_first_writes_fail_leaves_no_thread() {
    join_all([ADMIT, NEW_HEAD, QUESTION].into_iter().flat_map(|write| FAULTS.map(|fault| (write, fault))).map(
        |(write, fault)| async move {
            let app = App::start().await;
            fail(&app, write, fault, TRIES);
            app.model.on(|request| !request.is_title(), answer("Hello"));
            let answer = app.chatkit("alice", &create("Hi")).await;
            if write == ADMIT {
                assert_eq!(answer.error(503, "unavailable"), TRY_AGAIN);
            } else {
                assert_eq!(answer.events(), [not_stored()], "{write:?} {fault:?}");
            }
            assert_eq!(app.dynamo.records("threads"), [] as [Value; 0], "{write:?} {fault:?}");
            let listed = app.chatkit("alice", &operation("threads.list", json!({}))).await.json();
            assert_eq!(listed, json!({ "data": [], "has_more": false }));
            let events = app.create("alice", "Hi").await;
            assert_eq!(kinds(&events)[0], "thread.created");
        },
    ))
    .await;
}

#[tokio::test]
async fn add_user_message_when_the_first_writes_fail_leaves_the_thread_unchanged() {
    join_all([ADMIT, LEASE, QUESTION].into_iter().flat_map(|write| FAULTS.map(|fault| (write, fault))).map(
        |(write, fault)| async move {
            let app = App::start().await;
            let thread_id = thread(&app, "alice").await;
            let before = transcript(&app, "alice", &thread_id).await;
            fail(&app, write, fault, TRIES);
            app.model.rather(|request| request.conversation().last().unwrap() == "user: go", answer("fine"));
            let answer = app.chatkit("alice", &add(&thread_id, "go")).await;
            if write == ADMIT {
                assert_eq!(answer.error(503, "unavailable"), TRY_AGAIN);
            } else {
                assert_eq!(answer.events(), [not_stored()], "{write:?} {fault:?}");
            }
            assert_eq!(transcript(&app, "alice", &thread_id).await, before, "{write:?} {fault:?}");
            app.dynamo.reset();
            app.model.then(super::answer("fine"));
            app.add("alice", &thread_id, "go").await;
            let shown = transcript(&app, "alice", &thread_id).await;
            assert_eq!(shown[2..], ["user: go", "assistant: fine"]);
        },
    ))
    .await;
}

#[tokio::test]
async fn add_user_message_when_the_thread_cannot_be_read_is_not_charged() {
    for (operation, fault) in [("GetItem", Fault::Throttle), ("Query", Fault::CutBefore)] {
        let app = App::start().await;
        let thread_id = thread(&app, "alice").await;
        let spent = || {
            let budget = app.dynamo.records("counters").into_iter().find(|record| record["sk"]["S"] == "budget");
            let hours = budget.unwrap().as_object().unwrap().clone();
            hours.into_iter().find(|(name, _)| name.starts_with('h')).unwrap().1
        };
        let (before, records) = (spent(), app.dynamo.records("threads"));
        app.dynamo.fail(operation, "", fault, TRIES);
        let answer = app.chatkit("alice", &add(&thread_id, "go")).await;
        assert_eq!(answer.error(503, "unavailable"), TRY_AGAIN);
        assert_eq!((spent(), app.dynamo.records("threads")), (before, records));
    }
}

#[tokio::test]
async fn add_user_message_when_the_first_write_fails_is_recorded_with_what_it_is_charged() {
    let app = App::start().await;
    let thread_id = thread(&app, "alice").await;
    fail(&app, LEASE, Fault::Throttle, TRIES);
    app.model.then(answer("never"));
    assert_eq!(app.chatkit("alice", &add(&thread_id, "go")).await.events(), [not_stored()]);
    let number = |value: &Value| value["N"].as_str().unwrap().parse::<u64>().unwrap();
    let counters = app.dynamo.records("counters");
    let budget = counters.iter().find(|record| record["sk"]["S"] == "budget").unwrap().as_object().unwrap();
    let charged = number(budget.iter().find(|(name, _)| name.starts_with('h')).unwrap().1);
    let usage = app.dynamo.records("usage");
    let turns: Vec<_> = usage.iter().filter(|record| record["sk"]["S"].as_str().unwrap().starts_with("R#")).collect();
    let used = turns.iter().map(|turn| number(&turn["input_tokens"]) + number(&turn["output_tokens"])).sum::<u64>();
    assert_eq!((turns.len(), used), (2, charged), "{turns:#?}");
}

#[tokio::test]
async fn turn_when_the_answer_cannot_be_stored_ends_in_an_error() {
    let two = || {
        let message = |index, text| [message_added("m").item(index), message_done("m", text).item(index)];
        sse([message(0, "One"), message(1, "Two")].into_iter().flatten().chain([completed(usage(1, 0, 1, 0))]))
    };
    let whole = || answer("Hello there");
    let first = [Fault::Throttle, Fault::CutAfter].map(|fault| (two(), ("UpdateItem", "One"), fault));
    let second = [Fault::ServerError, Fault::CutBefore].map(|fault| (two(), ("UpdateItem", "Two"), fault));
    let only = FAULTS.map(|fault| (whole(), ANSWER, fault));
    join_all(only.into_iter().chain(first).chain(second).map(|(said, write, fault)| async move {
        let app = App::start().await;
        let thread_id = thread(&app, "alice").await;
        fail(&app, write, fault, TRIES);
        app.model.then(said);
        let events = app.chatkit("alice", &add(&thread_id, "go")).await.events();
        assert_eq!(*events.last().unwrap(), not_stored(), "{write:?} {fault:?}");
        let told: Vec<_> = events.iter().filter(|event| event["type"] == "thread.item.done").collect();
        assert_eq!(told.len(), if write.1 == "Two" { 2 } else { 1 }, "{write:?} {fault:?} {events:#?}");
        let shown = transcript(&app, "alice", &thread_id).await;
        // What was told to be done is there; what was written without an answer to it may be.
        let least = told.len() + 2;
        let most = if fault == Fault::CutAfter { least + 1 } else { least };
        assert!((least..=most).contains(&shown.len()), "{write:?} {fault:?} {shown:?}");
        goes_on(&app, &thread_id, &shown).await;
        let question = told[0]["item"]["id"].as_str().unwrap();
        app.model.then(answer("anew"));
        app.chatkit("alice", &retry(&thread_id, question)).await.events();
        assert_eq!(transcript(&app, "alice", &thread_id).await[2..], ["user: go", "assistant: anew"]);
    }))
    .await;
}

#[tokio::test]
async fn turn_when_a_write_after_the_answer_fails_shows_no_error() {
    join_all([TITLE, SETTLE, RECORD, ROLLUP, ("GetItem", "")].map(|write| async move {
        let app = App::start().await;
        fail(&app, write, Fault::ServerError, TRIES);
        app.model.then(answer("Hello there"));
        let events = app.create("alice", "Hi").await;
        let error = events.iter().find(|event| event["type"] == "error");
        assert_eq!((error, kinds(&events).contains(&"thread.updated")), (None, write != TITLE));
        let thread_id = events[0]["thread"]["id"].as_str().unwrap();
        goes_on(&app, thread_id, &["user: Hi".to_owned(), "assistant: Hello there".to_owned()]).await;
    }))
    .await;
}

#[tokio::test]
async fn retry_when_the_store_fails_can_be_retried() {
    join_all(
        [LEASE, ("Query", "ConsistentRead\":true"), ("TransactWriteItems", "")]
            .into_iter()
            .flat_map(|write| [Fault::Throttle, Fault::CutAfter].map(|fault| (write, fault)))
            .map(|(write, fault)| async move {
                let app = App::start().await;
                let thread_id = thread(&app, "alice").await;
                let items = reload(&app, "alice", &thread_id).await["items"]["data"].clone();
                let question = items[0]["id"].as_str().unwrap();
                fail(&app, write, fault, TRIES);
                app.model.on(|request| !request.is_title(), answer("anew"));
                let events = app.chatkit("alice", &retry(&thread_id, question)).await.events();
                assert_eq!(*events.last().unwrap(), not_stored(), "{write:?} {fault:?}");
                // The old answer, or the new one where only the answer to the write was lost.
                let shown = transcript(&app, "alice", &thread_id).await;
                let is_lost = fault == Fault::CutAfter && write.0 == "TransactWriteItems";
                let expected = if is_lost { "assistant: anew" } else { "assistant: Hello there" };
                assert_eq!(shown, ["user: Hi", expected], "{write:?} {fault:?}");
                app.dynamo.reset();
                let events = app.chatkit("alice", &retry(&thread_id, question)).await.events();
                assert_eq!(events.last().unwrap()["item"]["content"][0]["text"], "anew", "{write:?} {fault:?}");
                assert_eq!(transcript(&app, "alice", &thread_id).await, ["user: Hi", "assistant: anew"]);
            }),
    )
    .await;
}

#[tokio::test]
async fn every_operation_when_the_store_is_unreachable_answers_unavailable() {
    let app = App::with([("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")]).await;
    let operations = operations("thr_1", "msg_1").into_iter().filter(|(_, _, built)| *built);
    let answers = operations.map(|(kind, params, _)| {
        let app = &app;
        async move { (kind, app.chatkit("alice", &operation(kind, params)).await) }
    });
    for (kind, answer) in join_all(answers).await {
        assert_eq!(answer.error(503, "unavailable"), TRY_AGAIN, "{kind}");
        assert_eq!(answer.headers["content-type"], "application/json");
    }
    assert_eq!(app.model.requests().len(), 0);
}

#[tokio::test]
async fn delete_thread_after_a_failed_deletion_finishes_it() {
    for write in [("UpdateItem", "SET #deleted"), ("Query", ""), ("BatchWriteItem", ""), ("DeleteItem", "")] {
        let app = App::start().await;
        let thread_id = thread(&app, "alice").await;
        fail(&app, write, Fault::ServerError, TRIES);
        let delete = operation("threads.delete", json!({ "thread_id": thread_id }));
        assert_eq!(app.chatkit("alice", &delete).await.error(503, "unavailable"), TRY_AGAIN);
        let get = operation("threads.get_by_id", json!({ "thread_id": thread_id }));
        let visible = write.1.starts_with("SET");
        assert_eq!(app.chatkit("alice", &get).await.status, if visible { 200 } else { 404 }, "{write:?}");
        assert_eq!(app.chatkit("alice", &delete).await.text, "{}");
        assert_eq!(app.dynamo.records("threads"), [] as [Value; 0]);
    }
}
