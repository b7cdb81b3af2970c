//! `attachments.create`, the upload, the message.

use serde_json::json;

use super::{PNG, Site, alice, load, message, object, put, upload, user_message};
use crate::harness::model::{Gate, ModelRequest};
use crate::harness::names::Names;
use crate::harness::objects::Failure;
use crate::harness::responses::answer;

#[tokio::test]
async fn image_is_announced_uploaded_sent_and_shown() {
    let site = Site::start().await;
    let created = site.create("alice", "Tür & Tor.png", PNG.len(), "image/PNG").await;
    assert_eq!((created.status.as_u16(), created.headers["content-type"].to_str().unwrap()), (200, "application/json"));
    let attachment = created.json();
    let (url, preview) = (attachment["upload_descriptor"]["url"].clone(), attachment["preview_url"].clone());
    let mut names = Names::default();
    assert_eq!(
        names.json(&attachment),
        json!({
            "id": "atc_1",
            "name": "Tür & Tor.png",
            "mime_type": "image/png",
            "type": "image",
            "preview_url": names.text(preview.as_str().unwrap()),
            "upload_descriptor": {
                "url": names.text(url.as_str().unwrap()),
                "method": "PUT",
                "headers": { "Content-Type": "image/png" },
            },
        })
    );
    assert_eq!(load(&preview).await.0, 404);
    assert_eq!(upload(&attachment, PNG).await, 200);
    assert_eq!(load(&preview).await, (200, "image/png".to_owned(), PNG.to_vec()));

    let id = names.id("atc_1");
    let events = site.send("alice", None, "Look", &[&id]).await.events();
    let sent = user_message(&json!(events));
    let shown = sent["attachments"][0]["preview_url"].clone();
    assert_eq!(
        names.json(&sent),
        json!({
            "type": "user_message",
            "id": "msg_1",
            "thread_id": "thr_1",
            "created_at": "2100-01-01T12:00:00Z",
            "content": [{ "type": "input_text", "text": "Look" }],
            "attachments": [{
                "id": "atc_1",
                "name": "Tür & Tor.png",
                "mime_type": "image/png",
                "thread_id": "thr_1",
                "type": "image",
                "preview_url": names.text(shown.as_str().unwrap()),
            }],
            "inference_options": {},
        })
    );
    assert_eq!(load(&shown).await, (200, "image/png".to_owned(), PNG.to_vec()));

    let thread = site.get("alice", &names.id("thr_1")).await;
    assert_eq!(user_message(&thread["items"]["data"]), sent);
    let list = json!({ "type": "items.list", "params": { "thread_id": names.id("thr_1") } });
    assert_eq!(user_message(&site.app.chatkit("alice", &list).await.json()["data"]), sent);
}

#[tokio::test]
async fn attachment_record_expires_with_its_upload() {
    let site = Site::start().await;
    let attachment = site.create("alice", "a.txt", 1, "text/plain").await.json();
    let record = || {
        let records = site.app.dynamo.records("threads");
        records.into_iter().find(|record| record["sk"]["S"].as_str().unwrap().starts_with("A#")).unwrap()
    };
    let id = attachment["id"].as_str().unwrap();
    let mut expected = json!({
        "pk": { "S": "default#alice" },
        "sk": { "S": format!("A#{id}") },
        "name": { "S": "a.txt" },
        "media_type": { "S": "text/plain" },
        "size": { "N": "1" },
        "created_at": { "S": "2100-01-01T12:00:00Z" },
        "expires_at": { "N": "4102574400" },
    });
    assert_eq!(record(), expected);

    assert_eq!(upload(&attachment, b"a").await, 200);
    let events = site.send("alice", None, "Look", &[id]).await.events();
    let expected = expected.as_object_mut().unwrap();
    expected.insert("message_id".to_owned(), json!({ "S": events[1]["item"]["id"] }));
    assert_eq!(record().as_object().unwrap(), expected);
}

