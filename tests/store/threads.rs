//! Store and items, one method after the other, with what each costs.

use chatkit_shared::protocol::{FeedbackKind, Page, ThreadItem, ThreadStatus};
use chatkit_shared::store::{BeginError, Loaded, Store, StoredItem, ThreadRecord};
use serde_json::json;

use super::{all, anew, answer, at, attachment, delete, hidden, id, owner, put_in_place, question, run, thread};
use crate::harness::dynamodb::Dynamo;

async fn with_items(dynamo: &Dynamo, items: &[StoredItem]) -> (Store, ThreadRecord) {
    let (store, head) = (dynamo.store(), thread(1));
    store.threads.create(&owner(), &head, &items[0]).await.unwrap();
    for item in &items[1..] {
        store.items.put(&owner(), &head.id, item).await.unwrap();
    }
    dynamo.reset();
    (store, head)
}

#[tokio::test]
async fn create_stores_a_thread_that_reads_back_unchanged() {
    let dynamo = Dynamo::start().await;
    let store = dynamo.store();
    let head = ThreadRecord {
        title: Some(String::new()),
        created_at: "2026-11-20T10:20:47.638665123Z".parse().unwrap(),
        status: ThreadStatus::Locked { reason: Some("later".to_owned()) },
        allowed_image_domains: Some(Vec::new()),
        run: Some(run(1, "digest")),
        ..thread(1)
    };
    dynamo.lockstep(true);
    store.threads.create(&owner(), &head, &question(1, "hi")).await.unwrap();
    let meter = dynamo.reset();
    assert_eq!((meter.units(), meter.round_trips()), ((0.0, 2.0), 1));

    let loaded = store.threads.load(&owner(), &head.id, 20).await.unwrap();
    let meter = dynamo.reset();
    assert_eq!((meter.units(), meter.round_trips()), ((1.0, 0.0), 1));
    assert_eq!(loaded, Some(Loaded { thread: head.clone(), items: vec![question(1, "hi")], has_older: false }));

    assert_eq!(store.threads.head(&owner(), &head.id).await.unwrap(), Some(head.clone()));
    assert_eq!(dynamo.reset().units(), (1.0, 0.0));
    let page = Page { data: vec![head], has_more: false, after: None };
    assert_eq!(store.threads.list(&owner(), &all()).await.unwrap().page, page);
    assert_eq!(dynamo.reset().units(), (0.5, 0.0));
}

#[tokio::test]
async fn create_with_an_existing_id_is_refused_and_changes_nothing() {
    let dynamo = Dynamo::start().await;
    let (store, head) = with_items(&dynamo, &[question(1, "hi")]).await;
    let other = ThreadRecord { run: Some(run(2, "digest")), ..head.clone() };
    let error = store.threads.create(&owner(), &other, &question(2, "again")).await.unwrap_err();
    let BeginError::Store(error) = error else { panic!("{error:?}") };
    assert!(!error.is_unavailable());
    assert_eq!(error.to_string(), "the store failed");
    let loaded = store.threads.load(&owner(), &head.id, 24).await.unwrap();
    assert_eq!(loaded, Some(Loaded { thread: head, items: vec![question(1, "hi")], has_older: false }));
}

#[tokio::test]
async fn load_reads_the_newest_items_for_three_units() {
    let dynamo = Dynamo::start().await;
    let items: Vec<_> = (1..=30).map(|number| answer(number, &"x".repeat(700))).collect();
    let (store, head) = with_items(&dynamo, &items).await;
    let loaded = store.threads.load(&owner(), &head.id, 20).await.unwrap();
    assert_eq!(loaded, Some(Loaded { thread: head, items: items[10..].to_vec(), has_older: true }));
    let (read, written) = dynamo.reset().units();
    assert!(read <= 3.0 && written == 0.0, "{read} {written}");

    let size: usize =
        dynamo.records("threads").iter().map(|record| record["item"]["S"].as_str().map_or(0, str::len)).sum();
    let json: usize = items.iter().map(|item| serde_json::to_string(&item.item).unwrap().len()).sum();
    assert_eq!(size, json);
}

