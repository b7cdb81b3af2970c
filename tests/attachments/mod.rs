//! Attachments over HTTP, with an S3 of their own.

mod direct;
mod faults;
mod pictures;
mod prompts;
mod refused;
mod removal;
mod sending;
mod two_phase;

use chatkit_shared::clock::Clock;
use chatkit_shared::files::Files;
use chatkit_shared::identity::Owner;
use chatkit_shared::setup::Clients;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::harness::app::{Answer, App, input};
use crate::harness::objects::{NOW, Objects};
use crate::harness::outside::outside;
use crate::harness::responses::answer;

/// The functions with a bucket.
struct Site {
    app: App,
    objects: Objects,
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n, let us say";

impl Site {
    async fn start() -> Self {
        Self::with([]).await
    }

    async fn with<const N: usize>(variables: [(&str, &str); N]) -> Self {
        let clock = Clock::fixed(NOW.parse().unwrap());
        let objects = Objects::start(&clock).await;
        let bucket = objects.env();
        let app = App::at(clock, &[bucket.as_slice(), variables.as_slice()].concat()).await;
        app.model.on(|_| true, answer("I see"));
        Self { app, objects }
    }

    async fn create(&self, user: &str, name: &str, size: usize, mime_type: &str) -> Answer {
        let params = json!({ "name": name, "size": size, "mime_type": mime_type });
        self.app.chatkit(user, &json!({ "type": "attachments.create", "params": params })).await
    }

    async fn delete(&self, user: &str, id: &str) -> Answer {
        let params = json!({ "attachment_id": id });
        self.app.chatkit(user, &json!({ "type": "attachments.delete", "params": params })).await
    }

    /// An attachment that is uploaded; returns it without what led there.
    async fn uploaded(&self, user: &str, name: &str, mime_type: &str, bytes: &[u8]) -> String {
        let attachment = self.create(user, name, bytes.len(), mime_type).await.json();
        assert_eq!(upload(&attachment, bytes).await, 200);
        attachment["id"].as_str().unwrap().to_owned()
    }

    /// A message with attachments, in a new thread or in this one.
    async fn send(&self, user: &str, thread_id: Option<&str>, text: &str, ids: &[&str]) -> Answer {
        self.app.chatkit(user, &message(thread_id, text, ids)).await
    }

    /// A new thread whose message has attachments; its id.
    async fn thread(&self, user: &str, ids: &[&str]) -> String {
        let events = self.send(user, None, "Look", ids).await.events();
        crate::harness::app::thread_id(&events)
    }

    async fn get(&self, user: &str, thread_id: &str) -> Value {
        let params = json!({ "thread_id": thread_id });
        self.app.chatkit(user, &json!({ "type": "threads.get_by_id", "params": params })).await.json()
    }

    async fn delete_thread(&self, user: &str, thread_id: &str) -> Answer {
        let params = json!({ "thread_id": thread_id });
        self.app.chatkit(user, &json!({ "type": "threads.delete", "params": params })).await
    }

    /// The bucket as the functions see it, for what only its owner can do.
    fn files(&self) -> Files {
        let (env, clock) = (&self.app.env, &self.app.clock);
        let Clients { aws, http, .. } = outside(env, clock);
        Files::from_env(env, &aws, http, clock.clone()).unwrap().unwrap()
    }

    /// The ids of the attachments that have a record.
    fn records(&self) -> Vec<String> {
        let keys = self.app.dynamo.records("threads").into_iter().map(|record| record["sk"]["S"].clone());
        keys.filter_map(|key| key.as_str().unwrap().strip_prefix("A#").map(ToOwned::to_owned)).collect()
    }

    /// The keys of the files that nothing removes by itself.
    fn kept(&self) -> Vec<String> {
        self.objects.keys().into_iter().filter(|key| key.starts_with("files/")).collect()
    }

    /// What the model was asked, but for titles.
    fn asked(&self) -> usize {
        self.app.model.requests().iter().filter(|request| !request.is_title()).count()
    }
}

fn alice() -> Owner {
    Owner::new(Owner::DEFAULT_TENANT, "alice").unwrap()
}

/// The operation that sends a message with attachments.
fn message(thread_id: Option<&str>, text: &str, ids: &[&str]) -> Value {
    let mut input = input(text);
    input["attachments"] = json!(ids);
    if text.is_empty() {
        input["content"] = json!([]);
    }
    match thread_id {
        Some(id) => json!({ "type": "threads.add_user_message", "params": { "thread_id": id, "input": input } }),
        None => json!({ "type": "threads.create", "params": { "input": input } }),
    }
}

/// Uploads as ChatKit does; the status.
async fn upload(attachment: &Value, bytes: &[u8]) -> u16 {
    let descriptor = &attachment["upload_descriptor"];
    assert_eq!(descriptor["method"], "PUT");
    let headers = descriptor["headers"].as_object().unwrap();
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    put(descriptor["url"].as_str().unwrap(), &headers, bytes).await
}

async fn put(url: &str, headers: &[(&str, &str)], bytes: &[u8]) -> u16 {
    let mut request = Client::new().request(Method::PUT, url).body(bytes.to_vec());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap().status().as_u16()
}

/// What a URL gives: status, type, bytes.
async fn load(url: &Value) -> (u16, String, Vec<u8>) {
    let answer = Client::new().get(url.as_str().unwrap()).send().await.unwrap();
    let content_type = answer.headers().get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
    (answer.status().as_u16(), content_type, answer.bytes().await.unwrap().to_vec())
}

/// The user's message among events or items.
fn user_message(answer: &Value) -> Value {
    let all = answer.as_array().unwrap().iter().map(|event| event.get("item").unwrap_or(event));
    all.into_iter().find(|item| item["type"] == "user_message").unwrap().clone()
}

/// Where an owner's file is, behind its stage.
fn object(owner: &Owner, id: &str) -> String {
    let hash = |text: &str| chatkit_shared::hash::sha256_hex(text);
    format!("{}/{id}", hash(&(hash(owner.tenant()) + &hash(owner.user()))))
}
