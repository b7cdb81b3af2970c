//! Actions and tools are carried out once.

use bytes::Bytes;
use futures_util::stream;
use http::Method;
use serde_json::{Value, json};

use super::{again, live, other_process, rest, run_of, send, texts, thread, until_delta};
use crate::harness::app::{App, add, chatkit};
use crate::harness::model::Gate;
use crate::harness::responses::answer;
use crate::harness::site::{self, Site};

fn action(thread_id: &str) -> Value {
    let action = json!({ "type": "buy", "payload": { "order": 7 } });
    json!({ "type": "threads.custom_action", "params": { "thread_id": thread_id, "item_id": null, "action": action } })
}

/// An endpoint's answer, a widget, that comes when the gate opens.
fn widget_after(gate: &Gate) -> axum::response::Response {
    let gate = gate.clone();
    let text = json!({ "type": "Text", "value": "Bought" });
    let widget = json!({ "type": "widget", "widget": { "type": "Card", "children": [text] } });
    let line = json!({ "effects": [widget] }).to_string();
    let body = stream::once(async move {
        gate.pass().await;
        Ok::<_, std::io::Error>(Bytes::from(line))
    });
    site::stream("application/json", body)
}

async fn shop(site: &Site) -> App {
    let assistant = json!({ "actions": { "url": site.url } }).to_string();
    let secret = "whsec_c2l4dGVlbiBieXRlcyBhbmQgbW9yZSBvZiB0aGVt";
    App::with([("ASSISTANT", &*assistant), ("TOOL_SIGNING_SECRET", secret)]).await
}

#[tokio::test]
async fn action_that_is_repeated_joins_and_is_carried_out_once() {
    for in_another_process in [false, true] {
        let gate = Gate::closed();
        let site = Site::new([widget_after(&gate)]).await;
        let app = shop(&site).await;
        let thread_id = thread(&app).await;
        let mut started = app.live("alice", &action(&thread_id)).await;
        started.until("stream_options").await;
        let position = started.position.clone().unwrap();
        drop(started);
        let router = if in_another_process { other_process(&app) } else { app.router.clone() };
        let mut back = live(&router, again("alice", &action(&thread_id), &position)).await;
        let mut joined = live(&router, chatkit("alice", &action(&thread_id))).await;
        back.until("stream_options").await;
        joined.until("stream_options").await;
        gate.open_for_good();
        for live in [back, joined] {
            let events = rest(&app, live).await;
            let widgets = events.iter().filter(|event| event["item"]["type"] == "widget").count();
            assert_eq!(widgets, 1, "{events:?}");
        }
        assert_eq!(site.asked().len(), 1);
    }
}

#[tokio::test]
async fn action_that_is_done_again_later_is_another_one() {
    let (one, two) = (Gate::closed(), Gate::closed());
    [&one, &two].into_iter().for_each(Gate::open_for_good);
    let site = Site::new([widget_after(&one), widget_after(&two)]).await;
    let app = shop(&site).await;
    let thread_id = thread(&app).await;
    for _ in 0..2 {
        app.clock.advance(1_000);
        app.chatkit("alice", &action(&thread_id)).await.events();
    }
    let ids: Vec<_> = site.asked().iter().map(|asked| asked.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_ne!(ids[0], ids[1]);
}

#[tokio::test]
async fn action_whose_process_died_has_the_same_webhook_id_when_it_is_sent_again() {
    let (never, gate) = (Gate::closed(), Gate::closed());
    gate.open_for_good();
    let site = Site::new([widget_after(&never), widget_after(&gate)]).await;
    let app = shop(&site).await;
    let thread_id = thread(&app).await;
    let clock = chatkit_shared::clock::Clock::fixed(app.clock.now());
    let dying = App::router(&app.env, &clock, 13);
    let mut started = live(&dying, chatkit("alice", &action(&thread_id))).await;
    started.until("stream_options").await;
    while site.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    std::mem::forget(started);
    app.clock.advance(16_000);
    send(&other_process(&app), chatkit("alice", &action(&thread_id))).await.events();
    let ids: Vec<_> = site.asked().iter().map(|asked| asked.headers["webhook-id"].clone()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(ids[0], ids[1]);
}

#[tokio::test]
async fn stop_calls_no_further_tool() {
    let site = Site::new([]).await;
    let tool = json!({ "type": "function", "name": "order", "parameters": { "type": "object", "properties": {} },
                       "run": { "url": site.url } });
    let assistant = json!({ "tools": [tool] }).to_string();
    let secret = "whsec_c2l4dGVlbiBieXRlcyBhbmQgbW9yZSBvZiB0aGVt";
    let app = App::with([("ASSISTANT", &*assistant), ("TOOL_SIGNING_SECRET", secret)]).await;
    let thread_id = thread(&app).await;
    let (one, two, end) = (Gate::closed(), Gate::closed(), Gate::closed());
    one.open();
    app.model.then(super::in_halves(&one, &two, &end));
    let mut started = app.live("alice", &add(&thread_id, "pizza")).await;
    until_delta(&mut started, "One, ").await;
    app.send(run_of(Method::DELETE, "alice", &thread_id)).await;
    started.end().await;
    assert_eq!(site.asked().len(), 0);
    assert_eq!(texts(&app.router, "alice", &thread_id).await, ["Hi", "Hello", "pizza", "One, "]);
    app.model.then(answer("on"));
    app.add("alice", &thread_id, "go on").await;
}

#[tokio::test]
async fn stop_ends_an_action_though_it_has_no_lease() {
    for in_another_process in [false, true] {
        let gate = Gate::closed();
        let site = Site::new([widget_after(&gate)]).await;
        let app = shop(&site).await;
        let thread_id = thread(&app).await;
        let mut started = app.live("alice", &action(&thread_id)).await;
        started.until("stream_options").await;
        let router = if in_another_process { other_process(&app) } else { app.router.clone() };
        assert_eq!(send(&router, run_of(Method::DELETE, "alice", &thread_id)).await.status, 204);
        if in_another_process {
            app.clock.advance(2_500);
        }
        started.rest().await;
        assert_eq!(texts(&router, "alice", &thread_id).await, ["Hi", "Hello"]);
    }
}
