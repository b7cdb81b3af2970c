//! A bucket or a table that does not answer.

use serde_json::json;

use super::{PNG, Site};
use crate::harness::app::App;
use crate::harness::dynamodb::Fault;
use crate::harness::log::Log;
use crate::harness::objects::Failure;

const DOWN: &str = "the service cannot take files right now, please try again";

#[tokio::test]
async fn message_with_one_bucket_fault_succeeds() {
    let site = Site::start().await;
    let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
    for (request, failure) in [
        ("GET uploads/", Failure::Status(503)),
        ("PUT files/", Failure::Status(500)),
        ("GET files/", Failure::Status(503)),
    ] {
        site.objects.fail(request, failure, 1);
    }
    site.objects.reset_requests();
    let thread_id = site.thread("alice", &[&id]).await;
    let methods: Vec<_> = site.objects.reset().iter().map(|request| request[..9].to_owned()).collect();
    let copied = ["GET uploa", "GET uploa", "PUT files", "PUT files"];
    assert_eq!(
        (&methods[..4], &methods[4..]),
        // The model's server cannot count the picture, and is shown it all the same.
        (&copied.map(str::to_owned)[..], &["GET files"; 3].map(str::to_owned)[..])
    );

    site.objects.fail("DELETE", Failure::Status(503), 1);
    assert_eq!(site.delete_thread("alice", &thread_id).await.status, 200);
    assert_eq!(site.objects.keys(), [""; 0]);
}

#[tokio::test]
async fn message_whose_copy_fails_late_answers_unavailable() {
    let site = Site::start().await;
    let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
    site.objects.fail("PUT files/", Failure::Late, 2);
    assert_eq!(site.send("alice", None, "Look", &[&id]).await.error(503, "unavailable"), DOWN);
    assert_eq!(site.asked(), 0);
    assert_eq!(site.kept(), [""; 0]);
    site.objects.fail("PUT files/", Failure::Late, 1);
    site.thread("alice", &[&id]).await;
}

#[tokio::test]
async fn operations_on_files_when_the_bucket_is_down_answer_unavailable() {
    let log = Log::start();
    let site = Site::start().await;
    let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
    let thread_id = site.thread("alice", &[]).await;
    let asked = site.asked();
    site.objects.fail("", Failure::Status(503), 100);
    for thread_id in [None, Some(thread_id.as_str())] {
        assert_eq!(site.send("alice", thread_id, "Look", &[&id]).await.error(503, "unavailable"), DOWN);
    }
    assert_eq!(site.delete("alice", &id).await.error(503, "unavailable"), DOWN);
    assert_eq!(site.asked(), asked);
    // What needs no file works: an announcement costs S3 nothing, and a message without files nothing either.
    assert_eq!(site.create("alice", "b.png", 1, "image/png").await.status, 200);
    site.send("alice", Some(&thread_id), "Hello?", &[]).await.events();
    site.objects.reset();

    for (status, expected, code, cause) in [
        (
            403,
            503,
            "unavailable",
            "denies access: give the function's role the rights on `FILES_BUCKET` that `template.yaml` gives it",
        ),
        (400, 500, "internal_error", "refused the request with status 400"),
    ] {
        site.objects.fail("GET uploads/", Failure::Status(status), 1);
        let other = site.uploaded("alice", "a.png", "image/png", PNG).await;
        site.send("alice", None, "Look", &[&other]).await.error(expected, code);
        let told = &log.requests().pop().unwrap()["cause"];
        assert!(told.as_str().unwrap().ends_with(&format!("the bucket for files {cause}")), "{told}");
    }
    assert_eq!(site.delete("alice", &id).await.text, "{}");
}

#[tokio::test]
async fn delete_attachment_when_the_bucket_is_unreachable_answers_unavailable() {
    let app = App::with([("FILES_BUCKET", "files"), ("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")]).await;
    let delete = json!({ "type": "attachments.delete", "params": { "attachment_id": "atc_1" } });
    assert_eq!(app.chatkit("alice", &delete).await.error(503, "unavailable"), DOWN);
}

#[tokio::test]
async fn message_when_the_attachment_record_cannot_be_read_answers_unavailable() {
    let site = Site::start().await;
    let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
    site.app.dynamo.fail("GetItem", "A#", Fault::ServerError, 3);
    site.send("alice", None, "Look", &[&id]).await.error(503, "unavailable");
    site.app.dynamo.reset();
    assert_eq!(site.asked(), 0);
    site.thread("alice", &[&id]).await;
}
