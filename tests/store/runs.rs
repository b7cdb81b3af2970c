//! The run lease.

use chatkit_shared::clock::Clock;
use chatkit_shared::ids::{Ids, RUN};
use chatkit_shared::store::{BeginError, Run, RunTrigger, Store, StoredItem, ThreadRecord};

use super::{answer, answered, at, delete, id, owner, question, run, thread, waiting};
use crate::harness::dynamodb::{Dynamo, Fault};

async fn started(dynamo: &Dynamo) -> Store {
    let store = dynamo.store();
    let head = ThreadRecord { run: Some(run(1, "first")), ..thread(1) };
    store.threads.create(&owner(), &head, &question(1, "hi")).await.unwrap();
    dynamo.reset();
    store
}

fn outcome(result: &Result<(), BeginError>) -> &'static str {
    match result {
        Ok(()) => "started",
        Err(BeginError::NotFound) => "not found",
        Err(BeginError::Conflict) => "conflict",
        Err(BeginError::Taken(_)) => "taken",
        Err(BeginError::Store(error)) if error.is_unavailable() => "unavailable",
        Err(BeginError::Store(_)) => "failed",
    }
}

async fn stored(store: &Store) -> (Option<Run>, Vec<StoredItem>) {
    let loaded = store.threads.load(&owner(), &id("thr", 1), 24).await.unwrap().unwrap();
    (loaded.thread.run, loaded.items)
}

#[tokio::test]
async fn begin_run_costs_two_writes_in_one_round_trip() {
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    let next = run(2, "next");
    let item = question(2, "and?");
    dynamo.lockstep(true);
    store.runs.begin(&owner(), &id("thr", 1), &next, None, RunTrigger::Message(&item), at(61)).await.unwrap();
    let meter = dynamo.reset();
    assert_eq!((meter.units(), meter.round_trips(), meter.calls.len()), ((0.0, 2.0), 1, 2));
    assert_eq!(stored(&store).await, (Some(next), vec![question(1, "hi"), item]));
}

#[tokio::test]
async fn begin_run_with_the_same_message_conflicts_while_its_run_is_live() {
    for (digest, seen, now, expected) in [
        ("first", None, at(0), "conflict"),
        ("first", Some(id("msg", 7)), at(59), "conflict"),
        ("first", Some(id("msg", 1)), at(0), "started"),
        ("first", None, at(60), "started"),
        ("other", None, at(0), "started"),
    ] {
        let dynamo = Dynamo::start().await;
        let store = started(&dynamo).await;
        let (next, item) = (run(2, digest), question(2, "again"));
        let result =
            store.runs.begin(&owner(), &id("thr", 1), &next, seen.as_deref(), RunTrigger::Message(&item), now).await;
        assert_eq!(outcome(&result), expected, "{digest} {seen:?} {now}");
        let unchanged = (Some(run(1, "first")), vec![question(1, "hi")]);
        let started = (Some(next), vec![question(1, "hi"), item]);
        assert_eq!(stored(&store).await, if result.is_ok() { started } else { unchanged });
    }
}

#[tokio::test]
async fn begin_run_when_refused_removes_the_message() {
    for lost in 0..=2 {
        let dynamo = Dynamo::start().await;
        let store = started(&dynamo).await;
        dynamo.fail("UpdateItem", "user_message", Fault::CutAfter, lost);
        let (next, item) = (run(2, "first"), question(2, "again"));
        let result = store.runs.begin(&owner(), &id("thr", 1), &next, None, RunTrigger::Message(&item), at(0)).await;
        assert_eq!(outcome(&result), "conflict");
        assert_eq!(stored(&store).await, (Some(run(1, "first")), vec![question(1, "hi")]), "{lost}");
    }
}

#[tokio::test]
async fn begin_run_with_the_answer_to_a_pending_item_succeeds_once() {
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    store.items.put(&owner(), &id("thr", 1), &waiting(2)).await.unwrap();
    for (number, expected) in [(3, "started"), (4, "conflict")] {
        let next = run(number, &number.to_string());
        let (waiting, answered) = (waiting(2), answered(2, &next));
        let opening = RunTrigger::Answer { waiting: &waiting, answered: &answered };
        let result = store.runs.begin(&owner(), &id("thr", 1), &next, None, opening, at(0)).await;
        assert_eq!(outcome(&result), expected);
    }
    assert_eq!(stored(&store).await.1, [question(1, "hi"), answered(2, &run(3, "3"))]);
}

#[tokio::test]
async fn begin_run_when_refused_leaves_the_pending_item_pending() {
    // The lease is refused, however often the answer was written; or nobody says whether the answer was.
    for (digest, lost, expected) in
        [("first", 0, "conflict"), ("first", 1, "conflict"), ("other", 3, "unavailable"), ("first", 3, "conflict")]
    {
        let dynamo = Dynamo::start().await;
        let store = started(&dynamo).await;
        store.items.put(&owner(), &id("thr", 1), &waiting(2)).await.unwrap();
        dynamo.fail("UpdateItem", "client_tool_call", Fault::CutAfter, lost);
        let next = run(3, digest);
        let (waiting, answered) = (waiting(2), answered(2, &next));
        let opening = RunTrigger::Answer { waiting: &waiting, answered: &answered };
        let result = store.runs.begin(&owner(), &id("thr", 1), &next, None, opening, at(0)).await;
        assert_eq!(outcome(&result), expected, "{digest} {lost}");
        assert_eq!(stored(&store).await.1, [question(1, "hi"), waiting.clone()], "{digest} {lost}");
    }
}

