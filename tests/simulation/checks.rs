//! What holds at the end of a world, when nothing goes wrong any more.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::sleep;

use super::tab::{Outcome, Tab};
use super::world::World;
use crate::harness::app::{add, create};
use crate::harness::page::{Page, ids, paged};

/// A turn that died before its run had begun is given up after a minute.
const EVERYTHING_OVER_AFTER: Duration = Duration::from_secs(65);

impl Tab {
    /// Visits every thread of the person's: whatever was left is ended, and everything has its place.
    pub(super) async fn settle(&mut self) {
        sleep(EVERYTHING_OVER_AFTER).await;
        let mut said = Vec::new();
        for thread_id in self.threads().await {
            self.page = Page::of(&thread_id);
            if !self.follow(&thread_id).await && !self.follow(&thread_id).await {
                self.world.blame(format!("a run of {thread_id} does not end"));
            }
            self.load(&thread_id).await;
            said.extend(self.page.items.iter().filter(|item| item["type"] == "user_message").map(text));
            self.check_order(&thread_id).await;
            let before = self.page.items.len();
            let outcome = self.converse(&add(&thread_id, &format!("{} goes on in {thread_id}", self.name))).await;
            if outcome == Outcome::Loose {
                self.world.blame(format!("{thread_id} does not go on"));
            }
            if outcome == Outcome::Whole && (self.page.items.len() < before + 2 || self.page.error.is_some()) {
                self.world.blame(format!("{thread_id} does not go on: {:?}", self.page.error));
            }
            if let Outcome::Refused(status) = outcome {
                self.world.blame(format!("{thread_id} does not go on: {status}"));
            }
        }
        // Whoever has deleted their threads has another turn, too, beside which dead ones are settled.
        self.page = Page::default();
        self.converse(&create(&format!("{} begins once more", self.name))).await;
        let journal = self.world.journal.lock().unwrap();
        let doubled: Vec<_> = journal
            .sent
            .iter()
            .filter(|(message, sent)| {
                let stored = said.iter().filter(|said| said == message).count();
                stored > usize::try_from(**sent).unwrap()
            })
            .map(|(message, _)| message.clone())
            .collect();
        drop(journal);
        for message in doubled {
            self.world.blame(format!("`{message}` is stored more often than it was sent"));
        }
    }

    async fn threads(&self) -> Vec<String> {
        match self.call("threads.list", &json!({ "limit": 100 })).await {
            Some((200, threads)) => {
                let threads = threads["data"].as_array().unwrap().iter();
                threads.map(|thread| thread["id"].as_str().unwrap().to_owned()).collect()
            }
            other => {
                self.world.blame(format!("the threads cannot be listed: {other:?}"));
                Vec::new()
            }
        }
    }

    /// The items have one order, however they are paged through.
    async fn check_order(&self, thread_id: &str) {
        let expected = ids(&self.page.items);
        let list = async |params| match self.call("items.list", &params).await {
            Some((200, page)) => Some(page),
            _ => None,
        };
        for (order, limit) in [("asc", 3), ("desc", 2), ("asc", 100)] {
            let Some(listed) = paged(thread_id, (order, limit), &list).await else {
                return self.world.blame(format!("the items of {thread_id} cannot be listed"));
            };
            if listed != expected {
                self.world.blame(format!("{order} by {limit}: {listed:?}, but loaded as {expected:?}"));
            }
        }
    }
}

fn text(item: &Value) -> String {
    item["content"][0]["text"].as_str().unwrap_or_default().to_owned()
}

/// A write is tried so often. A usage record that cannot be written costs the operator a line, and the person nothing.
const WRITE_ATTEMPTS: u32 = 3;

/// The usage records, with those that were given up.
fn usage_records(world: &World) -> Vec<Value> {
    let mut usage = world.records("usage");
    usage.retain(|record| record["sk"]["S"].as_str().unwrap().starts_with("R#"));
    let journal = world.journal.lock().unwrap();
    let given_up = journal.refused_usage.values().filter(|(times, _)| *times >= WRITE_ATTEMPTS);
    let given_up: Vec<_> = given_up.map(|(_, record)| record.clone()).collect();
    let is_written = |given_up: &Value| usage.iter().any(|record| record["sk"] == given_up["sk"]);
    let lost: Vec<_> = given_up.into_iter().filter(|record| !is_written(record)).collect();
    usage.extend(lost);
    usage
}

/// What people paid, and how often the site was told.
pub(super) fn check_accounts(world: &Arc<World>, users: &[String]) {
    let number = |value: &Value| value["N"].as_str().and_then(|number| number.parse::<u64>().ok()).unwrap_or_default();
    let counters = world.records("counters");
    let usage = usage_records(world);
    let tokens = |record: &Value| number(&record["input_tokens"]) + number(&record["output_tokens"]);
    for user in users {
        let mut counted = 0;
        for record in counters.iter().filter(|record| record["pk"]["S"].as_str().unwrap().ends_with(user.as_str())) {
            for (name, value) in record.as_object().unwrap() {
                if name.starts_with("r_") {
                    world.blame(format!("{user}: {name} is still held: {value}"));
                }
                if name.starts_with('h') {
                    counted += number(value);
                }
            }
        }
        let used: u64 = usage.iter().filter(|record| record["user"]["S"] == user.as_str()).map(tokens).sum();
        if counted != used {
            world.blame(format!("{user}: the budget counts {counted}, the usage records {used}"));
        }
    }
    for head in world.records("threads").iter().filter(|record| record["sk"]["S"].as_str().unwrap().starts_with("R#")) {
        let is_over = head.get("ended").is_some() || head.get("died").is_some();
        if !is_over {
            world.say(format!("a record of a run that says nothing of its end: {head}"));
        }
    }
    let (asked, counted, calls) = {
        let journal = world.journal.lock().unwrap();
        (journal.asked, journal.counted.clone(), journal.calls.clone())
    };
    let used: u64 = usage.iter().map(tokens).sum();
    let said: u64 = counted.iter().sum();
    // Where the model was never cut off and no turn died, its own count is what was paid.
    let is_exact = usage.iter().all(|record| record["outcome"]["S"] == "ok");
    if is_exact && u64::try_from(counted.len()).unwrap() == asked && used != said {
        world.blame(format!("the model counted {said} tokens, the usage records have {used}"));
    }
    for (matter, ids) in calls {
        if ids.iter().any(|id| *id != ids[0]) {
            world.blame(format!("the endpoint is told of {matter} under several ids: {ids:?}"));
        }
    }
}
