//! The streaming operations, and what must be there before each.

use serde_json::{Value, json};

use super::process::Asked;
use super::world::{Case, World};
use crate::harness::app::{add, create};
use crate::harness::model::Gate;
use crate::harness::page::Page;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Create,
    Message,
    /// A message that makes the model call a server tool, which shows a widget.
    ServerTool,
    Retry,
    ClientToolOutput,
    StructuredInput,
    /// An action that replaces its widget.
    Action,
    ActionWithAnswer,
}

/// What the person says in the operation itself.
pub(super) const SAID: &str = "and now?";

impl World {
    /// A person of their own, with the thread that the operation needs. Whatever the model is asked in it from now on
    /// waits for the case's gate.
    pub(super) async fn prepare(&self, kind: Kind) -> Case {
        let user = self.next_user();
        let (mut page, operation) = match kind {
            Kind::Create => (Page::default(), create(&format!("{SAID} {user};"))),
            Kind::Message => self.begun(&user, "hello", |thread_id, _| add(thread_id, SAID)).await,
            Kind::ServerTool => {
                self.begun(&user, "hello", |thread_id, _| add(thread_id, &format!("{SAID} order"))).await
            }
            Kind::Retry => {
                let retry = |thread_id: &str, page: &Page| {
                    let params = json!({ "thread_id": thread_id, "item_id": page.items[0]["id"] });
                    json!({ "type": "threads.retry_after_item", "params": params })
                };
                self.begun(&user, "hello", retry).await
            }
            Kind::ClientToolOutput => {
                let output = |thread_id: &str, _: &Page| {
                    let params = json!({ "thread_id": thread_id, "result": "a lamp" });
                    json!({ "type": "threads.add_client_tool_output", "params": params })
                };
                self.begun(&user, "select", output).await
            }
            Kind::StructuredInput => {
                let answers = |thread_id: &str, page: &Page| {
                    let input = json!({ "answers": { "color": { "values": ["red"] } } });
                    let item_id = item(page, "structured_input");
                    let params = json!({ "thread_id": thread_id, "item_id": item_id, "input": input });
                    json!({ "type": "threads.add_structured_input", "params": params })
                };
                self.begun(&user, "ask", answers).await
            }
            Kind::Action => self.begun(&user, "order", |thread_id, page| action(thread_id, page, "replace")).await,
            Kind::ActionWithAnswer => {
                self.begun(&user, "order", |thread_id, page| action(thread_id, page, "respond")).await
            }
        };
        let before = page.clone();
        if kind == Kind::Retry {
            let question = page.items[0]["id"].as_str().unwrap().to_owned();
            page.retry_after(&question);
        }
        let gate = Gate::closed();
        self.slow_down(&user, &gate);
        Case { user, before, page, operation, gate, kind }
    }

    /// A thread that began with this message, and an operation in it.
    async fn begun(&self, user: &str, text: &str, operation: impl Fn(&str, &Page) -> Value) -> (Page, Value) {
        let create = create(&format!("{user}; {text}"));
        let asked = Asked { user, operation: &create, last_event_id: None, steps: 0, gate: None };
        let mut page = Page::default();
        self.survivor.stream(&self.dynamo, &asked, &mut page).await;
        let thread_id = page.thread_id.clone().unwrap();
        let get = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread_id } });
        let page = Page::loaded(&self.survivor.call(user, &get).await);
        assert!(page.items.len() > 1, "{:#?}", page.items);
        let operation = operation(&thread_id, &page);
        (page, operation)
    }
}

fn action(thread_id: &str, page: &Page, kind: &str) -> Value {
    let action = json!({ "type": kind, "payload": { "count": 2 }, "handler": "server" });
    let params = json!({ "thread_id": thread_id, "item_id": item(page, "widget"), "action": action });
    json!({ "type": "threads.custom_action", "params": params })
}

fn item<'a>(page: &'a Page, kind: &str) -> &'a Value {
    let item = page.items.iter().find(|item| item["type"] == kind);
    &item.unwrap_or_else(|| panic!("no {kind} in {:#?}", page.items))["id"]
}
