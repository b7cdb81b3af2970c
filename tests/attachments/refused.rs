//! What is not taken, and why it says so.

use bytes::Bytes;
use chatkit_shared::files::{MediaType, ObjectKey};
use serde_json::json;

use super::{PNG, Site, alice, message, upload};
use crate::harness::app::App;

const PNG_WITH_ZERO: &[u8] = b"\x89PNG\r\n\x1a\n\0";
const UNKNOWN: &str = "`attachments` names an attachment that does not exist";

impl Site {
    /// The message of a refused message; the model must not have heard of it.
    async fn refused(&self, user: &str, thread_id: Option<&str>, ids: &[&str]) -> String {
        let (asked, keys) = (self.asked(), self.objects.keys());
        let message = self.send(user, thread_id, "Look", ids).await.error(400, "bad_request");
        assert_eq!((self.asked(), self.objects.keys()), (asked, keys));
        message
    }
}

#[tokio::test]
async fn create_attachment_beyond_the_bytes_of_an_hour_or_a_day_is_refused() {
    for (limit, of_others) in [("LIMIT_USER_UPLOAD_MB_PER_HOUR", 200), ("LIMIT_TENANT_UPLOAD_MB_PER_DAY", 429)] {
        let site = Site::with([(limit, "1")]).await;
        let create = async |user, size| site.create(user, "a.png", size, "image/png").await;
        assert_eq!(create("alice", 600_000).await.status, 200);
        create("alice", 400_001).await.error(429, "rate_limit_exceeded");
        assert_eq!(create("alice", 400_000).await.status, 200);
        assert_eq!(create("bob", 1).await.status, of_others, "{limit}");
    }
    let site = Site::with([("LIMIT_USER_REQUESTS_PER_MINUTE", "1")]).await;
    assert_eq!(site.create("alice", "a.png", 1, "image/png").await.status, 200);
    site.create("alice", "a.png", 1, "image/png").await.error(429, "rate_limit_exceeded");
}

#[tokio::test]
async fn create_attachment_with_invalid_metadata_is_refused() {
    let site = Site::with([("FILES_MAX_BYTES", "1000"), ("FILES_TYPES", "image/*")]).await;
    let name = "`name` must have 1 to 255 characters, none of them a control character";
    let size = "a file must have 1 to 1000 bytes";
    let kind = "files of this type are not taken";
    for (file, message) in [
        (json!({ "name": "", "size": 1, "mime_type": "image/png" }), name),
        (json!({ "name": "a\nb", "size": 1, "mime_type": "image/png" }), name),
        (json!({ "name": "ü".repeat(256), "size": 1, "mime_type": "image/png" }), name),
        (json!({ "name": "a", "size": 0, "mime_type": "image/png" }), size),
        (json!({ "name": "a", "size": -1, "mime_type": "image/png" }), size),
        (json!({ "name": "a", "size": 1001, "mime_type": "image/png" }), size),
        (json!({ "name": "a", "size": i64::MAX, "mime_type": "image/png" }), size),
        (json!({ "name": "a", "size": 1, "mime_type": "text/plain" }), kind),
        (json!({ "name": "a", "size": 1, "mime_type": "" }), kind),
        (json!({ "name": "a", "size": 1, "mime_type": "image/*" }), kind),
        (json!({ "name": "a", "size": 1, "mime_type": "image/png\r\nx: y" }), kind),
    ] {
        let operation = json!({ "type": "attachments.create", "params": file });
        assert_eq!(site.app.chatkit("alice", &operation).await.error(400, "bad_request"), message, "{file}");
    }
    assert_eq!(site.records(), [""; 0]);
    for (name, size) in
        [("ü".repeat(255), PNG.len()), ("../../etc/passwd".to_owned(), 1000), ("a/b\\c\"'<>&%#?".to_owned(), PNG.len())]
    {
        let attachment = site.create("alice", &name, size, "image/png").await.json();
        assert_eq!(attachment["name"], name);
        assert_eq!(upload(&attachment, &[PNG, &vec![1; size - PNG.len()]].concat()).await, 200);
        site.thread("alice", &[attachment["id"].as_str().unwrap()]).await;
    }
    for key in site.objects.keys() {
        let [stage, owner, id] = key.split('/').collect::<Vec<_>>()[..] else { panic!("{key}") };
        assert!(["files", "uploads"].contains(&stage) && owner.len() == 64 && id.starts_with("atc_"), "{key}");
    }
}

