//! Tools over HTTP: functions that the site and the page run, questions to the person, actions.

mod actions;
mod budget;
mod client;
mod client_faults;
mod composer;
mod depth;
mod kept;
mod large;
mod questions;
mod server;
mod widgets;

use axum::response::Response;
use serde_json::{Value, json};

use crate::harness::app::{Answer, App, thread_id};
use crate::harness::names::Names;
use crate::harness::site::{SIGNING_SECRET, Site};

/// A site with an assistant that uses it.
struct Shop {
    app: App,
    site: Site,
}

impl Shop {
    /// A site whose endpoint gives these answers.
    async fn with(answers: impl IntoIterator<Item = Response>) -> Self {
        Self::configured(answers, &json!({}), []).await
    }

    /// The same with these fields in the assistant's document (without those that are null), and variables.
    async fn configured<const N: usize>(
        answers: impl IntoIterator<Item = Response>,
        fields: &Value,
        variables: [(&str, &str); N],
    ) -> Self {
        let site = Site::new(answers).await;
        let mut document = json!({ "tools": tools(&site.url), "actions": { "url": site.url } });
        for (name, value) in fields.as_object().unwrap() {
            document[name] = value.clone();
        }
        document.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let document = document.to_string();
        let mut all = vec![("ASSISTANT", document.as_str()), ("TOOL_SIGNING_SECRET", SIGNING_SECRET)];
        all.extend(variables);
        let clock = chatkit_shared::clock::Clock::fixed("2026-11-20T12:00:00Z".parse().unwrap());
        Self { app: App::at(clock, &all).await, site }
    }

    async fn send(&self, operation: &str, params: Value) -> Answer {
        self.app.chatkit("alice", &json!({ "type": operation, "params": params })).await
    }

    /// Sends what the page returned.
    async fn output(&self, thread_id: &str, result: Value) -> Answer {
        self.send("threads.add_client_tool_output", json!({ "thread_id": thread_id, "result": result })).await
    }

    /// The items of a thread as a page that is loaded anew shows them.
    async fn items(&self, thread_id: &str) -> Vec<Value> {
        let thread = self.send("threads.get_by_id", json!({ "thread_id": thread_id })).await.json();
        thread["items"]["data"].as_array().unwrap().clone()
    }

    /// What the endpoint was told, one after the other.
    fn told(&self) -> Vec<Value> {
        self.site.asked().iter().map(|asked| serde_json::from_slice(&asked.body).unwrap()).collect()
    }

    /// What the model was shown, each time but for titles.
    fn shown(&self) -> Vec<Vec<String>> {
        let requests = self.app.model.requests();
        requests.iter().filter(|request| !request.is_title()).map(|request| request.conversation()).collect()
    }
}

fn tools(url: &str) -> Value {
    let function = |name: &str, properties: Value, run: Value| {
        let parameters = json!({ "type": "object", "properties": properties, "additionalProperties": false });
        json!({ "type": "function", "name": name, "description": name, "parameters": parameters, "run": run })
    };
    let endpoint = json!({ "url": url });
    let mut order = function("find_order", json!({ "number": { "type": "integer" } }), endpoint.clone());
    order["title"] = json!("Looking up the order");
    order["icon"] = json!("search");
    json!([
        order,
        function("find_stock", json!({}), endpoint),
        function("get_selection", json!({}), json!("client")),
        function("get_theme", json!({}), json!("client")),
    ])
}

/// The kinds of events, an update's by its own, and an item's with the event's.
fn kinds(events: &[Value]) -> Vec<String> {
    let kind = |event: &Value| {
        let kind = event["update"]["type"].as_str().or(event["type"].as_str()).unwrap();
        match event["item"]["type"].as_str() {
            Some(item) => format!("{} {item}", kind.trim_start_matches("thread.item.")),
            None => kind.trim_start_matches("thread.").to_owned(),
        }
    };
    events.iter().map(kind).collect()
}

/// Everything behind the message and `stream_options`, with names for ids.
fn answered(events: &[Value]) -> Vec<Value> {
    let start = events.iter().position(|event| event["type"] == "stream_options").unwrap() + 1;
    let named = Names::default().json(&events);
    let rest = named.as_array().unwrap()[start..].to_vec();
    rest.into_iter().filter(|event| event["type"] != "thread.updated").collect()
}

/// What the assistant said last.
fn said(events: &[Value]) -> &Value {
    let message = events.iter().rfind(|event| event["item"]["type"] == "assistant_message");
    message.map_or(&Value::Null, |event| &event["item"]["content"][0]["text"])
}

/// A new thread's events and id.
async fn first_turn(shop: &Shop, text: &str) -> (Vec<Value>, String) {
    let events = shop.app.create("alice", text).await;
    let id = thread_id(&events);
    (events, id)
}
