//! Operations of ChatKit that are answered with JSON.

use serde_json::{Value, json};

use super::{is_replayed, keyed, written};
use crate::harness::app::{App, thread_id};
use crate::harness::dynamodb::Fault;
use crate::harness::responses::answer;

fn update(thread_id: &str, title: &str) -> Value {
    json!({ "type": "threads.update", "params": { "thread_id": thread_id, "title": title } })
}

#[tokio::test]
async fn operation_with_a_key_is_carried_out_once() {
    let app = App::start().await;
    app.model.then(answer("Hello"));
    let thread_id = thread_id(&app.create("ada", "Hi").await);
    let send = async |key: &str, body: &Value| app.send(keyed(&app, "/chatkit", "ada", key, body)).await;
    app.dynamo.reset();
    app.chatkit("ada", &update(&thread_id, "Zero")).await;
    assert_eq!(written(&app, "counters"), 1.0, "the limit");
    let first = send("key-1", &update(&thread_id, "One")).await;
    assert_eq!(written(&app, "counters"), 3.0, "the limit, the key, the answer");
    send("key-2", &update(&thread_id, "Two")).await;
    app.dynamo.reset();
    let again = send("key-1", &update(&thread_id, "One")).await;
    assert_eq!(app.dynamo.meter().units(), (1.0, 2.0), "the limit, a refused condition, the answer");
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert!(is_replayed(&again) && !is_replayed(&first));
    let list = json!({ "type": "threads.list", "params": {} });
    assert_eq!(send("key-1", &list).await.json()["data"][0]["title"], "Two", "reading needs no key");
    send("key-1", &update(&thread_id, "Three")).await.error(409, "conflict");
    // Another person's key is their own.
    let other = app.send(keyed(&app, "/chatkit", "bob", "key-1", &update(&thread_id, "One"))).await;
    other.error(404, "not_found");
}

#[tokio::test]
async fn what_is_refused_or_fails_leaves_the_key_free() {
    let app = App::start().await;
    app.model.then(answer("Hello"));
    let thread_id = thread_id(&app.create("ada", "Hi").await);
    let send = async |body: &Value| app.send(keyed(&app, "/chatkit", "ada", "key", body)).await;
    send(&json!({ "type": "threads.update" })).await.error(400, "bad_request");
    send(&update(&thread_id, &"x".repeat(1_001))).await.error(400, "bad_request");
    send(&update("thr_unknown", "x")).await.error(404, "not_found");
    app.dynamo.fail("UpdateItem", "threads", Fault::ServerError, 3);
    send(&update(&thread_id, "x")).await.error(503, "unavailable");
    let done = send(&update(&thread_id, "y")).await;
    assert_eq!((done.status.as_u16(), is_replayed(&done)), (200, false));
}

#[tokio::test]
async fn repetition_while_the_first_runs_is_told_to_come_back() {
    let app = App::start().await;
    app.model.then(answer("Hello"));
    let thread_id = thread_id(&app.create("ada", "Hi").await);
    let request = || keyed(&app, "/chatkit", "ada", "key", &update(&thread_id, "x"));
    let held = app.dynamo.hold("UpdateItem", "threads");
    let (first, second) = tokio::join!(app.send(request()), async {
        held.arrived.pass().await;
        let second = app.send(request()).await;
        held.released.open();
        second
    });
    assert_eq!(first.status, 200);
    second.error(409, "conflict");
    assert_eq!(second.headers["retry-after"], "2");
    assert!(is_replayed(&app.send(request()).await));
}

#[tokio::test]
async fn key_of_a_request_whose_process_died_is_free_after_two_minutes() {
    let app = App::start().await;
    app.model.then(answer("Hello"));
    let thread_id = thread_id(&app.create("ada", "Hi").await);
    let request = || keyed(&app, "/chatkit", "ada", "key", &update(&thread_id, "x"));
    app.dynamo.fail("UpdateItem", "#answer", Fault::ServerError, 3);
    assert_eq!(app.send(request()).await.status, 200);
    app.send(request()).await.error(409, "conflict");
    app.clock.advance(120_000);
    let third = app.send(request()).await;
    assert_eq!((third.status.as_u16(), is_replayed(&third)), (200, false));
    assert!(is_replayed(&app.send(request()).await));
}
