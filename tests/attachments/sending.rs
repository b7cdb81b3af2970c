//! A message takes its attachments together with its place in the thread, or not at all.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{PNG, Site, alice, message, user_message};
use crate::harness::dynamodb::Fault;
use crate::harness::objects::Failure;

impl Site {
    /// That an attachment is as before it was sent: it will expire, and until then it can be sent.
    fn assert_free(&self, id: &str, why: &str) {
        assert_eq!(self.kept(), [""; 0], "{why}");
        let records = self.app.dynamo.records("threads");
        let record = records.iter().find(|record| record["sk"]["S"] == format!("A#{id}")).unwrap();
        assert!(record["message_id"].is_null() && record["expires_at"]["N"].is_string(), "{why}: {record}");
        let is_message = |record: &&Value| record["item"]["S"].as_str().is_some_and(|item| item.contains(id));
        assert_eq!(records.iter().find(is_message), None, "{why}");
    }

    /// How many threads there are.
    fn threads(&self) -> usize {
        let records = self.app.dynamo.records("threads");
        records.iter().filter(|record| record["sk"]["S"].as_str().unwrap().starts_with("T#")).count()
    }
}

#[tokio::test]
async fn message_that_cannot_be_stored_leaves_its_attachments_unclaimed() {
    let site = Site::start().await;
    let thread = site.thread("alice", &[]).await;
    let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
    for (fault, times) in [(Fault::ServerError, 3), (Fault::CutBefore, 3), (Fault::CutAfter, 3)] {
        for thread in [None, Some(thread.as_str())] {
            let why = format!("{fault:?} {thread:?}");
            site.app.dynamo.fail("TransactWriteItems", "SET #message", fault, times);
            let events = site.send("alice", thread, "Look", &[&id]).await.events();
            assert_eq!(events.last().unwrap()["type"], "error", "{why}: {events:?}");
            site.app.dynamo.reset();
            site.assert_free(&id, &why);
            assert_eq!((site.threads(), site.asked()), (1, 1), "{why}");
        }
    }
    let events = site.send("alice", Some(&thread), "Look", &[&id]).await.events();
    assert_eq!(user_message(&json!(events))["attachments"][0]["id"], id);
    assert_eq!(site.kept().len(), 1);
}

#[tokio::test]
async fn message_when_the_stores_response_is_lost_is_answered() {
    let site = Site::start().await;
    let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
    site.app.dynamo.fail("TransactWriteItems", "SET #message", Fault::CutAfter, 1);
    site.thread("alice", &[&id]).await;
}

#[tokio::test]
async fn message_whose_files_cannot_be_copied_is_rolled_back() {
    let site = Site::start().await;
    let thread = site.thread("alice", &[]).await;
    let [one, other] = [
        site.uploaded("alice", "a.png", "image/png", PNG).await,
        site.uploaded("alice", "b.png", "image/png", PNG).await,
    ];
    for thread in [None, Some(thread.as_str())] {
        // Of two files the second one fails.
        let copy = format!("PUT files/{}", super::object(&alice(), &other));
        site.objects.fail(&copy, Failure::Status(503), 2);
        site.send("alice", thread, "Look", &[&one, &other]).await.error(503, "unavailable");
        site.objects.reset();
        for id in [&one, &other] {
            site.assert_free(id, &format!("{thread:?}"));
        }
        assert_eq!((site.threads(), site.asked()), (1, 1));
    }
    site.send("alice", Some(&thread), "Look", &[&one, &other]).await.events();
    assert_eq!(site.kept().len(), 2);
}

#[tokio::test]
async fn messages_that_race_for_an_attachment_claim_it_once() {
    let site = Site::start().await;
    let thread = site.thread("alice", &[]).await;
    for round in 0..4 {
        let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
        site.app.dynamo.lockstep(true);
        let threads = [None, Some(thread.as_str()), None, None];
        let sent = threads.iter().enumerate().map(|(number, thread)| {
            let text = format!("Look {round} {number}");
            let (site, id) = (&site, id.as_str());
            async move { site.app.chatkit("alice", &message(*thread, &text, &[id])).await }
        });
        let answers = join_all(sent).await;
        site.app.dynamo.lockstep(false);
        let (stored, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
        assert_eq!((stored.len(), refused.len()), (1, 3));
        for answer in refused {
            let taken = format!("the attachment `{id}` belongs to another message already");
            assert_eq!(answer.error(400, "bad_request"), taken);
        }
        let kept = site.kept();
        assert_eq!((kept.len(), kept.iter().filter(|key| key.ends_with(&id)).count()), (round + 1, 1));
    }
}

#[tokio::test]
async fn delete_attachment_also_removes_a_copied_file() {
    let site = Site::start().await;
    let [one, other] = [
        site.uploaded("alice", "a.png", "image/png", PNG).await,
        site.uploaded("alice", "b.png", "image/png", PNG).await,
    ];
    // A copy that was made, of a message that was taken back, and could not be removed.
    let copy = format!("PUT files/{}", super::object(&alice(), &other));
    site.objects.fail(&copy, Failure::Status(503), 2);
    site.objects.fail("DELETE files/", Failure::Status(503), 4);
    site.send("alice", None, "Look", &[&one, &other]).await.error(503, "unavailable");
    site.objects.reset();
    assert_eq!(site.kept().len(), 1);
    for id in [&one, &other] {
        assert_eq!(site.delete("alice", id).await.text, "{}");
    }
    assert_eq!((site.objects.keys(), site.records()), (vec![], vec![]));
}

#[tokio::test]
async fn attachment_whose_record_expired_stays_in_its_message() {
    let site = Site::start().await;
    let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
    let thread = site.thread("alice", &[&id]).await;
    site.app.dynamo.store().attachments.remove(&alice(), std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(site.delete("alice", &id).await.text, "{}");
    assert_eq!(site.kept().len(), 1);
    let answer = site.send("alice", None, "Again", &[&id]).await.error(400, "bad_request");
    assert_eq!(answer, "`attachments` names an attachment that does not exist");
    site.delete_thread("alice", &thread).await;
    assert_eq!(site.objects.keys(), [""; 0]);
}
