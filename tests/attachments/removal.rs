//! Files go with the items that show them.

use serde_json::json;

use super::{PNG, Site};
use crate::harness::model::Gate;
use crate::harness::objects::Failure;
use crate::harness::responses::answer;

#[tokio::test]
async fn delete_thread_removes_its_files() {
    let site = Site::start().await;
    let other = site.uploaded("alice", "other.png", "image/png", PNG).await;
    site.thread("alice", &[&other]).await;
    let (keys, records) = (site.objects.keys(), site.records());
    let [one, two] = [
        site.uploaded("alice", "a.png", "image/png", PNG).await,
        site.uploaded("alice", "b.txt", "text/plain", b"b").await,
    ];
    let thread_id = site.thread("alice", &[&one]).await;
    site.send("alice", Some(&thread_id), "And", &[&two]).await.events();
    assert_eq!((site.objects.keys().len(), site.records().len()), (6, 3));

    // The files first: once the items are gone, nobody knows them.
    site.objects.fail("DELETE files/", Failure::Status(503), 4);
    site.delete_thread("alice", &thread_id).await.error(503, "unavailable");
    site.objects.reset();
    assert_eq!(site.delete_thread("alice", &thread_id).await.text, "{}");
    assert_eq!((site.objects.keys(), site.records()), (keys, records));
    assert_eq!(site.delete_thread("alice", &thread_id).await.text, "{}");
}

#[tokio::test]
async fn delete_thread_without_files_costs_no_more() {
    let site = Site::start().await;
    let thread_id = site.thread("alice", &[]).await;
    site.app.dynamo.reset();
    site.objects.reset();
    site.delete_thread("alice", &thread_id).await;
    let operations = ["UpdateItem", "UpdateItem", "Query", "BatchWriteItem", "DeleteItem"];
    assert_eq!(site.app.dynamo.reset().operations(), operations);
    assert_eq!(site.objects.reset(), [""; 0]);
}

#[tokio::test]
async fn retry_removes_the_files_of_the_removed_messages() {
    let site = Site::start().await;
    let [kept, dropped] = [
        site.uploaded("alice", "a.png", "image/png", PNG).await,
        site.uploaded("alice", "b.png", "image/png", PNG).await,
    ];
    let events = site.send("alice", None, "Look", &[&kept]).await.events();
    let (thread_id, item_id) = (events[0]["thread"]["id"].as_str().unwrap(), &events[1]["item"]["id"]);
    site.send("alice", Some(thread_id), "And", &[&dropped]).await.events();
    let retry = json!({ "type": "threads.retry_after_item", "params": { "thread_id": thread_id, "item_id": item_id } });
    // The files first, here too.
    site.objects.fail("DELETE files/", Failure::Status(503), 2);
    let events = site.app.chatkit("alice", &retry).await.events();
    assert_eq!((&events.last().unwrap()["type"], site.kept().len()), (&json!("error"), 2));
    assert_eq!(site.get("alice", thread_id).await["items"]["data"].as_array().unwrap().len(), 4);
    site.app.chatkit("alice", &retry).await.events();
    assert_eq!(site.records(), std::slice::from_ref(&kept));
    let keys = site.objects.keys();
    assert!(keys.len() == 2 && keys.iter().all(|key| key.ends_with(&kept)), "{keys:?}");
}

#[tokio::test]
async fn turn_that_outlives_its_thread_removes_the_files_of_its_question() {
    let site = Site::start().await;
    let thread_id = site.thread("alice", &[]).await;
    let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
    let gate = Gate::closed();
    site.app.model.rather(|request| !request.is_title() && !request.is_count(), answer("Late").before(&gate));
    let mut live = site.app.live("alice", &super::message(Some(&thread_id), "Look", &[&id])).await;
    live.until("stream_options").await;
    // As another process would leave it that knew nothing of the message yet.
    site.app.dynamo.set("threads", "T#", "deleted", "true");
    gate.open();
    live.end().await;
    assert_eq!((site.objects.keys(), site.records()), (vec![], vec![]));
}
