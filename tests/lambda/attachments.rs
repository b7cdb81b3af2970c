//! A file through the deployed program: bytes that are no text, as API Gateway puts them into an event.

use chatkit_shared::clock::Clock;
use reqwest::{Client, multipart};
use serde_json::{Value, json};

use super::system::variables;
use crate::gateway::{Function, Gateway, Transfer};
use crate::harness::dynamodb::Dynamo;
use crate::harness::objects::Objects;

#[tokio::test]
async fn chat_program_reads_a_form_with_binary_bytes() {
    let (dynamo, objects) = (Dynamo::start().await, Objects::start(&Clock::system()).await);
    let bucket = objects.env().map(|(name, value)| (name, value.to_owned()));
    let variables = [variables(&dynamo.env(), "http://127.0.0.1:1"), bucket.to_vec()].concat();
    let gateway = Gateway::start([
        Function::new("start", Transfer::Buffered, &["POST /api/chatkit/start"]).variables(variables.clone()),
        Function::new("chat", Transfer::Streamed, &["POST /chatkit/attachments"]).variables(variables),
    ])
    .await;
    let client = Client::new();
    let session = client.post(gateway.url("/api/chatkit/start")).json(&json!({})).send().await.unwrap();
    let session: Value = session.json().await.unwrap();

    let bytes: Vec<u8> = b"\x89PNG\r\n\x1a\n".iter().copied().chain(0..=255).collect();
    let file = multipart::Part::bytes(bytes.clone()).file_name("a.png").mime_str("image/png").unwrap();
    let form = multipart::Form::new().part("file", file);
    let request = client.post(gateway.url("/chatkit/attachments")).multipart(form);
    let answer = request.bearer_auth(session["client_secret"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let attachment: Value = answer.json().await.unwrap();
    assert_eq!((&attachment["name"], &attachment["type"]), (&json!("a.png"), &json!("image")));
    let kept = client.get(attachment["preview_url"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(kept.bytes().await.unwrap(), bytes);
}
