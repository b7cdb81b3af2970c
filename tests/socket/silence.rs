//! Signs of life, both ways.

use std::time::Duration;

use serde_json::json;

use crate::harness::app::{App, create};
use crate::harness::model::Gate;
use crate::harness::responses::answer;
use crate::harness::socket::{Answered, Sockets};

const SHORT: Duration = Duration::from_millis(30);

#[tokio::test]
async fn turn_while_the_model_is_silent_sends_pings() {
    let sockets = Sockets::with_silence(SHORT).await;
    let mut client = sockets.connect("alice").await;
    let gate = Gate::closed();
    sockets.app.model.then(answer("Hello there").before(&gate));
    client.ask("1", &create("Hi")).await;
    let (mut answered, mut pings) = (Answered::default(), 0);
    loop {
        let frame = client.frame().await;
        if frame.get("ping").is_none() {
            if answered.add(frame) {
                break;
            }
            continue;
        }
        assert_eq!(frame, json!({ "id": "1", "ping": true }));
        pings += 1;
        if pings == 3 {
            gate.open_for_good();
        }
    }
    // They have no number, so that nothing is missing where one is lost.
    assert!(answered.events().iter().any(|event| event["item"]["type"] == "assistant_message"));
    assert!(pings >= 3);
}

#[tokio::test]
async fn ping_that_is_lost_is_ignored_and_one_to_a_closed_connection_stops_them() {
    let sockets = Sockets::with_silence(SHORT).await;
    let mut client = sockets.connect("alice").await;
    let gate = Gate::closed();
    sockets.app.model.then(answer("Hello there").before(&gate));
    client.ask("1", &create("Hi")).await;
    while client.frame().await.get("ping").is_none() {}
    // If something else is sent meanwhile, it is sent again.
    sockets.fail([429]);
    while client.frame().await.get("ping").is_none() {}
    sockets.fail([410]);
    sockets.wait_for_connections(0).await;
    gate.open_for_good();
    let answered = |records: &[serde_json::Value]| records.iter().any(|it| it.to_string().contains("Hello there"));
    sockets.app.settled(1, answered).await;
}

#[tokio::test]
async fn ping_of_a_client_is_answered() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    client.send(r#"{"id":"1","ping":true}"#).await;
    assert_eq!(client.reply("1").await, json!({ "expires_at": App::began() + 600 }));
    client.send(r#"{"ping":true}"#).await;
    assert_eq!(client.frame().await, json!({ "seq": 0, "reply": { "expires_at": App::began() + 600 } }));
    sockets.app.clock.advance(600_000);
    client.send(r#"{"id":"2","ping":true}"#).await;
    client.error(Some("2"), "unauthorized").await;
}
