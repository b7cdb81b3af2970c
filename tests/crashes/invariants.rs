//! What holds, whenever a process died.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use super::operations::{Kind, SAID};
use super::process::Asked;
use super::world::{ANSWER, Case, World};
use crate::harness::app::add;
use crate::harness::page::{Page, ids, paged};

/// How long what happens beside a turn is waited for.
const MAX_LOOKS: u32 = 1_000;

/// Holds what a person's page shows against what is stored, and against what they paid.
pub(super) async fn hold(world: &World, case: &Case, shown: &Page, context: &str) {
    let loaded = world.load(case, shown).await;
    // A retry that made nothing has removed nothing; the page has.
    let is_as_before = case.kind == Kind::Retry && shown.comparable().len() == 1 && loaded.items == case.before.items;
    if !is_as_before {
        assert_eq!(shown.difference(&loaded), None, "{context}");
    }
    let said = told(world, case).await;
    assert!(said <= 1, "{context}: the message is stored {said} times");
    if let Some(thread_id) = &shown.thread_id {
        in_order(world, &case.user, thread_id, &loaded, context).await;
        called_once(world, thread_id, context);
        let run = format!("/chatkit/threads/{thread_id}/run");
        let (status, body) = world.survivor.send(Method::GET, &run, &case.user, String::new()).await;
        assert_eq!(status, 204, "{context}: a run is left: {body}");
    }
    goes_on(world, case, shown, context).await;
    paid(world, &case.user, context);
}

/// How often the operation's message is in the person's threads.
async fn told(world: &World, case: &Case) -> usize {
    let list = json!({ "type": "threads.list", "params": {} });
    let threads = world.survivor.call(&case.user, &list).await;
    let mut count = 0;
    for thread in threads["data"].as_array().unwrap() {
        let get = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread["id"] } });
        let thread = world.survivor.call(&case.user, &get).await;
        let items = thread["items"]["data"].as_array().unwrap();
        let text = |item: &Value| item["content"][0]["text"].as_str().unwrap_or_default().to_owned();
        count += items.iter().filter(|item| item["type"] == "user_message" && text(item).contains(SAID)).count();
    }
    count
}

/// The items have one order, however they are paged through.
async fn in_order(world: &World, user: &str, thread_id: &str, loaded: &Page, context: &str) {
    let expected = ids(&loaded.items);
    let list = async |params| Some(world.survivor.call(user, &json!({ "type": "items.list", "params": params })).await);
    for (order, limit) in [("asc", 1), ("desc", 1), ("asc", 2), ("desc", 3), ("asc", 100), ("desc", 100)] {
        let listed = paged(thread_id, (order, limit), &list).await.unwrap();
        assert_eq!(listed, expected, "{context}: {order} {limit}");
    }
}

/// Whatever the endpoint was told twice has the same id both times.
fn called_once(world: &World, thread_id: &str, context: &str) {
    let calls = world.calls_of(thread_id);
    let about = |body: &Value| format!("{} {}", body["data"]["call_id"], body["data"]["action"]);
    let ids: BTreeSet<_> = calls.iter().map(|(id, _)| id).collect();
    let matters: BTreeSet<_> = calls.iter().map(|(_, body)| about(body)).collect();
    assert_eq!(ids.len(), matters.len(), "{context}: {calls:#?}");
}

/// The next message is answered.
async fn goes_on(world: &World, case: &Case, shown: &Page, context: &str) {
    let Some(thread_id) = &shown.thread_id else { return };
    // A turn that died before its run had begun is given up after a minute.
    world.survivor.pass(&world.dynamo, 61_000).await;
    let next = add(thread_id, "and then?");
    let asked = Asked { user: &case.user, operation: &next, last_event_id: None, steps: 0, gate: None };
    let mut page = shown.clone();
    page.error = None;
    let ended = world.survivor.stream(&world.dynamo, &asked, &mut page).await;
    assert!(ended.status == Some(200) && !ended.broken, "{context}: the next message: {ended:?}");
    assert_eq!(page.error, None, "{context}: the next message");
    let last = page.items.last().unwrap();
    assert_eq!(last["content"][0]["text"], ANSWER, "{context}: {last}");
    // The user's other turns are looked at beside this one.
    for _ in 0..MAX_LOOKS {
        if held(world, &case.user).is_none() {
            break;
        }
        world.survivor.pass(&world.dynamo, 1).await;
    }
}

/// What a budget of the user's still holds for a turn.
fn held(world: &World, user: &str) -> Option<Value> {
    let is_held = |budget: &Value| budget.as_object().unwrap().keys().any(|name| name.starts_with("r_"));
    world.dynamo.records("counters").into_iter().find(|budget| is_of(budget, user) && is_held(budget))
}

fn is_of(record: &Value, user: &str) -> bool {
    record["pk"]["S"].as_str().unwrap_or_default().ends_with(user)
}

/// Nothing is held any more, and what the budget says is what the usage records say.
fn paid(world: &World, user: &str, context: &str) {
    assert_eq!(held(world, user), None, "{context}");
    let number = |value: &Value| value["N"].as_str().and_then(|number| number.parse::<i64>().ok()).unwrap_or_default();
    let budgets = world.dynamo.records("counters");
    let windows = budgets.iter().filter(|budget| is_of(budget, user)).flat_map(|budget| budget.as_object().unwrap());
    let counted: i64 = windows.filter(|(name, _)| name.starts_with('h')).map(|(_, tokens)| number(tokens)).sum();
    let usage = world.dynamo.records("usage");
    let records = usage.iter().filter(|record| record["user"]["S"] == user);
    let used: i64 = records.map(|record| number(&record["input_tokens"]) + number(&record["output_tokens"])).sum();
    assert_eq!(counted, used, "{context}: what the budget counts, and what was used");
}