#[tokio::test]
async fn message_with_the_attachment_of_another_user_is_refused() {
    let site = Site::start().await;
    let theirs = site.uploaded("bob", "a.png", "image/png", PNG).await;
    let never = theirs.replace(char::is_alphabetic, "X");
    for id in [theirs.as_str(), &never, "", "x", "../../x", &"x".repeat(10_000), "atc_#%"] {
        assert_eq!(site.refused("alice", None, &[id]).await, UNKNOWN, "{id}");
    }
    // Deleting what is not there is fine, and does nothing.
    for id in [theirs.as_str(), &never, "", &"x".repeat(10_000)] {
        assert_eq!(site.delete("alice", id).await.json(), json!({}));
    }
    assert_eq!(site.records(), std::slice::from_ref(&theirs));
    site.thread("bob", &[&theirs]).await;
}

#[tokio::test]
async fn message_with_an_upload_other_than_announced_is_refused() {
    let site = Site::start().await;
    let attachment = site.create("alice", "a.png", PNG.len(), "image/png").await.json();
    let id = attachment["id"].as_str().unwrap();
    assert_eq!(site.refused("alice", None, &[id]).await, format!("the attachment `{id}` was not uploaded"));

    // Another server than S3 may let these through.
    let differs = format!("the attachment `{id}` has another size or type than was announced");
    for (bytes, mime_type) in [(&PNG[1..], "image/png"), (PNG, "image/gif")] {
        let (object, mime_type) = (ObjectKey::upload(&alice(), id), MediaType::parse(mime_type).unwrap());
        site.files().put(&object, &mime_type, Bytes::from_static(bytes)).await.unwrap();
        assert_eq!(site.refused("alice", None, &[id]).await, differs);
    }
    assert_eq!(upload(&attachment, PNG).await, 200);
    site.objects.fail("PUT files/", crate::harness::objects::Failure::Status(412), 1);
    let changed = format!("the attachment `{id}` was changed while it was sent");
    assert_eq!(site.refused("alice", None, &[id]).await, changed);
    site.thread("alice", &[id]).await;
}

#[tokio::test]
async fn message_with_a_file_that_is_not_what_its_type_says_is_refused() {
    let site = Site::start().await;
    const PAGE: &[u8] = b"<html><script>alert(document.domain)</script></html>";
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    for (mime_type, bytes) in [
        ("image/png", PAGE),
        ("image/webp", PAGE),
        ("application/pdf", PNG),
        (docx, PAGE),
        ("text/plain", PNG_WITH_ZERO),
        ("application/json", PNG_WITH_ZERO),
    ] {
        let id = site.uploaded("alice", "a", mime_type, bytes).await;
        let message = format!("the attachment `{id}` is not what its type says");
        assert_eq!(site.refused("alice", None, &[&id]).await, message, "{mime_type}");
        assert_eq!(site.delete("alice", &id).await.text, "{}");
    }
    // What is larger than what is looked at, and a picture of another type, as many have.
    let large = [b"%PDF-1.7\n".as_slice(), &vec![0; 100_000]].concat();
    for (mime_type, bytes) in [("application/pdf", large.as_slice()), ("image/jpeg", PNG), ("text/html", PAGE)] {
        let id = site.uploaded("alice", "a.txt", mime_type, bytes).await;
        site.thread("alice", &[&id]).await;
    }
}