#[tokio::test]
async fn begin_run_keeps_only_the_recent_retries() {
    let run_at = |second: i64| {
        let id = Ids::seeded(Clock::fixed(at(second)), 1).mint(RUN);
        Run { id, ..run(1, &second.to_string()) }
    };
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    let head = async || store.threads.head(&owner(), &id("thr", 1)).await.unwrap().unwrap();
    for (second, item, kept) in [
        (0, 5, vec![5]),
        (10, 7, vec![5, 7]),
        // The same once more, and one that drops others.
        (20, 7, vec![5, 7]),
        (30, 6, vec![5, 6]),
        (40, 8, vec![5, 6, 8]),
        // What began before the first retry is over by now.
        (980, 9, vec![6, 8, 9]),
    ] {
        let run = run_at(second);
        store.runs.begin_retry(&owner(), &head().await, &run, &id("msg", item), at(0)).await.unwrap();
        let head = head().await;
        let items: Vec<_> = head.retries.iter().map(|retry| retry.item.clone()).collect();
        assert_eq!(items, kept.iter().map(|item| id("msg", *item)).collect::<Vec<_>>());
        assert_eq!((head.last_run(), head.run.as_ref()), (Some(&*run.id), Some(&run)));
    }
    for item in 10..20 {
        let run = run_at(1_000 + item);
        let item = id("msg", item.try_into().unwrap());
        store.runs.begin_retry(&owner(), &head().await, &run, &item, at(0)).await.unwrap();
    }
    let items: Vec<_> = head().await.retries.into_iter().map(|retry| retry.item).collect();
    assert_eq!(items, (12..20).map(|item| id("msg", item)).collect::<Vec<_>>());
}

#[tokio::test]
async fn put_item_that_ends_the_run_releases_the_lease() {
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    let live = async || {
        let loaded = store.threads.load(&owner(), &id("thr", 1), 24).await.unwrap().unwrap();
        loaded.open_run().cloned()
    };
    assert_eq!(live().await, Some(run(1, "first")));
    let last = StoredItem { ends_run: Some(id("msg", 1)), ..answer(2, "ho") };
    dynamo.reset();
    store.items.put(&owner(), &id("thr", 1), &last).await.unwrap();
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    assert_eq!(live().await, None);

    let loaded = store.threads.load(&owner(), &id("thr", 1), 1).await.unwrap().unwrap();
    assert_eq!((loaded.open_run(), loaded.thread.run.as_ref()), (None, Some(&run(1, "first"))));
}

#[tokio::test]
async fn end_run_releases_the_lease_of_that_run_only() {
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    store.runs.end(&owner(), &id("thr", 1), &id("msg", 7)).await.unwrap();
    assert_eq!(stored(&store).await.0, Some(run(1, "first")));
    dynamo.reset();
    store.runs.end(&owner(), &id("thr", 1), &id("msg", 1)).await.unwrap();
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    assert_eq!(stored(&store).await.0, None);
    store.runs.end(&owner(), "thr_no", &id("msg", 1)).await.unwrap();
    assert_eq!(dynamo.records("threads").len(), 2);
}

#[tokio::test]
async fn begin_run_in_a_deleted_or_unknown_thread_answers_gone() {
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    delete(&store, &owner(), &id("thr", 1)).await.unwrap();
    for thread_id in [id("thr", 1), "thr_no".to_owned(), String::new(), "x".repeat(5000)] {
        let item = question(2, "again");
        let result =
            store.runs.begin(&owner(), &thread_id, &run(2, "x"), None, RunTrigger::Message(&item), at(0)).await;
        assert_eq!(outcome(&result), "not found");
    }
    assert_eq!(dynamo.records("threads").len(), 0);
}

#[tokio::test]
async fn begin_run_when_equal_messages_race_begins_once() {
    let dynamo = Dynamo::start().await;
    let store = started(&dynamo).await;
    let attempts = (2..22).map(|number| {
        let store = store.clone();
        async move {
            let item = question(number, "same");
            store
                .runs
                .begin(&owner(), &id("thr", 1), &run(number, "same"), None, RunTrigger::Message(&item), at(0))
                .await
        }
    });
    let results = futures_util::future::join_all(attempts).await;
    let mut outcomes: Vec<_> = results.iter().map(outcome).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [vec!["conflict"; 19], vec!["started"]].concat());
    let (run, items) = stored(&store).await;
    assert_eq!(items, [question(1, "hi"), items[1].clone()]);
    assert_eq!(run.unwrap().id, items[1].item.id());
}
