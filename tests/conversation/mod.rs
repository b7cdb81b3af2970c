//! The conversation over HTTP.

mod answers;
mod arbitrary;
mod bad_input;
mod bad_requests;
mod compaction;
mod costs;
mod departures;
mod isolation;
mod keep_alive;
mod large;
mod memory;
mod model_faults;
mod operations;
mod panics;
mod prompts;
mod retries;
mod runs;
mod store_faults;
mod stream;
mod thoughts;
mod titles;
mod turns;

use chatkit_shared::identity::Owner;
use chatkit_shared::ids::{Ids, MESSAGE};
use chatkit_shared::protocol::{AssistantContent, AssistantMessage, ItemHeader, ThreadItem};
use chatkit_shared::store::StoredItem;
use serde_json::{Value, json};

use crate::harness::app::{App, thread_id};
use crate::harness::live::Live;
use crate::harness::model::{self, Gate};
use crate::harness::names::Names;
use crate::harness::responses::{answer, completed, delta, message_added, message_done, part_added, sse, usage};

/// What each event is; an update by its own type.
fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["update"]["type"].as_str().or(event["type"].as_str()).unwrap()).collect()
}

/// An operation.
fn operation(kind: &str, params: Value) -> Value {
    [("type".to_owned(), Value::from(kind)), ("params".to_owned(), params)].into_iter().collect()
}

/// `threads.retry_after_item`.
fn retry(thread_id: &str, item_id: &str) -> Value {
    operation("threads.retry_after_item", json!({ "thread_id": thread_id, "item_id": item_id }))
}

/// A thread of a user's with a title, a question and an answer.
async fn thread(app: &App, user: &str) -> String {
    app.model.then(answer("Hello there"));
    thread_id(&app.create(user, "Hi").await)
}

/// Puts so many more messages of the assistant's into a thread, without turns; returns their ids.
async fn fill(app: &App, user: &str, thread_id: &str, count: usize) -> Vec<String> {
    let owner = Owner::new(Owner::DEFAULT_TENANT, user).unwrap();
    let (store, ids) = (app.dynamo.store(), Ids::seeded(app.clock.clone(), 99));
    // What is there may be a little ahead of the clock.
    app.clock.advance(1_000);
    let stored: Vec<_> = (0..count)
        .map(|number| {
            app.clock.advance(1);
            let header =
                ItemHeader { id: ids.mint(MESSAGE), thread_id: thread_id.to_owned(), created_at: app.clock.now() };
            let content = vec![AssistantContent { annotations: Vec::new(), text: format!("filler {number}") }];
            let item = ThreadItem::AssistantMessage(AssistantMessage { header, content });
            StoredItem::new(item)
        })
        .collect();
    for stored in stored.chunks(50) {
        let puts = stored.iter().map(|stored| store.items.put(&owner, thread_id, stored));
        futures_util::future::try_join_all(puts).await.unwrap();
    }
    app.clock.advance(1_000);
    stored.iter().map(|stored| stored.item.id().to_owned()).collect()
}

/// The thread as a page that is loaded anew shows it.
async fn reload(app: &App, user: &str, thread_id: &str) -> Value {
    app.chatkit(user, &operation("threads.get_by_id", json!({ "thread_id": thread_id }))).await.json()
}

/// The id of alice's item in a thread with this place in it.
async fn message(app: &App, thread_id: &str, place: usize) -> String {
    reload(app, "alice", thread_id).await["items"]["data"][place]["id"].as_str().unwrap().to_owned()
}

/// An answer that has started and waits.
fn slow(text: &str, gate: &Gate) -> model::Answer {
    sse([message_added("msg_1"), part_added(), delta(text)])
        .wait(gate)
        .event(message_done("msg_1", text))
        .event(completed(usage(1, 0, 1, 0)))
}

/// A turn whose answer has started.
async fn started(app: &App, operation: &Value) -> Live {
    let mut live = app.live("alice", operation).await;
    while live.until("thread.item.updated").await["update"].get("delta").is_none() {}
    live
}

/// What a page that is loaded anew shows of a thread, as `msg_1 user: text`.
async fn transcript(app: &App, user: &str, thread_id: &str) -> Vec<String> {
    let thread = reload(app, user, thread_id).await;
    let items = thread["items"]["data"].as_array().unwrap_or_else(|| panic!("no thread: {thread}"));
    let ids: Vec<_> = items.iter().map(|item| item["id"].as_str().unwrap().split_once('_').unwrap().1).collect();
    assert!(ids.is_sorted(), "{ids:?}");
    items
        .iter()
        .map(|item| {
            let parts = item["content"].as_array().into_iter().flatten();
            let text: Vec<_> = parts.filter_map(|part| part["text"].as_str()).collect();
            let kind = item["type"].as_str().unwrap();
            format!("{}: {}", kind.strip_suffix("_message").unwrap_or(kind), text.join("|"))
        })
        .collect()
}

/// Events with names in place of ids.
fn named(events: &[Value]) -> Vec<Value> {
    Names::default().json(&events).as_array().unwrap().clone()
}