#[tokio::test]
async fn picture_that_may_have_programs_is_saved_and_not_opened() {
    let site = Site::with([("FILES_TYPES", "image/*")]).await;
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    let attachment = site.create("alice", "a \"ü\".svg", svg.len(), "image/svg+xml").await.json();
    assert_eq!(upload(&attachment, svg).await, 200);
    let id = attachment["id"].as_str().unwrap();
    let sent = super::user_message(&json!(site.send("alice", None, "Look", &[id]).await.events()));
    for preview in [&attachment["preview_url"], &sent["attachments"][0]["preview_url"]] {
        let url = reqwest::Url::parse(preview.as_str().unwrap()).unwrap();
        let disposition = url.query_pairs().find(|(name, _)| name == "response-content-disposition").unwrap().1;
        assert_eq!(disposition, "attachment; filename*=UTF-8''a%20%22%C3%BC%22%2Esvg");
        assert_eq!(super::load(preview).await.0, 200);
    }
    let picture = site.create("alice", "a.png", PNG.len(), "image/png").await.json();
    assert!(!picture["preview_url"].as_str().unwrap().contains("disposition"));
}

#[tokio::test]
async fn message_with_an_attachment_of_another_message_is_refused() {
    let site = Site::start().await;
    let [one, other] = [
        site.uploaded("alice", "a.png", "image/png", PNG).await,
        site.uploaded("alice", "b.png", "image/png", PNG).await,
    ];
    let thread_id = site.thread("alice", &[&one]).await;
    let taken = format!("the attachment `{one}` belongs to another message already");
    for thread_id in [None, Some(thread_id.as_str())] {
        assert_eq!(site.refused("alice", thread_id, &[&other, &one]).await, taken);
    }
    let message = site.delete("alice", &one).await.error(400, "bad_request");
    assert_eq!(message, "the attachment belongs to a message");
    // The other one was not taken with it.
    site.send("alice", Some(&thread_id), "And this", &[&other]).await.events();
}

#[tokio::test]
async fn message_with_too_many_attachments_or_no_content_is_refused() {
    let site = Site::with([("FILES_MAX_PER_MESSAGE", "2")]).await;
    let message = site.refused("alice", None, &["a", "b", "c"]).await;
    assert_eq!(message, "the message has more than 2 attachments");
    let [one, other] = [
        site.uploaded("alice", "a.png", "image/png", PNG).await,
        site.uploaded("alice", "b.png", "image/png", PNG).await,
    ];
    let empty = site.send("alice", None, "", &[]).await.error(400, "bad_request");
    assert_eq!(empty, "the message is empty");
    site.thread("alice", &[&one, &other]).await;
}

#[tokio::test]
async fn message_with_attachments_in_an_unknown_or_locked_thread_is_refused() {
    let site = Site::start().await;
    let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
    for thread_id in ["thr_no", ""] {
        site.send("alice", Some(thread_id), "Look", &[&id]).await.error(404, "not_found");
    }
    let thread_id = site.thread("alice", &[]).await;
    site.app.dynamo.set("threads", "T#", "status", r#"{"type":"locked"}"#);
    site.send("alice", Some(&thread_id), "Look", &[&id]).await.error(403, "forbidden");
    site.thread("alice", &[&id]).await;
}

#[tokio::test]
async fn delete_attachment_removes_the_upload_and_the_record() {
    let site = Site::start().await;
    let attachment = site.create("alice", "a.png", PNG.len(), "image/png").await.json();
    let id = attachment["id"].as_str().unwrap();
    assert_eq!(upload(&attachment, PNG).await, 200);
    for _ in 0..2 {
        assert_eq!(site.delete("alice", id).await.text, "{}");
        assert_eq!((site.objects.keys(), site.records()), (vec![], vec![]));
    }
    assert_eq!(site.refused("alice", None, &[id]).await, UNKNOWN);
}

#[tokio::test]
async fn message_with_attachments_without_a_bucket_is_refused() {
    let app = App::start().await;
    let message_of = message(None, "Look", &["atc_1"]);
    assert_eq!(app.chatkit("alice", &message_of).await.error(400, "bad_request"), UNKNOWN);
}
