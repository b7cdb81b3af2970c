//! How many connections, how many messages.

use serde_json::{Value, json};

use crate::harness::socket::Sockets;

fn list() -> Value {
    json!({ "type": "threads.list", "params": {} })
}

#[tokio::test]
async fn connect_beyond_the_users_limit_is_refused() {
    let sockets = Sockets::with([("LIMIT_USER_CONNECTIONS", "2")]).await;
    let token = format!("chatkit, {}", sockets.app.session("alice").await);
    let first = sockets.handshake(Some(&token)).await.unwrap();
    let _second = sockets.handshake(Some(&token)).await.unwrap();
    let (status, body) = sockets.handshake(Some(&token)).await.unwrap_err();
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &body["error"]), (429, &json!("rate_limit_exceeded")));
    assert_eq!(body["message"], "too many open connections");
    let _other = sockets.connect("bob").await;

    first.leave().await;
    sockets.wait_for_connections(2).await;
    // The place is given up behind the record.
    while sockets.handshake(Some(&token)).await.is_err() {}
}

#[tokio::test]
async fn connection_that_was_never_closed_stops_counting() {
    let sockets = Sockets::with([("LIMIT_USER_CONNECTIONS", "2")]).await;
    let token = format!("chatkit, {}", sockets.app.session("alice").await);
    let mut clients = vec![sockets.handshake(Some(&token)).await.unwrap()];
    sockets.app.clock.advance(60_000);
    clients.push(sockets.handshake(Some(&token)).await.unwrap());
    let two_hours = 2 * 60 * 60_000;
    sockets.app.clock.advance(two_hours - 60_001);
    let token = format!("chatkit, {}", sockets.app.session("alice").await);
    assert_eq!(sockets.handshake(Some(&token)).await.unwrap_err().0, 429);
    // API Gateway has closed the first one by now, though its `$disconnect` was lost.
    sockets.app.clock.advance(1_001);
    clients.push(sockets.handshake(Some(&token)).await.unwrap());
    assert_eq!(sockets.handshake(Some(&token)).await.unwrap_err().0, 429);
}

#[tokio::test]
async fn connect_when_raced_stays_within_the_limit() {
    let sockets = Sockets::with([("LIMIT_USER_CONNECTIONS", "3")]).await;
    let token = format!("chatkit, {}", sockets.app.session("alice").await);
    let attempts = (0..12).map(|_| sockets.handshake(Some(&token)));
    let opened = futures_util::future::join_all(attempts).await.into_iter().flatten().collect::<Vec<_>>();
    assert_eq!(opened.len(), 3);
}

#[tokio::test]
async fn message_beyond_the_connections_limit_is_refused() {
    let sockets = Sockets::with([("LIMIT_CONNECTION_MESSAGES_PER_MINUTE", "2")]).await;
    let mut client = sockets.connect("alice").await;
    // Who sends nonsense is counted, too.
    client.send("nonsense").await;
    client.error(None, "bad_request").await;
    client.ask("2", &list()).await;
    client.reply("2").await;
    client.ask("3", &list()).await;
    let error = client.error(Some("3"), "rate_limit_exceeded").await;
    assert_eq!(error["retry_after"], 30);
    let mut second = sockets.connect("alice").await;
    second.ask("1", &list()).await;
    second.reply("1").await;
    sockets.app.clock.advance(30_000);
    client.ask("4", &list()).await;
    client.reply("4").await;
}

#[tokio::test]
async fn turns_and_requests_over_a_socket_share_the_http_limits() {
    let sockets = Sockets::with([("LIMIT_USER_TURNS_PER_MINUTE", "1"), ("LIMIT_USER_REQUESTS_PER_MINUTE", "1")]).await;
    let mut client = sockets.connect("alice").await;
    sockets.app.chatkit("alice", &list()).await;
    client.ask("1", &list()).await;
    assert_eq!(client.error(Some("1"), "rate_limit_exceeded").await["retry_after"], 60);
    sockets.app.model.then(crate::harness::responses::answer("Hello there"));
    sockets.app.create("alice", "Hi").await;
    client.ask("2", &crate::harness::app::create("Hi")).await;
    assert_eq!(client.error(Some("2"), "rate_limit_exceeded").await["retry_after"], 60);
}

