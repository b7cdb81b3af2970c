//! What people do, one thing after the other, in one tab.

use http::Method;
use serde_json::{Value, json};

use super::tab::{Outcome, Tab};
use super::world::Touched;
use crate::harness::app::{add, create};
use crate::harness::page::Page;

impl Tab {
    /// A while of a person's life.
    pub(super) async fn live(mut self, things: u64) {
        for number in 0..things {
            self.wait(0, 4_000).await;
            self.one_thing(number).await;
        }
    }

    async fn one_thing(&mut self, number: u64) {
        let pending = self.page.items.last().filter(|item| item["status"] == "pending").cloned();
        let Some(thread_id) = self.page.thread_id.clone() else { return self.begin(number).await };
        match (self.dice.below(100), pending) {
            (0..75, Some(waiting)) => self.answer(&thread_id, &waiting, number).await,
            (0..45, _) => {
                let message = add(&thread_id, &format!("{} says {number}", self.name));
                self.operate(&thread_id, &message).await;
            }
            (45..60, _) => self.retry(&thread_id).await,
            (60..72, _) => self.act(&thread_id, number).await,
            (72..84, _) => self.load(&thread_id).await,
            (84..88, _) => self.list().await,
            (88..91, _) => self.delete(&thread_id).await,
            (91..96, _) => self.switch().await,
            _ => self.begin(number).await,
        }
    }

    /// A new thread.
    async fn begin(&mut self, number: u64) {
        self.page = Page::default();
        self.fresh_at = None;
        let outcome = self.converse(&create(&format!("{} begins {number}", self.name))).await;
        let Some(thread_id) = self.page.thread_id.clone() else { return };
        let touched = self.touch(&thread_id, |touched| touched.end(&outcome, 1));
        if touched.begun == 1 {
            self.finished(&thread_id, &outcome, touched).await;
        }
    }

    /// A streaming operation in a thread.
    async fn operate(&mut self, thread_id: &str, operation: &Value) {
        let begun = self.touch(thread_id, |touched| {
            touched.begun += 1;
            touched.active += 1;
        });
        let outcome = self.converse(operation).await;
        let ended = self.touch(thread_id, |touched| {
            touched.end(&outcome, begun.begun);
            // Nobody can follow an action.
            if outcome == Outcome::Loose && operation["type"] == "threads.custom_action" {
                touched.loose_since = Some(u64::MAX);
            }
        });
        let was_fresh = self.fresh_at.is_some_and(|fresh_at| fresh_at + 1 == begun.begun);
        self.fresh_at = None;
        if was_fresh && begun.active == 1 && begun.begun == ended.begun {
            self.finished(thread_id, &outcome, ended).await;
        } else {
            // Another tab was there: only a load shows everything.
            self.load(thread_id).await;
        }
    }

    /// Looks at the thread after an operation that nothing else met.
    async fn finished(&mut self, thread_id: &str, outcome: &Outcome, touched: Touched) {
        match outcome {
            Outcome::Whole if !touched.is_loose() => {
                let shown = self.page.clone();
                self.load(thread_id).await;
                let now = self.touch(thread_id, |_| {});
                // A retry that made nothing has removed nothing; the page has.
                let made_nothing = shown.comparable().last().is_some_and(|item| item["type"] == "user_message");
                // Of a write whose answer was lost nobody knows whether it was carried out.
                let may_lack = shown.error.as_ref().is_some_and(|error| {
                    error["message"]
                        .as_str()
                        .is_some_and(|message| message.starts_with("The conversation could not be saved"))
                });
                let lacks_only = may_lack && self.page.comparable().starts_with(&shown.comparable());
                if now == touched
                    && !made_nothing
                    && !lacks_only
                    && self.page.thread_id.is_some()
                    && let Some(difference) = shown.difference(&self.page)
                {
                    self.world.blame(format!("{}: {difference}", self.name));
                }
                if self.dice.percent(30) {
                    self.check_idle(thread_id, touched).await;
                }
            }
            Outcome::Whole | Outcome::Loose => self.load(thread_id).await,
            Outcome::Refused(status) => self.refused(thread_id, *status).await,
        }
    }

    /// Where nothing goes on, nothing can be followed.
    async fn check_idle(&self, thread_id: &str, touched: Touched) {
        let path = format!("/chatkit/threads/{thread_id}/run");
        let answered = self.bare(Method::GET, &path).await;
        if self.touch(thread_id, |_| {}) == touched && matches!(answered, Some((200, _))) {
            self.world.blame(format!("{}: a run of {thread_id} goes on after its end", self.name));
        }
    }

    async fn refused(&mut self, thread_id: &str, status: u16) {
        let is_deleted = self.touch(thread_id, |_| {}).is_deleted;
        // Whoever answers what another tab has answered, or retries what another has removed, is told so.
        let is_known = matches!(status, 400 | 404 | 409) && (is_deleted || self.is_shared(thread_id));
        if !is_known {
            self.world.blame(format!("{}: is refused with {status} in {thread_id}", self.name));
        }
        self.load(thread_id).await;
    }