#[tokio::test]
async fn message_costs_more_only_with_attachments() {
    let site = Site::start().await;
    let thread_id = site.thread("alice", &[]).await;
    let [one, two] = [
        site.uploaded("alice", "a.txt", "text/plain", b"a").await,
        site.uploaded("alice", "b.txt", "text/plain", b"b").await,
    ];
    site.objects.reset();
    // Of each attachment its record is read, and written in one transaction with the head and the message: two units
    // each.
    for (ids, round_trips, units, requests) in
        [(vec![], 4, (2.0, 7.0), 0), (vec![one.as_str(), two.as_str()], 5, (4.0, 13.0), 6)]
    {
        site.app.dynamo.lockstep(false);
        site.app.dynamo.reset();
        site.app.dynamo.lockstep(true);
        site.send("alice", Some(&thread_id), "Look", &ids).await.events();
        let meter = site.app.dynamo.reset();
        assert_eq!((meter.round_trips(), meter.units()), (round_trips, units), "{:?}", meter.operations());
        assert_eq!(site.objects.reset().len(), requests);
    }
}

#[tokio::test]
async fn document_attachment_has_no_preview() {
    let site = Site::start().await;
    let id = site.uploaded("alice", "notes.txt", "text/plain;charset=utf-8", b"Dear diary").await;
    let events = site.send("alice", None, "Read this", &[&id, &id]).await.events();
    let sent = user_message(&json!(events));
    let thread_id = &events[0]["thread"]["id"];
    let attachment =
        json!({ "id": id, "name": "notes.txt", "mime_type": "text/plain", "thread_id": thread_id, "type": "file" });
    assert_eq!(sent["attachments"], json!([attachment]));
}

#[tokio::test]
async fn message_may_consist_of_attachments_only() {
    let site = Site::start().await;
    let id = site.uploaded("alice", "notes.txt", "text/plain", b"Dear diary").await;
    // So that the model gets a text of it.
    site.objects.fail("GET files/", Failure::Status(404), 1);
    let sent = user_message(&json!(site.send("alice", None, "", &[&id]).await.events()));
    assert_eq!((&sent["content"], &sent["attachments"][0]["id"]), (&json!([]), &json!(id)));
    let asked: Vec<_> = site.app.model.requests().iter().map(ModelRequest::conversation).collect();
    let gone = ["user: [The file \"notes.txt\" no longer exists.]".to_owned()];
    let title = ["user: notes.txt".to_owned()];
    assert!(asked.contains(&gone.to_vec()) && asked.contains(&title.to_vec()), "{asked:?}");
}

#[tokio::test]
async fn preview_url_is_new_on_each_load() {
    let site = Site::start().await;
    let id = site.uploaded("alice", "a.png", "image/png", PNG).await;
    let thread_id = site.thread("alice", &[&id]).await;
    let preview =
        |thread: &serde_json::Value| user_message(&thread["items"]["data"])["attachments"][0]["preview_url"].clone();
    let before = preview(&site.get("alice", &thread_id).await);
    site.app.clock.advance(3_600_000);
    assert_eq!(load(&before).await.0, 200);
    site.app.clock.advance(1_000);
    assert_eq!(load(&before).await.0, 403);
    let after = preview(&site.get("alice", &thread_id).await);
    assert_ne!(before, after);
    assert_eq!(load(&after).await.2, PNG);
}

#[tokio::test]
async fn upload_url_fits_one_file_and_is_never_stored() {
    let site = Site::start().await;
    let attachment = site.create("alice", "a.png", PNG.len(), "image/png").await.json();
    let url = attachment["upload_descriptor"]["url"].as_str().unwrap();
    let typed = ("content-type", "image/png");
    for (headers, bytes) in [
        (&[typed][..], &PNG[1..]),
        (&[typed], &[PNG, b"!"].concat()),
        (&[("content-type", "text/html")], PNG),
        (&[], PNG),
    ] {
        assert_eq!(put(url, headers, bytes).await, 403);
    }
    let elsewhere = url.replacen("/uploads/", "/files/", 1);
    assert_eq!(put(&elsewhere, &[typed], PNG).await, 403);
    assert_eq!(load(&json!(url)).await.0, 403);
    assert_eq!(put(url.split('?').next().unwrap(), &[typed], PNG).await, 403);
    assert_eq!(site.objects.keys(), [""; 0]);
    assert_eq!(upload(&attachment, PNG).await, 200);

    let id = attachment["id"].as_str().unwrap();
    let sent = site.send("alice", None, "Look", &[id]).await;
    let thread_id = crate::harness::app::thread_id(&sent.events());
    let got = site.get("alice", &thread_id).await.to_string();
    assert!(!sent.text.contains("/uploads/") && !got.contains("/uploads/"));
    assert!(!sent.text.contains("upload_descriptor") && !got.contains("upload_descriptor"));
    for table in ["threads", "counters", "usage"] {
        for record in site.app.dynamo.records(table) {
            assert!(!record.to_string().contains("X-Amz") && !record.to_string().contains("http"), "{record}");
        }
    }

    site.app.clock.advance(900_000);
    assert_eq!(upload(&attachment, PNG).await, 200);
    site.app.clock.advance(1_000);
    assert_eq!(upload(&attachment, PNG).await, 403);
}

