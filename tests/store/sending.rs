//! A message with attachments: all of it is written, or nothing.

use chatkit_shared::store::{BeginError, Run, RunTrigger, Store, ThreadRecord};
use serde_json::Value;

use super::{at, attachment, id, owner, question, question_with, run, thread};
use crate::harness::dynamodb::{Dynamo, Fault};

/// A thread with a run, and two attachments.
async fn started(dynamo: &Dynamo) -> Store {
    let store = dynamo.store();
    let head = ThreadRecord { run: Some(run(1, "first")), ..thread(1) };
    store.threads.create(&owner(), &head, &question(1, "hi")).await.unwrap();
    for id in ["a", "b"] {
        store.attachments.put(&owner(), &attachment(id)).await.unwrap();
    }
    store
}

fn records(dynamo: &Dynamo) -> Vec<Value> {
    let mut records = dynamo.records("threads");
    records.sort_by_key(|record| record["sk"].to_string());
    records
}

async fn begin(store: &Store, run: &Run, ids: &[&str]) -> Result<(), BeginError> {
    store.runs.begin(&owner(), &id("thr", 1), run, None, RunTrigger::Message(&question_with(2, ids)), at(0)).await
}

#[tokio::test]
async fn send_when_one_condition_fails_writes_nothing() {
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    let before = records(&dynamo);
    let next = run(2, "next");
    for (result, expected) in [
        (begin(&store, &run(2, "first"), &["a"]).await, "the same message is being answered already"),
        (begin(&store, &next, &["a", "never"]).await, "an attachment is not free"),
        (begin(&store, &next, &["a", &"x".repeat(200)]).await, "an attachment is not free"),
        (store.threads.create(&owner(), &thread(1), &question_with(2, &["a"])).await, "the turn could not be stored"),
        (store.threads.create(&owner(), &thread(2), &question_with(2, &["b", "c"])).await, "an attachment is not free"),
        (
            store
                .runs
                .begin(&owner(), "thr_no", &next, None, RunTrigger::Message(&question_with(2, &["a"])), at(0))
                .await,
            "the thread does not exist",
        ),
    ] {
        assert_eq!(result.unwrap_err().to_string(), expected);
        assert_eq!(records(&dynamo), before, "{expected}");
    }
    begin(&store, &next, &["a", "b"]).await.unwrap();
    let after = records(&dynamo);
    let result = store.threads.create(&owner(), &thread(2), &question_with(3, &["b"])).await;
    assert!(matches!(&result, Err(BeginError::Taken(id)) if id == "b"), "{result:?}");
    assert_eq!(records(&dynamo), after);
}

#[tokio::test]
async fn rollback_of_a_message_restores_the_records() {
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    let (next, message) = (run(2, "next"), question_with(2, &["a", "b"]));
    let before = records(&dynamo);
    store.threads.create(&owner(), &thread(2), &message).await.unwrap();
    store.runs.rollback_message(&owner(), &id("thr", 2), &message, None).await.unwrap();
    assert_eq!(records(&dynamo), before);

    begin(&store, &next, &["a", "b"]).await.unwrap();
    store.runs.rollback_message(&owner(), &id("thr", 1), &message, Some(&next)).await.unwrap();
    let taken_back = records(&dynamo);
    // The older run's lease was over.
    assert_eq!(taken_back[..3], before[..3]);
    assert!(taken_back[3]["run_id"].is_null());
    // Once more, of nothing.
    store.runs.rollback_message(&owner(), &id("thr", 1), &message, Some(&next)).await.unwrap();
    assert_eq!(records(&dynamo), taken_back);
}

#[tokio::test]
async fn send_when_the_transaction_is_repeated_counts_once() {
    for fault in [Fault::Throttle, Fault::ServerError, Fault::Conflict, Fault::CutBefore, Fault::CutAfter] {
        let dynamo = Dynamo::start().await;
        let store = started(&dynamo).await;
        dynamo.fail("TransactWriteItems", "", fault, 2);
        begin(&store, &run(2, "next"), &["a", "b"]).await.unwrap();
        let taken = records(&dynamo).iter().filter(|record| record["message_id"]["S"] == id("msg", 2)).count();
        assert_eq!(taken, 2, "{fault:?}");
    }
}

#[tokio::test]
async fn rollback_when_other_writes_conflict_still_succeeds() {
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    let (next, message) = (run(2, "next"), question_with(2, &["a"]));
    begin(&store, &next, &["a"]).await.unwrap();
    let taken = async || store.attachments.get(&owner(), "a").await.unwrap().unwrap().message_id;
    // One that does not get through says so.
    dynamo.fail("TransactWriteItems", "", Fault::Conflict, 5);
    let result = store.runs.rollback_message(&owner(), &id("thr", 1), &message, Some(&next)).await;
    assert!(result.unwrap_err().is_unavailable());
    assert_eq!(taken().await, Some(id("msg", 2)));

    dynamo.fail("TransactWriteItems", "", Fault::Conflict, 4);
    store.runs.rollback_message(&owner(), &id("thr", 1), &message, Some(&next)).await.unwrap();
    assert_eq!(taken().await, None);
}

#[tokio::test]
async fn writes_that_conflict_with_a_transaction_are_repeated() {
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    dynamo.fail("UpdateItem", "", Fault::Conflict, 2);
    let opening = RunTrigger::Message(&question_with(2, &[]));
    store.runs.begin(&owner(), &id("thr", 1), &run(2, "next"), None, opening, at(0)).await.unwrap();
    dynamo.fail("DeleteItem", "", Fault::Conflict, 2);
    store.items.remove(&owner(), &id("thr", 1), &[id("msg", 2)]).await.unwrap();
    store.items.put(&owner(), &id("thr", 1), &question(3, "hi")).await.unwrap();
    dynamo.fail("TransactWriteItems", "", Fault::Conflict, 2);
    super::put_in_place(&store, &owner(), &id("thr", 1), &id("msg", 1)).await.unwrap();
    assert_eq!(store.threads.load(&owner(), &id("thr", 1), 20).await.unwrap().unwrap().items.len(), 2);
}
