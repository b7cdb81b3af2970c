//! Nobody reaches what belongs to another, whatever ids they send.

use chatkit_shared::identity::Owner;
use chatkit_shared::protocol::{FeedbackKind, Order, Page};
use chatkit_shared::store::{BeginError, RunTrigger, ThreadRecord};

use super::{all, anew, answer, at, delete, id, paging, put_in_place, question, run, thread};
use crate::harness::dynamodb::Dynamo;

/// Owners whose names try to look like another's key.
fn owners() -> Vec<Owner> {
    let names = [
        ("a", "b"),
        ("a", "b#thr_1"),
        ("a#b", "c"),
        ("a", "b#c"),
        ("a%23b", "c"),
        ("a", "%62"),
        ("a", "b%23c"),
        ("A", "b"),
        ("a", "b "),
        ("a#", "b"),
        ("a", "#b"),
        ("ä", "b"),
    ];
    names.into_iter().map(|(tenant, user)| Owner::new(tenant, user).unwrap()).collect()
}

#[tokio::test]
async fn threads_with_the_same_id_are_separate_for_each_owner() {
    let dynamo = Dynamo::start().await;
    let store = dynamo.store();
    for (number, owner) in (1..).zip(owners()) {
        let head = ThreadRecord { title: Some(number.to_string()), ..thread(1) };
        store.threads.create(&owner, &head, &question(1, &number.to_string())).await.unwrap();
    }
    for (number, owner) in (1..).zip(owners()) {
        let head = ThreadRecord { title: Some(number.to_string()), ..thread(1) };
        let loaded = store.threads.load(&owner, &head.id, 24).await.unwrap().unwrap();
        assert_eq!((&loaded.thread, loaded.items), (&head, vec![question(1, &number.to_string())]));
        assert_eq!(store.threads.list(&owner, &all()).await.unwrap().page.data, [head]);
    }
}

#[tokio::test]
async fn methods_with_another_owner_never_reach_the_thread() {
    let dynamo = Dynamo::start().await;
    let store = dynamo.store();
    let ada = Owner::new("acme", "ada").unwrap();
    let head = ThreadRecord { run: Some(run(1, "a")), ..thread(1) };
    store.threads.create(&ada, &head, &question(1, "secret")).await.unwrap();
    store.items.put(&ada, &head.id, &answer(2, "secret")).await.unwrap();
    let mut before = dynamo.records("threads");
    before.sort_by_key(ToString::to_string);

    let item = id("msg", 2);
    let mut ids = vec![head.id.clone(), "%".to_owned(), "#".to_owned(), String::new(), "x".repeat(3000)];
    for owner in ["acme", "acme#ada", "ada"] {
        ids.push(format!("{owner}#{}", head.id));
        ids.push(format!("#{owner}#{}", head.id));
        ids.push(format!("..%23{owner}%23{}", head.id));
    }
    for owner in [("acme", "eve"), ("acme", "ad"), ("acme#ada", "x"), ("other", "ada")] {
        let eve = Owner::new(owner.0, owner.1).unwrap();
        assert_eq!(store.threads.list(&eve, &all()).await.unwrap().page, Page::empty());
        for after in &ids {
            for order in [Order::Asc, Order::Desc] {
                let page = store.threads.list(&eve, &paging(9999, order, Some(after))).await.unwrap().page;
                assert_eq!(page, Page::empty());
            }
        }
        for thread_id in &ids {
            assert_eq!(store.threads.load(&eve, thread_id, 24).await.unwrap(), None);
            assert_eq!(store.threads.head(&eve, thread_id).await.unwrap(), None);
            assert_eq!(store.items.list(&eve, thread_id, &all()).await.unwrap(), None);
            assert_eq!(store.items.get(&eve, thread_id, &item).await.unwrap(), None);
            assert_eq!(store.threads.set_title(&eve, thread_id, "mine").await.unwrap(), None);
            assert!(store.threads.head(&eve, thread_id).await.unwrap().is_none());
            let items = [item.clone()];
            assert!(
                !store.items.feedback(&eve, thread_id, &items, FeedbackKind::Negative, at(0)).await.unwrap().all_exist
            );
            store.runs.end(&eve, thread_id, &id("msg", 1)).await.unwrap();
            // Refused where no thread can have the id.
            let _ = put_in_place(&store, &eve, thread_id, "").await;
            store.items.remove(&eve, thread_id, &[item.clone(), anew().item.id().to_owned()]).await.unwrap();
            delete(&store, &eve, thread_id).await.unwrap();
            let (run, item) = (run(3, "b"), question(3, "mine"));
            let result = store.runs.begin(&eve, thread_id, &run, None, RunTrigger::Message(&item), at(0)).await;
            assert!(matches!(result, Err(BeginError::NotFound)));
        }
    }
    let mut after = dynamo.records("threads");
    after.sort_by_key(ToString::to_string);
    assert_eq!(before, after);
}

#[tokio::test]
async fn methods_with_impossible_ids_cost_nothing() {
    let dynamo = Dynamo::start().await;
    let (store, owner) = (dynamo.store(), Owner::new("a", "b").unwrap());
    for thread_id in [String::new(), "é".repeat(65)] {
        assert_eq!(store.threads.load(&owner, &thread_id, 24).await.unwrap(), None);
        assert_eq!(store.threads.head(&owner, &thread_id).await.unwrap(), None);
        assert_eq!(store.items.list(&owner, &thread_id, &all()).await.unwrap(), None);
        assert_eq!(store.threads.set_title(&owner, &thread_id, "x").await.unwrap(), None);
        delete(&store, &owner, &thread_id).await.unwrap();
    }
    assert_eq!(dynamo.reset().calls, []);
}

#[tokio::test]
async fn methods_with_the_longest_names_work() {
    let dynamo = Dynamo::start().await;
    let store = dynamo.store();
    let owner = Owner::new("#".repeat(Owner::MAX_ID_BYTES), "%".repeat(Owner::MAX_ID_BYTES)).unwrap();
    let head = ThreadRecord { id: format!("thr_{}", "#".repeat(124)), ..thread(1) };
    store.threads.create(&owner, &head, &question(1, "hi")).await.unwrap();
    assert_eq!(store.items.list(&owner, &head.id, &all()).await.unwrap().unwrap().data, [question(1, "hi")]);
    assert_eq!(store.threads.list(&owner, &all()).await.unwrap().page.data, [head]);
}