#[tokio::test]
async fn upload_after_the_message_changes_nothing() {
    let site = Site::start().await;
    let attachment = site.create("alice", "a.png", PNG.len(), "image/png").await.json();
    assert_eq!(upload(&attachment, PNG).await, 200);
    let thread_id = site.thread("alice", &[attachment["id"].as_str().unwrap()]).await;
    assert_eq!(upload(&attachment, &vec![0; PNG.len()]).await, 200);
    let thread = site.get("alice", &thread_id).await;
    let preview = &user_message(&thread["items"]["data"])["attachments"][0]["preview_url"];
    assert_eq!(load(preview).await.2, PNG);
}

#[tokio::test]
async fn message_with_attachments_sent_twice_is_answered_once() {
    let site = Site::start().await;
    let first = site.uploaded("alice", "a.png", "image/png", PNG).await;
    let thread_id = site.thread("alice", &[&first]).await;
    let second = site.uploaded("alice", "b.png", "image/png", PNG).await;
    let gate = Gate::closed();
    site.app.model.rather(|request| !request.is_count(), answer("Slowly").before(&gate));
    let again = message(Some(&thread_id), "And this?", &[&second]);
    let mut live = site.app.live("alice", &again).await;
    live.until("stream_options").await;
    let mut joined = site.app.live("alice", &again).await;
    joined.until("stream_options").await;
    gate.open();
    live.end().await;
}

#[tokio::test]
async fn file_whose_type_the_browser_does_not_know_has_that_of_its_extension() {
    let site = Site::start().await;
    for (name, mime_type, taken) in [
        ("notes.md", "", "text/markdown"),
        ("notes.md", "application/octet-stream", "text/markdown"),
        ("NOTES.MD", "text/x-markdown", "text/markdown"),
        ("data.csv", "application/csv", "text/csv"),
        ("data.csv", "application/vnd.ms-excel", "application/vnd.ms-excel"),
        ("main.py", "text/x-python", "text/plain"),
        ("a.log", "", "text/plain"),
        ("a.yaml", "", "text/plain"),
        // No browser runs it as a page.
        ("a.html", "text/html", "text/plain"),
        ("a.b.docx", "", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ] {
        let bytes: &[u8] = if taken.contains("openxml") { b"PK\x03\x04" } else { b"abc" };
        let attachment = site.create("alice", name, bytes.len(), mime_type).await.json();
        assert_eq!(
            (&attachment["mime_type"], &attachment["name"]),
            (&json!(taken), &json!(name)),
            "{name} {mime_type}"
        );
        assert_eq!(upload(&attachment, bytes).await, 200);
        site.thread("alice", &[attachment["id"].as_str().unwrap()]).await;
    }
    for (name, mime_type) in [
        ("a.svg", "image/svg+xml"),
        ("a.exe", ""),
        ("md", ""),
        ("md.", ""),
        ("a.", "application/octet-stream"),
        ("", ""),
    ] {
        site.create("alice", name, 3, mime_type).await.error(400, "bad_request");
    }
}

/// A copy would bring another user's file into the upload.
#[tokio::test]
async fn upload_with_an_instruction_that_was_not_signed_is_refused() {
    let site = Site::start().await;
    let theirs = site.uploaded("alice", "a.png", "image/png", b"secret").await;
    let attachment = site.create("bob", "b.png", 6, "image/png").await.json();
    let (url, source) = (attachment["upload_descriptor"]["url"].as_str().unwrap(), object(&alice(), &theirs));
    for (name, value) in [("x-amz-copy-source", format!("/files/{source}")), ("x-amz-acl", "public-read".to_owned())] {
        assert_eq!(put(url, &[("content-type", "image/png"), (name, &value)], b"").await, 403, "{name}");
        assert_eq!(put(url, &[("content-type", "image/png"), (name, &value)], b"mine!!").await, 403, "{name}");
    }
    assert_eq!(upload(&attachment, b"mine!!").await, 200);
}