#[tokio::test]
async fn put_item_of_every_kind_reads_back_unchanged() {
    let dynamo = Dynamo::start().await;
    let kinds = [
        json!({"type": "user_message", "content": [
            {"type": "input_text", "text": "ü\u{0}\"\\\n"},
            {"type": "input_tag", "id": "t", "text": "T", "data": {"k": null}, "group": "g", "interactive": true},
        ], "attachments": [{"id": "a", "name": "n", "mime_type": "image/png", "type": "image", "preview_url": "u"}],
            "quoted_text": "", "inference_options": {"tool_choice": {"id": "x"}, "model": "m"}}),
        json!({"type": "assistant_message", "content": [{"type": "output_text", "text": "", "annotations": [
            {"type": "annotation", "index": 0, "source": {"type": "url", "title": "t", "url": "u"}}]}]}),
        json!({"type": "client_tool_call", "call_id": "c", "name": "n", "arguments": {"a": []}, "output": {"b": null}}),
        json!({"type": "widget", "widget": {
            "type": "Card", "n": [1, -1, 18446744073709551615_u64, 1e-7, -966.1426424238549],
        }}),
        json!({"type": "generated_image", "image": {"id": "i", "url": "u"}}),
        json!({"type": "structured_input", "status": "answered", "inputs": [
            {"type": "freeform", "id": "i", "question": "q", "answer": {"values": ["v"]}}]}),
        json!({"type": "workflow", "workflow": {"type": "reasoning", "tasks": [{"type": "thought", "content": "c"}],
            "summary": {"duration": 3}}}),
        json!({"type": "task", "task": {"type": "custom", "title": "t"}}),
        json!({"type": "end_of_turn"}),
        json!({"type": "hidden_context_item", "content": ["anything"]}),
        json!({"type": "sdk_hidden_context", "content": "text"}),
    ];
    let items: Vec<_> = (1..)
        .zip(kinds)
        .map(|(number, mut kind)| {
            let header = json!({ "id": id("msg", number), "thread_id": id("thr", 1), "created_at": at(0) });
            kind.as_object_mut().unwrap().extend(header.as_object().unwrap().clone());
            let item: ThreadItem = serde_json::from_value(kind).unwrap();
            StoredItem { upstream_id: Some("up".to_owned()), ends_run: Some("run".to_owned()), ..StoredItem::new(item) }
        })
        .collect();
    dynamo.store().attachments.put(&owner(), &attachment("a")).await.unwrap();
    let (store, head) = with_items(&dynamo, &items).await;
    assert_eq!(store.threads.load(&owner(), &head.id, 24).await.unwrap().unwrap().items, items);
    for item in &items {
        assert_eq!(store.items.get(&owner(), &head.id, item.item.id()).await.unwrap().as_ref(), Some(item));
    }
}

#[tokio::test]
async fn put_item_again_keeps_the_feedback() {
    let dynamo = Dynamo::start().await;
    let first = StoredItem { upstream_id: Some("up".to_owned()), ..answer(2, "one") };
    let (store, head) = with_items(&dynamo, &[question(1, "hi"), first]).await;
    let ids = [id("msg", 2)];
    assert!(store.items.feedback(&owner(), &head.id, &ids, FeedbackKind::Negative, at(5)).await.unwrap().all_exist);
    assert_eq!(dynamo.reset().units(), (0.5, 1.0));
    store.items.put(&owner(), &head.id, &answer(2, "two")).await.unwrap();
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    assert_eq!(store.items.get(&owner(), &head.id, &id("msg", 2)).await.unwrap(), Some(answer(2, "two")));
    assert_eq!(dynamo.reset().units(), (1.5, 0.0));

    let mut records = dynamo.records("threads");
    records.retain(|record| record["feedback"].is_object());
    let item = serde_json::to_string(&answer(2, "two").item).unwrap();
    assert_eq!(
        records,
        [json!({
            "pk": {"S": format!("default#ada#{}", head.id)}, "sk": {"S": format!("I#{:026}", 2)}, "item": {"S": item},
            "feedback": {"S": "negative"}, "feedback_at": {"S": at(5).to_string()},
        })]
    );
}

#[tokio::test]
async fn feedback_tells_whether_all_items_exist() {
    let dynamo = Dynamo::start().await;
    let (store, head) = with_items(&dynamo, &[question(1, "hi"), answer(2, "ho")]).await;
    let long = "x".repeat(5000);
    for (ids, exist) in [
        (vec![], true),
        (vec![id("msg", 1), id("msg", 2), id("msg", 1)], true),
        (vec![id("msg", 1), id("msg", 3)], false),
        (vec![String::new()], false),
        (vec![long], false),
    ] {
        let all =
            store.items.feedback(&owner(), &head.id, &ids, FeedbackKind::Positive, at(0)).await.unwrap().all_exist;
        assert_eq!(all, exist, "{ids:?}");
    }
    assert!(!store.items.feedback(&owner(), "thr_no", &[], FeedbackKind::Positive, at(0)).await.unwrap().all_exist);
    assert_eq!(dynamo.records("threads").len(), 3);
}

#[tokio::test]
async fn set_title_costs_one_write_and_needs_an_existing_thread() {
    let dynamo = Dynamo::start().await;
    let (store, head) = with_items(&dynamo, &[question(1, "hi")]).await;
    let titled = ThreadRecord { title: Some("T".to_owned()), ..head.clone() };
    assert_eq!(store.threads.set_title(&owner(), &head.id, "T").await.unwrap(), Some(titled));
    assert_eq!(dynamo.reset().units(), (0.0, 1.0));
    assert_eq!(store.threads.set_title(&owner(), "thr_no", "T").await.unwrap(), None);
    delete(&store, &owner(), &head.id).await.unwrap();
    assert_eq!(store.threads.set_title(&owner(), &head.id, "T").await.unwrap(), None);
    assert_eq!(dynamo.records("threads"), [json!(null); 0]);
}