    /// Whether another tab or a run without a page may have changed what this page shows.
    fn is_shared(&self, thread_id: &str) -> bool {
        let touched = self.touch(thread_id, |_| {});
        touched.is_loose() || touched.active > 0 || self.tabs > 1
    }

    async fn answer(&mut self, thread_id: &str, waiting: &Value, number: u64) {
        let operation = match waiting["type"].as_str().unwrap() {
            "client_tool_call" => {
                // Other calls that wait, such as another tab's, are dropped without an event.
                let is_dropped = |item: &Value| item["status"] == "pending" && item["id"] != waiting["id"];
                self.page.items.retain(|item| item["type"] != "client_tool_call" || !is_dropped(item));
                let params = json!({ "thread_id": thread_id, "result": format!("{} picks {number}", self.name) });
                json!({ "type": "threads.add_client_tool_output", "params": params })
            }
            _ => {
                let input = json!({ "answers": { "color": { "values": ["red"] } } });
                let params = json!({ "thread_id": thread_id, "item_id": waiting["id"], "input": input });
                json!({ "type": "threads.add_structured_input", "params": params })
            }
        };
        self.operate(thread_id, &operation).await;
    }

    async fn retry(&mut self, thread_id: &str) {
        let messages: Vec<_> = self.page.items.iter().filter(|item| item["type"] == "user_message").collect();
        // Mostly the last one, as the button does.
        let chosen =
            if self.dice.percent(70) { messages.last().copied() } else { self.dice.one_of(&messages).copied() };
        let Some(item_id) = chosen.map(|item| item["id"].as_str().unwrap().to_owned()) else { return };
        self.page.retry_after(&item_id);
        let params = json!({ "thread_id": thread_id, "item_id": item_id });
        self.operate(thread_id, &json!({ "type": "threads.retry_after_item", "params": params })).await;
    }

    async fn act(&mut self, thread_id: &str, number: u64) {
        let widgets: Vec<_> = self.page.items.iter().filter(|item| item["type"] == "widget").collect();
        let Some(widget) = self.dice.one_of(&widgets) else { return };
        let kind = if self.dice.percent(50) { "respond" } else { "replace" };
        let action = json!({ "type": kind, "payload": { "by": self.name, "number": number }, "handler": "server" });
        let params = json!({ "thread_id": thread_id, "item_id": widget["id"], "action": action });
        self.operate(thread_id, &json!({ "type": "threads.custom_action", "params": params })).await;
    }

    /// Loads the thread, after its run if a run is left.
    pub(super) async fn load(&mut self, thread_id: &str) {
        let before = self.touch(thread_id, |_| {});
        // What can be followed is the last run; of one before it nothing is known.
        if before.loose_since == Some(before.begun) && self.follow(thread_id).await {
            let now = self.touch(thread_id, |_| {});
            if now.begun == before.begun && now.active == 0 {
                self.touch(thread_id, |touched| touched.loose_since = None);
            }
        }
        let announced: Vec<_> = self.page.announced().cloned().collect();
        match self.call("threads.get_by_id", &json!({ "thread_id": thread_id })).await {
            Some((200, thread)) => {
                let loaded = Page::loaded(&thread);
                let now = self.touch(thread_id, |_| {});
                let lost = announced.iter().find(|item| !loaded.items.iter().any(|kept| kept["id"] == item["id"]));
                if let (Some(lost), true) = (lost, now.begun == before.begun && self.tabs == 1) {
                    self.world.blame(format!("{}: {lost} was announced and is lost", self.name));
                }
                self.page = loaded;
                let is_quiet = now.begun == before.begun && before.active == 0 && now.active == 0 && !now.is_loose();
                self.fresh_at = is_quiet.then_some(now.begun);
            }
            Some((404, _)) => {
                if !self.touch(thread_id, |_| {}).is_deleted {
                    self.world.blame(format!("{}: {thread_id} is lost", self.name));
                }
                self.page = Page::default();
            }
            Some((503, _)) | None => {}
            Some((status, body)) => self.world.blame(format!("{}: a load is answered with {status} {body}", self.name)),
        }
    }

    async fn list(&mut self) {
        if let Some((status, body)) = self.call("threads.list", &json!({})).await
            && !matches!(status, 200 | 503)
        {
            self.world.blame(format!("{}: a list is answered with {status} {body}", self.name));
        }
    }

    async fn delete(&mut self, thread_id: &str) {
        self.touch(thread_id, |touched| touched.is_deleted = true);
        self.call("threads.delete", &json!({ "thread_id": thread_id })).await;
        self.page = Page::default();
    }

    /// Another of the person's threads.
    async fn switch(&mut self) {
        let Some((200, threads)) = self.call("threads.list", &json!({})).await else { return };
        let Some(thread) = self.dice.one_of(threads["data"].as_array().unwrap()) else { return };
        let thread_id = thread["id"].as_str().unwrap().to_owned();
        self.page = Page::of(&thread_id);
        self.load(&thread_id).await;
    }

    fn touch(&self, thread_id: &str, change: impl FnOnce(&mut Touched)) -> Touched {
        self.world.touch(thread_id, change)
    }
}
