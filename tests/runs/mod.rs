//! Runs as others see them: clients that come back, clients that join, people who press stop, processes that die.

mod actions;
mod deaths;
mod returns;
mod stops;

use axum::Router;
use http::{Method, Request};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::harness::app::{Answer, App, chatkit, request, thread_id};
use crate::harness::live::Live;
use crate::harness::model::{self, Gate};
use crate::harness::responses::{answer, completed, delta, message_added, message_done, part_added, sse, usage};

/// An answer in two halves, "One, " and "two.", with a gate before each half and before the end.
fn in_halves(first: &Gate, second: &Gate, end: &Gate) -> model::Answer {
    sse([message_added("msg_1")])
        .wait(first)
        .event(part_added())
        .event(delta("One, "))
        .wait(second)
        .event(delta("two."))
        .wait(end)
        .event(message_done("msg_1", "One, two."))
        .event(completed(usage(10, 0, 5, 0)))
}

/// An answer to `operation` of alice's, half of which is said: its events, and the gates before the other half and before
/// the end.
async fn half_said(app: &App, operation: &Value) -> (Live, Gate, Gate) {
    let (one, two, end) = (Gate::closed(), Gate::closed(), Gate::closed());
    app.model.then(in_halves(&one, &two, &end));
    let mut live = app.live("alice", operation).await;
    one.open();
    until_delta(&mut live, "One, ").await;
    (live, two, end)
}

/// The same request as ChatKit's transport sends it when it comes back.
fn again(user: &str, operation: &Value, position: &str) -> Request<axum::body::Body> {
    let mut request = chatkit(user, operation);
    request.headers_mut().insert("last-event-id", position.parse().unwrap());
    request
}

fn run_of(method: Method, user: &str, thread_id: &str) -> Request<axum::body::Body> {
    request(method, &format!("/chatkit/threads/{thread_id}/run"), user, axum::body::Body::empty())
}

/// Another process on the same tables.
fn other_process(app: &App) -> Router {
    App::router(&app.env, &app.clock, 77)
}

async fn send(router: &Router, request: Request<axum::body::Body>) -> Answer {
    Answer::of(router.clone().oneshot(request).await.unwrap()).await
}

async fn live(router: &Router, request: Request<axum::body::Body>) -> Live {
    Live::of(router.clone().oneshot(request).await.unwrap())
}

/// All events that are left, while time goes on: a follower in another process looks once a second.
async fn rest(app: &App, live: Live) -> Vec<Value> {
    while_time_passes(app, live.rest()).await
}

/// Lets the clock go on until this is done.
async fn while_time_passes<T>(app: &App, done: impl Future<Output = T>) -> T {
    let mut done = std::pin::pin!(done);
    loop {
        match tokio::time::timeout(std::time::Duration::from_millis(20), done.as_mut()).await {
            Ok(result) => return result,
            Err(_) => app.clock.advance(200),
        }
    }
}

/// Reads events until one has this text.
async fn until_delta(live: &mut Live, text: &str) {
    loop {
        let event = live.until("thread.item.updated").await;
        if event["update"]["delta"] == text {
            return;
        }
    }
}

/// The thread, with everything in it.
async fn reload(router: &Router, user: &str, thread_id: &str) -> Value {
    let operation = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread_id } });
    send(router, chatkit(user, &operation)).await.json()
}

/// The texts of the thread's messages.
async fn texts(router: &Router, user: &str, thread_id: &str) -> Vec<String> {
    let thread = reload(router, user, thread_id).await;
    let items = thread["items"]["data"].as_array().unwrap().clone();
    items.iter().filter_map(|item| Some(item["content"][0]["text"].as_str()?.to_owned())).collect()
}

/// What ChatKit's client makes of events: the items by id, in the order in which they came.
fn client(events: &[Value]) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    for event in events {
        let item = &event["item"];
        let id = item["id"].as_str().or(event["item_id"].as_str());
        let known = items.iter().position(|known| known["id"].as_str() == id);
        match (event["type"].as_str().unwrap(), known) {
            ("thread.item.added" | "thread.item.done" | "thread.item.replaced", Some(index)) => {
                items[index] = item.clone();
            }
            ("thread.item.added" | "thread.item.done" | "thread.item.replaced", None) => items.push(item.clone()),
            ("thread.item.removed", Some(index)) => drop(items.remove(index)),
            ("thread.item.updated", Some(index)) => {
                let update = &event["update"];
                let content = usize::try_from(update["content_index"].as_u64().unwrap_or_default()).unwrap();
                match update["type"].as_str().unwrap().rsplit_once('.').unwrap().1 {
                    "added" | "done" if update["content"].is_object() => {
                        let parts = items[index]["content"].as_array_mut().unwrap();
                        parts.truncate(content);
                        parts.push(update["content"].clone());
                    }
                    "text_delta" => {
                        let text = items[index]["content"][content]["text"].as_str().unwrap().to_owned();
                        let text = format!("{text}{}", update["delta"].as_str().unwrap());
                        items[index]["content"][content]["text"] = text.into();
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    items
}

/// A thread of alice's with a question and an answer.
async fn thread(app: &App) -> String {
    app.model.then(answer("Hello"));
    thread_id(&app.create("alice", "Hi").await)
}

/// The tokens that the user's budget counts, and the turns that still mark it.
fn budget(app: &App) -> (u64, usize) {
    let records = app.dynamo.records("counters");
    let record = records.iter().find(|record| {
        record["pk"]["S"].as_str().is_some_and(|pk| pk.starts_with("U#")) && record["sk"]["S"] == "budget"
    });
    let record = record.unwrap().as_object().unwrap();
    let hour = record.iter().find(|(name, _)| name.starts_with('h')).unwrap().1["N"].as_str().unwrap();
    (hour.parse().unwrap(), record.keys().filter(|name| name.starts_with("r_")).count())
}

/// How many usage records there are, and the sum of their tokens.
fn used(app: &App) -> (usize, u64) {
    let records = app.dynamo.records("usage");
    let turns: Vec<_> = records.iter().filter(|record| record["sk"]["S"].as_str().unwrap().starts_with("R#")).collect();
    let number = |record: &&Value, name: &str| record[name]["N"].as_str().unwrap().parse::<u64>().unwrap();
    let tokens = turns.iter().map(|turn| number(turn, "input_tokens") + number(turn, "output_tokens"));
    (turns.len(), tokens.sum())
}