#[tokio::test]
async fn put_in_place_removes_the_items_after_one() {
    let dynamo = Dynamo::start().await;
    let items: Vec<_> = (1..=5).map(|n| if n == 4 { hidden(n) } else { answer(n, "x") }).collect();
    let (store, head) = with_items(&dynamo, &items).await;
    put_in_place(&store, &owner(), &head.id, &id("msg", 3)).await.unwrap();
    let meter = dynamo.reset();
    assert_eq!((meter.operations(), meter.units()), (vec!["Query", "TransactWriteItems"], (1.0, 6.0)));
    let left = [&items[..3], &[anew()]].concat();
    assert_eq!(store.threads.load(&owner(), &head.id, 24).await.unwrap().unwrap().items, left);
    put_in_place(&store, &owner(), &head.id, &id("msg", 3)).await.unwrap();
    put_in_place(&store, &owner(), &head.id, &"x".repeat(5000)).await.unwrap();
    assert_eq!(store.threads.load(&owner(), &head.id, 24).await.unwrap().unwrap().items, left);
}

#[tokio::test]
async fn put_in_place_of_many_items_removes_the_newest_first() {
    let dynamo = Dynamo::start().await;
    let items: Vec<_> = (1..=252).map(|number| answer(number, "x")).collect();
    let (store, head) = with_items(&dynamo, &items).await;
    let count = || dynamo.records("threads").len() - 1;
    for (failing, left) in [(id("msg", 152), 152), (id("msg", 52), 52)] {
        let key = failing.strip_prefix("msg_").unwrap();
        dynamo.fail("TransactWriteItems", key, crate::harness::dynamodb::Fault::ServerError, 3);
        put_in_place(&store, &owner(), &head.id, &id("msg", 2)).await.unwrap_err();
        assert_eq!(count(), left);
    }
    put_in_place(&store, &owner(), &head.id, &id("msg", 2)).await.unwrap();
    let left = [&items[..2], &[anew()]].concat();
    assert_eq!(store.threads.load(&owner(), &head.id, 24).await.unwrap().unwrap().items, left);
}

#[tokio::test]
async fn delete_leaves_no_records() {
    let dynamo = Dynamo::start().await;
    let items: Vec<_> = (1..=60).map(|number| answer(number, "x")).collect();
    let (store, head) = with_items(&dynamo, &items).await;
    let other = thread(2);
    store.threads.create(&owner(), &other, &question(1, "other")).await.unwrap();
    assert!(store.threads.head(&owner(), &head.id).await.unwrap().is_some());
    dynamo.reset();
    delete(&store, &owner(), &head.id).await.unwrap();
    let meter = dynamo.reset();
    let operations = ["UpdateItem", "Query", "BatchWriteItem", "BatchWriteItem", "BatchWriteItem", "DeleteItem"];
    assert_eq!((meter.operations(), meter.units().1), (operations.to_vec(), 62.0));
    assert!(store.threads.head(&owner(), &head.id).await.unwrap().is_none());
    assert_eq!(dynamo.reset().units(), (1.0, 0.0));
    assert_eq!(dynamo.records("threads").len(), 2);
    delete(&store, &owner(), &head.id).await.unwrap();
    assert_eq!(store.threads.list(&owner(), &all()).await.unwrap().page.data, [other]);

    // A turn that outlived its thread.
    store.items.put(&owner(), &head.id, &answer(61, "late")).await.unwrap();
    assert_eq!(store.threads.load(&owner(), &head.id, 24).await.unwrap(), None);
    assert_eq!(store.items.list(&owner(), &head.id, &all()).await.unwrap(), None);
    assert_eq!(store.items.get(&owner(), &head.id, &id("msg", 61)).await.unwrap(), None);
    let late = id("msg", 61);
    store.items.remove(&owner(), &head.id, &[late.clone(), late, String::new()]).await.unwrap();
    assert_eq!(dynamo.records("threads").len(), 2);
}

#[tokio::test]
async fn put_in_place_keeps_items_newer_than_the_run() {
    let dynamo = Dynamo::start().await;
    let items: Vec<_> = (1..=5).map(|number| answer(number, "x")).collect();
    let (store, head) = with_items(&dynamo, &items).await;
    let replaced = store.items.end_of_thread(&owner(), &head.id, &id("msg", 2), &id("run", 4)).await.unwrap();
    store.items.put_in_place(&owner(), &head.id, &anew(), replaced).await.unwrap();
    let left = [&items[..2], &items[3..], &[anew()]].concat();
    assert_eq!(store.threads.load(&owner(), &head.id, 24).await.unwrap().unwrap().items, left);
}