#[tokio::test]
async fn socket_limits_when_zero_are_off() {
    let off = [("LIMIT_USER_CONNECTIONS", "0"), ("LIMIT_CONNECTION_MESSAGES_PER_MINUTE", "0")];
    let sockets = Sockets::with(off).await;
    let token = format!("chatkit, {}", sockets.app.session("alice").await);
    let mut clients = Vec::new();
    for _ in 0..15 {
        clients.push(sockets.handshake(Some(&token)).await.unwrap());
    }
    for number in 0..130 {
        clients[0].ask(&number.to_string(), &json!({ "type": "nothing" })).await;
        clients[0].error(Some(&number.to_string()), "bad_request").await;
    }
}

#[tokio::test]
async fn message_costs_one_write_more_than_over_http() {
    let sockets = Sockets::start().await;
    let token = sockets.app.session("alice").await;
    sockets.app.dynamo.reset();
    let mut client = sockets.connect_with(&token).await;
    assert_eq!(sockets.app.dynamo.reset().operations(), ["UpdateItem", "PutItem"]);
    // The first one of each finds out that the bucket of requests is not full.
    let (mut over_http, mut by_socket) = ((0.0, 0.0), (0.0, 0.0));
    for _ in 0..2 {
        sockets.app.chatkit("alice", &list()).await;
        over_http = sockets.app.dynamo.reset().units();
    }
    for _ in 0..2 {
        client.ask("1", &list()).await;
        client.reply("1").await;
        by_socket = sockets.app.dynamo.reset().units();
    }
    assert_eq!((over_http, by_socket), ((0.5, 1.0), (0.5, 2.0)));
}

/// A message of a visitor's connection, as it comes from an address.
fn from(address: &str, message: &Value) -> Value {
    let mut message = message.clone();
    message["requestContext"]["identity"]["sourceIp"] = json!(address);
    message
}

#[tokio::test]
async fn visitors_over_sockets_share_the_budget_of_their_address() {
    let limits = [("LIMIT_ADDRESS_TOKENS_PER_HOUR", "30000"), ("TRANSCRIBE_MODEL", "ears")];
    let sockets = Sockets::with(limits).await;
    let (session, _) = sockets.app.visit().await;
    let mut client = sockets.connect_with(&session).await;
    let turn = crate::harness::app::create("Hi");
    sockets.app.model.on(|request| !request.is_title(), crate::harness::responses::answer("Hello there"));
    client.ask("1", &turn).await;
    client.answer().await.events();
    let message = sockets.event(|event| event["requestContext"]["eventType"] == "MESSAGE").await;

    let held = |address: &str| {
        let records = sockets.app.dynamo.records("counters");
        records.iter().any(|record| record["pk"]["S"] == format!("A#{address}") && record["sk"]["S"] == "budget")
    };
    chatkit_socket::handle(sockets.function.clone(), from("192.0.2.7", &message)).await.unwrap();
    client.answer().await.events();
    assert!(held("192.0.2.7"), "the order to answer says where the message came from");
    let heard = json!({ "text": "Hello", "usage": { "type": "tokens", "input_tokens": 29_000, "output_tokens": 1 } });
    let heard = crate::harness::model::Answer::with(200, "application/json", heard.to_string());
    sockets.app.model.rather(|request| request.path.ends_with("transcriptions"), heard);
    let dictation =
        json!({ "type": "input.transcribe", "params": { "audio_base64": "c291bmQ=", "mime_type": "audio/webm" } });
    let mut spoken = from("2001:db8:1:2::7", &message);
    spoken["body"] = json!(json!({ "id": "2", "request": dictation }).to_string());
    chatkit_socket::handle(sockets.function.clone(), spoken).await.unwrap();
    client.reply("2").await;
    assert!(held("2001:db8:1:2::/64"), "so does what is answered at once");

    // Another visitor of the same network, and one of another.
    let (session, _) = sockets.app.visit().await;
    let mut second = sockets.connect_with(&session).await;
    second.ask("3", &json!({ "type": "threads.list", "params": {} })).await;
    second.reply("3").await;
    let is_second = |event: &Value| event["body"].as_str().is_some_and(|body| body.contains("\"3\""));
    let mut message = sockets.event(is_second).await;
    message["body"] = json!(json!({ "id": "4", "request": turn }).to_string());
    chatkit_socket::handle(sockets.function.clone(), from("2001:db8:1:2::8", &message)).await.unwrap();
    let error = second.error(Some("4"), "budget_exceeded").await;
    assert_eq!(error["message"], "the token budget of your network's visitors is used up for now");
    assert_eq!(error["retry_after"], 3600);
    chatkit_socket::handle(sockets.function.clone(), from("2001:db8:1:3::8", &message)).await.unwrap();
    second.answer().await.events();
}
