//! Readers who leave, and processes that are killed, in the middle.

use axum::body::Body;
use chatkit_shared::identity::Owner;
use http::{Method, Request};
use serde_json::{Value, json};

use super::{operation, thread};
use crate::harness::app::{App, chatkit, create, request};
use crate::harness::dynamodb::{Fault, Held};
use crate::harness::model;
use crate::harness::responses::answer;

/// Sends a request, and leaves once DynamoDB has got what is held.
async fn leave(app: &App, request: Request<Body>, held: &Held) {
    tokio::select! {
        _ = app.begin(request) => panic!("it is answered"),
        () = held.arrived.pass() => {}
    }
    held.released.open();
}

fn delete(thread_id: &str) -> Value {
    operation("threads.delete", json!({ "thread_id": thread_id }))
}

/// The tokens that are held or used.
fn tokens(app: &App) -> Value {
    let budget = app.dynamo.records("counters").into_iter().find(|record| record["sk"]["S"] == "budget").unwrap();
    budget.as_object().unwrap().iter().find(|(name, _)| name.starts_with('h')).unwrap().1["N"].clone()
}

#[tokio::test]
async fn delete_thread_when_the_client_leaves_is_completed() {
    for (operation, containing) in [("UpdateItem", "#deleted = :deleted"), ("Query", "#files"), ("BatchWriteItem", "")]
    {
        let app = App::start().await;
        let thread_id = thread(&app, "alice").await;
        let held = app.dynamo.hold(operation, containing);
        leave(&app, chatkit("alice", &delete(&thread_id)), &held).await;
        app.settled(1, <[Value]>::is_empty).await;
    }
}

#[tokio::test]
async fn delete_thread_when_the_process_dies_is_finished_by_the_next_list() {
    let app = App::start().await;
    let (killed, kept) = (thread(&app, "alice").await, thread(&app, "alice").await);
    let owner = Owner::new(Owner::DEFAULT_TENANT, "alice").unwrap();
    app.dynamo.store().threads.begin_delete(&owner, &killed, app.clock.now()).await.unwrap().unwrap();
    let list = async |user: &str| {
        let list = app.chatkit(user, &operation("threads.list", json!({}))).await.json();
        list["data"].as_array().unwrap().iter().map(|thread| thread["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(list("eve").await, [json!(null); 0]);
    // Whoever deletes it may be at it still.
    app.clock.advance(59_000);
    app.dynamo.reset();
    assert_eq!(list("alice").await, [json!(kept)]);
    assert_eq!(app.dynamo.reset().units(), (0.5, 1.0));
    assert_eq!(app.dynamo.records("threads").len(), 6);
    // A list is a list, whether or not it can go on with the deletion.
    app.clock.advance(1_000);
    app.dynamo.fail("BatchWriteItem", "", Fault::ServerError, 3);
    assert_eq!(list("alice").await, [json!(kept)]);
    assert_eq!(app.dynamo.records("threads").len(), 6);
    app.clock.advance(60_000);
    assert_eq!(list("alice").await, [json!(kept)]);
    let left = app.dynamo.records("threads");
    assert!(left.len() == 3 && !json!(left).to_string().contains(&killed), "{left:?}");
}

#[tokio::test]
async fn turn_when_the_client_leaves_early_is_still_charged() {
    let usage = json!({ "type": "tokens", "input_tokens": 14, "output_tokens": 45 });
    let heard = json!({ "text": "Hello", "usage": usage }).to_string();
    let heard = model::Answer::with(200, "application/json", heard);
    let recording = operation("input.transcribe", json!({ "audio_base64": "c291bmQ=", "mime_type": "audio/webm" }));
    let messages = json!({ "messages": [{ "role": "user", "content": "Hi" }] });
    let messages = request(Method::POST, "/api/chat", "alice", Body::from(messages.to_string()));
    for (request, answer, expected) in [
        (messages, answer("Hello"), "13"),
        (chatkit("alice", &recording), heard, "59"),
        (chatkit("alice", &create("Hi")), answer("Hello"), "27"),
    ] {
        let app = App::with([("TRANSCRIBE_MODEL", "ears")]).await;
        app.model.on(|request| !request.is_title(), answer);
        let held = app.dynamo.hold("UpdateItem", ":reserve");
        leave(&app, request, &held).await;
        app.settled(1, |_| tokens(&app) == expected).await;
    }
}
