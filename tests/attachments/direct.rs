//! `POST /chatkit/attachments`: a form with the bytes.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;

use super::{PNG, Site, load, user_message};
use crate::harness::app::{Answer, App, request};
use crate::harness::names::Names;

const BOUNDARY: &str = "----boundary";

fn field(name: &str, rest: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"{name}\"{rest}\r\n\r\n");
    [head.as_bytes(), bytes, b"\r\n"].concat()
}

fn file(name: &str, mime_type: &str, bytes: &[u8]) -> Vec<u8> {
    field("file", &format!("; filename=\"{name}\"\r\ncontent-type: {mime_type}"), bytes)
}

fn form(user: &str, fields: &[Vec<u8>]) -> Request<Body> {
    let body = [&fields.concat(), format!("--{BOUNDARY}--\r\n").as_bytes()].concat();
    of_type(user, &format!("multipart/form-data; boundary={BOUNDARY}"), body)
}

fn of_type(user: &str, content_type: &str, body: Vec<u8>) -> Request<Body> {
    let mut request = request(Method::POST, "/chatkit/attachments", user, Body::from(body));
    request.headers_mut().insert("content-type", content_type.parse().unwrap());
    request
}

async fn send(site: &Site, fields: &[Vec<u8>]) -> Answer {
    site.app.send(form("alice", fields)).await
}

#[tokio::test]
async fn upload_form_with_a_file_makes_an_attachment_for_a_message() {
    let site = Site::start().await;
    let fields = [field("other", "", b"x"), file("Grüße.png", "image/png", PNG), file("second.png", "image/png", b"x")];
    let answer = send(&site, &fields).await;
    assert_eq!((answer.status.as_u16(), answer.headers["content-type"].to_str().unwrap()), (200, "application/json"));
    let (attachment, mut names) = (answer.json(), Names::default());
    let preview = &attachment["preview_url"];
    assert_eq!(
        names.json(&attachment),
        json!({
            "id": "atc_1",
            "name": "Grüße.png",
            "mime_type": "image/png",
            "type": "image",
            "preview_url": names.text(preview.as_str().unwrap()),
        })
    );
    assert_eq!(load(preview).await, (200, "image/png".to_owned(), PNG.to_vec()));

    let id = names.id("atc_1");
    let sent = user_message(&json!(site.send("alice", None, "Look", &[&id]).await.events()));
    assert_eq!(load(&sent["attachments"][0]["preview_url"]).await.2, PNG);
}

#[tokio::test]
async fn upload_form_larger_than_a_function_takes_is_refused() {
    let site = Site::start().await;
    let most = vec![b'x'; 4_399_000];
    assert_eq!(send(&site, &[file("a.txt", "text/plain", &most)]).await.status, 200);
    let answer = send(&site, &[file("a.txt", "text/plain", &[most, vec![b'x'; 1_001]].concat())]).await;
    assert_eq!(
        answer.error(413, "payload_too_large"),
        "the file is larger than 4.4 MB; larger ones can be uploaded with `attachments.create`"
    );
}

#[tokio::test]
async fn upload_form_that_is_malformed_is_refused() {
    let site = Site::start().await;
    let type_needed = "the body must be sent as `multipart/form-data` with a boundary";
    for content_type in ["application/json", "multipart/form-data", "text/plain", "multipart/mixed; boundary=x"] {
        let answer = site.app.send(of_type("alice", content_type, b"{}".to_vec())).await;
        assert_eq!(answer.error(415, "unsupported_media_type"), type_needed, "{content_type}");
    }
    let whole = file("a.png", "image/png", PNG);
    let name = "`name` must have 1 to 255 characters, none of them a control character";
    let missing = "the form has no field `file`";
    for (fields, message) in [
        (vec![], missing),
        (vec![field("files", "; filename=\"a.png\"\r\ncontent-type: image/png", PNG)], missing),
        (vec![whole[..whole.len() - 10].to_vec()], "the form could not be read"),
        (vec![file("", "image/png", PNG)], name),
        (vec![field("file", "\r\ncontent-type: image/png", PNG)], name),
        (vec![file(&"n".repeat(256), "image/png", PNG)], name),
        (vec![file("a.png", "image/png", b"")], "a file must have 1 to 20000000 bytes"),
        (vec![file("a.svg", "image/svg+xml", PNG)], "files of this type are not taken"),
        (vec![field("file", "; filename=\"a\"", PNG)], "files of this type are not taken"),
        (vec![file("a.png", "image/png", b"<html>")], "the file is not what its type says"),
    ] {
        assert_eq!(send(&site, &fields).await.error(400, "bad_request"), message);
    }
    let mut broken = form("alice", &[]);
    *broken.body_mut() = Body::from(whole[..60].to_vec());
    assert_eq!(site.app.send(broken).await.error(400, "bad_request"), "the form could not be read");
    assert_eq!((site.objects.keys(), site.records()), (vec![], vec![]));
}

#[tokio::test]
async fn upload_form_without_a_user_or_a_bucket_is_refused() {
    let site = Site::start().await;
    let mut anonymous = form("alice", &[file("a.png", "image/png", PNG)]);
    anonymous.extensions_mut().clear();
    site.app.send(anonymous).await.error(401, "unauthorized");
    let app = App::start().await;
    let answer = app.send(form("alice", &[file("a.png", "image/png", PNG)])).await;
    let message = "attachments are not configured on this server: `FILES_BUCKET`";
    assert_eq!(answer.error(400, "bad_request"), message);
}
