//! The run lease.

use chatkit_shared::store::{BeginError, Run, StoredItem, ThreadRecord, Threads};

use super::{answer, at, delete, id, owner, question, run, thread};
use crate::harness::dynamodb::Dynamo;

async fn started(dynamo: &Dynamo) -> Threads {
    let threads = dynamo.threads();
    let head = ThreadRecord { run: Some(run(1, "first")), ..thread(1) };
    threads.create(&owner(), &head, &question(1, "hi")).await.unwrap();
    dynamo.reset();
    threads
}

fn outcome(result: &Result<(), BeginError>) -> &'static str {
    match result {
        Ok(()) => "begun",
        Err(BeginError::NotFound) => "not found",
        Err(BeginError::Conflict) => "conflict",
        Err(BeginError::Taken(_)) => "taken",
        Err(BeginError::Store(error)) if error.is_unavailable() => "unavailable",
        Err(BeginError::Store(_)) => "failed",
    }
}

async fn stored(threads: &Threads) -> (Option<Run>, Vec<StoredItem>) {
    let loaded = threads.load(&owner(), &id("thr", 1), 24).await.unwrap().unwrap();
    (loaded.thread.run, loaded.items)
}

#[tokio::test]
async fn a_turn_begins_with_two_writes_in_one_round_trip() {
    let dynamo = Dynamo::start().await;
    let threads = started(&dynamo).await;
    let next = run(2, "next");
    let item = question(2, "and?");
    dynamo.slow(50);
    threads.begin_run(&owner(), &id("thr", 1), &next, None, Some(&item), at(61)).await.unwrap();
    let meter = dynamo.reset();
    assert_eq!((meter.units(), meter.round_trips(), meter.calls.len()), ((0.0, 2.0), 1, 2));
    assert_eq!(stored(&threads).await, (Some(next), vec![question(1, "hi"), item]));
}

#[tokio::test]
async fn only_the_same_message_is_refused_while_it_is_answered() {
    for (digest, seen, now, expected) in [
        ("first", None, at(0), "conflict"),
        ("first", Some(id("msg", 7)), at(59), "conflict"),
        ("first", Some(id("msg", 1)), at(0), "begun"),
        ("first", None, at(60), "begun"),
        ("other", None, at(0), "begun"),
    ] {
        let dynamo = Dynamo::start().await;
        let threads = started(&dynamo).await;
        let (next, item) = (run(2, digest), question(2, "again"));
        let result = threads.begin_run(&owner(), &id("thr", 1), &next, seen.as_deref(), Some(&item), now).await;
        assert_eq!(outcome(&result), expected, "{digest} {seen:?} {now}");
        let unchanged = (Some(run(1, "first")), vec![question(1, "hi")]);
        let begun = (Some(next), vec![question(1, "hi"), item]);
        assert_eq!(stored(&threads).await, if result.is_ok() { begun } else { unchanged });
    }
}

#[tokio::test]
async fn a_refused_turn_puts_back_the_item_that_it_changed() {
    let dynamo = Dynamo::start().await;
    let threads = started(&dynamo).await;
    let changed = question(1, "changed");
    let result = threads.begin_run(&owner(), &id("thr", 1), &run(2, "first"), None, Some(&changed), at(0)).await;
    assert_eq!(outcome(&result), "conflict");
    assert_eq!(stored(&threads).await.1, [question(1, "hi")]);
}

#[tokio::test]
async fn a_run_ends_with_its_last_item() {
    let dynamo = Dynamo::start().await;
    let threads = started(&dynamo).await;
    let live = async || {
        let loaded = threads.load(&owner(), &id("thr", 1), 24).await.unwrap().unwrap();
        loaded.live_run(at(0)).cloned()
    };
    assert_eq!(live().await, Some(run(1, "first")));
    let last = StoredItem { ends_run: Some(id("msg", 1)), ..answer(2, "ho") };
    dynamo.reset();
    threads.put_item(&owner(), &id("thr", 1), &last).await.unwrap();
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    assert_eq!(live().await, None);

    let loaded = threads.load(&owner(), &id("thr", 1), 1).await.unwrap().unwrap();
    assert_eq!((loaded.live_run(at(0)), loaded.thread.run.as_ref()), (None, Some(&run(1, "first"))));
}

#[tokio::test]
async fn a_run_without_an_item_is_ended_by_a_write_of_its_own() {
    let dynamo = Dynamo::start().await;
    let threads = started(&dynamo).await;
    threads.end_run(&owner(), &id("thr", 1), &id("msg", 7)).await.unwrap();
    assert_eq!(stored(&threads).await.0, Some(run(1, "first")));
    dynamo.reset();
    threads.end_run(&owner(), &id("thr", 1), &id("msg", 1)).await.unwrap();
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    assert_eq!(stored(&threads).await.0, None);
    threads.end_run(&owner(), "thr_no", &id("msg", 1)).await.unwrap();
    assert_eq!(dynamo.records("threads").len(), 2);
}

#[tokio::test]
async fn no_turn_begins_in_a_thread_that_is_gone() {
    let dynamo = Dynamo::start().await;
    let threads = started(&dynamo).await;
    delete(&threads, &owner(), &id("thr", 1)).await.unwrap();
    for thread_id in [id("thr", 1), "thr_no".to_owned(), String::new(), "x".repeat(5000)] {
        let item = question(2, "again");
        let result = threads.begin_run(&owner(), &thread_id, &run(2, "x"), None, Some(&item), at(0)).await;
        assert_eq!(outcome(&result), "not found");
    }
    assert_eq!(dynamo.records("threads").len(), 0);
}

#[tokio::test]
async fn of_many_equal_requests_one_begins() {
    let dynamo = Dynamo::start().await;
    let threads = started(&dynamo).await;
    let attempts = (2..22).map(|number| {
        let threads = threads.clone();
        async move {
            let item = question(number, "same");
            threads.begin_run(&owner(), &id("thr", 1), &run(number, "same"), None, Some(&item), at(0)).await
        }
    });
    let results = futures_util::future::join_all(attempts).await;
    let mut outcomes: Vec<_> = results.iter().map(outcome).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [vec!["begun"], vec!["conflict"; 19]].concat());
    let (run, items) = stored(&threads).await;
    assert_eq!(items, [question(1, "hi"), items[1].clone()]);
    assert_eq!(run.unwrap().id, items[1].item.id());
}
