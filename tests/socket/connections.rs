//! Who may connect, and for how long.

use serde_json::{Value, json};

use crate::harness::app::{App, create};
use crate::harness::requests::{Carrying, post};
use crate::harness::responses::answer;
use crate::harness::sessions::START;
use crate::harness::socket::Sockets;

/// Minutes as the test's clock counts.
const MINUTE: i64 = 60_000;

fn list() -> Value {
    json!({ "type": "threads.list", "params": {} })
}

#[tokio::test]
async fn connect_without_a_session_token_is_refused() {
    let sockets = Sockets::start().await;
    let token = sockets.app.session("alice").await;
    let user_token = sockets.app.user_token("alice");
    let forged = format!("{}A", &token[..token.len() - 1]);
    let refused = [
        None,
        Some("chatkit".to_owned()),
        Some(token.clone()),
        Some(format!("{token}, chatkit")),
        Some(format!("other, {token}")),
        Some(format!("chatkit, {token}, {token}")),
        Some("chatkit, nonsense".to_owned()),
        Some(format!("chatkit, {user_token}")),
        Some(format!("chatkit, {forged}")),
    ];
    for protocols in refused {
        let (status, body) = sockets.handshake(protocols.as_deref()).await.unwrap_err();
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["error"]), (401, &json!("unauthorized")), "{protocols:?}");
        assert_eq!(body.as_object().unwrap().len(), 3);
    }
    assert_eq!(sockets.remembered(), 0);

    let mut client = sockets.connect_with(&token).await;
    client.ask("1", &list()).await;
    assert_eq!(client.reply("1").await["data"], json!([]));
    let connect = &sockets.events()[9];
    assert_eq!(connect["headers"]["sec-websocket-protocol"], format!("chatkit, {token}"));

    sockets.app.clock.advance(10 * MINUTE);
    let (status, body) = sockets.handshake(Some(&format!("chatkit, {token}"))).await.unwrap_err();
    assert!(status == 401 && body.contains("the session token has expired"), "{body}");
}

#[tokio::test]
async fn connect_from_a_page_of_another_origin_is_refused() {
    let sockets = Sockets::with([("ALLOWED_ORIGINS", "https://www.example.com")]).await;
    let token = sockets.app.session("alice").await;
    for origin in ["https://evil.example", "http://www.example.com", "https://www.example.com:8443", "null"] {
        assert_eq!(sockets.handshake_of_page(&token, &[("origin", origin)]).await, Err(403), "{origin}");
    }
    assert_eq!(sockets.remembered(), 0);
    let own = [("origin", "http://localhost:4321"), ("host", "localhost:4321")];
    for headers in [&[("origin", "https://www.example.com")][..], &own, &[]] {
        assert_eq!(sockets.handshake_of_page(&token, headers).await, Ok(()), "{headers:?}");
    }
}

#[tokio::test]
async fn connect_as_a_visitor_is_allowed_in_anonymous_mode_only() {
    let open = Sockets::start().await;
    let (token, _) = open.app.visit().await;
    let mut client = open.connect_with(&token).await;
    client.ask("1", &list()).await;
    client.reply("1").await;

    let closed = Sockets::with([("AUTH_MODE", "jwt")]).await;
    assert_eq!(closed.handshake(Some(&format!("chatkit, {token}"))).await.unwrap_err().0, 401);
}

#[tokio::test]
async fn connection_ends_with_its_session_unless_renewed() {
    let sockets = Sockets::start().await;
    let mut client = sockets.connect("alice").await;
    sockets.app.clock.advance(9 * MINUTE);
    let later = sockets.app.session("alice").await;
    let other = sockets.app.session("bob").await;
    sockets.app.clock.advance(MINUTE);

    client.ask("1", &list()).await;
    let error = client.error(Some("1"), "unauthorized").await;
    assert_eq!(error["message"], "the session token has expired, please send a new one as `token`");
    client.ask("2", &create("Hi")).await;
    client.error(Some("2"), "unauthorized").await;
    for token in [other.as_str(), "nonsense", &sockets.app.user_token("alice")] {
        client.send(&json!({ "id": "3", "token": token }).to_string()).await;
        client.error(Some("3"), "unauthorized").await;
    }
    client.ask("4", &list()).await;
    client.error(Some("4"), "unauthorized").await;

    client.send(&json!({ "id": "5", "token": later }).to_string()).await;
    assert_eq!(client.reply("5").await, json!({ "expires_at": App::began() + 19 * 60 }));
    sockets.app.model.then(answer("Hello there"));
    client.ask("6", &create("Hi")).await;
    client.answer().await.events();
    sockets.app.clock.advance(9 * MINUTE);
    client.ask("7", &list()).await;
    client.error(Some("7"), "unauthorized").await;
}

#[tokio::test]
async fn turn_over_a_socket_knows_the_claims_of_the_user() {
    let instructions = [("INSTRUCTIONS", "You help {{ user.name | default('somebody') }}.")];
    let sockets = Sockets::with(instructions).await;
    let claims = json!({ "sub": "alice", "exp": App::began() + 3_600, "name": "Alice #1 %" });
    let token = crate::harness::tokens::user_token(&sockets.app.env, &claims);
    let session = sockets.app.send(post(START, &json!({})).bearer(&token)).await;
    let mut client = sockets.connect_with(&crate::harness::sessions::secret(&session)).await;
    sockets.app.model.then(answer("Hello there"));
    client.ask("1", &create("Hi")).await;
    client.answer().await;
    let asked = sockets.app.model.requests();
    let asked = asked.iter().find(|request| !request.is_title()).unwrap();
    assert_eq!(asked.body["instructions"], "You help Alice #1 %.");
}

#[tokio::test]
async fn turn_over_a_socket_knows_the_languages_of_the_browser() {
    let sockets = Sockets::with([("INSTRUCTIONS", "Speak {{ user.locale }} {{ user.verified.locale }}")]).await;
    let session = sockets.app.session("alice").await;
    let mut client = sockets.connect_as_page(&session, &[("accept-language", "pt-BR, en;q=0.5")]).await.unwrap();
    sockets.app.model.then(answer("Hello there"));
    client.ask("1", &create("Hi")).await;
    client.answer().await;
    let asked = sockets.app.model.requests();
    let asked = asked.iter().find(|request| !request.is_title()).unwrap();
    assert_eq!(asked.body["instructions"], "Speak pt-BR false");
}

#[tokio::test]
async fn request_for_the_thread_of_another_user_is_not_found() {
    let sockets = Sockets::start().await;
    let (mut alice, mut eve) = (sockets.connect("alice").await, sockets.connect("eve").await);
    sockets.app.model.then(answer("A secret"));
    alice.ask("1", &create("My secret")).await;
    let thread = crate::harness::app::thread_id(&alice.answer().await.events());

    let read = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread } });
    eve.ask("1", &read).await;
    eve.error(Some("1"), "not_found").await;
    eve.ask("2", &crate::harness::app::add(&thread, "Hi")).await;
    eve.error(Some("2"), "not_found").await;
    eve.ask("3", &list()).await;
    assert_eq!(eve.reply("3").await["data"], json!([]));
    alice.ask("2", &read).await;
    assert_eq!(alice.reply("2").await["items"]["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn disconnect_removes_the_connection_record() {
    let sockets = Sockets::start().await;
    let client = sockets.connect("alice").await;
    let places = |sockets: &Sockets| {
        let records = sockets.app.dynamo.records("counters");
        let places = records.into_iter().find(|record| record["sk"]["S"] == "sockets");
        places.map(|record| record["open"]["SS"].as_array().map_or(0, Vec::len))
    };
    assert_eq!((sockets.remembered(), places(&sockets)), (1, Some(1)));
    client.leave().await;
    sockets.wait_for_connections(0).await;
    // The place is given up right behind the record.
    sockets.app.dynamo.until("counters", |_| places(&sockets) == Some(0)).await;
    // A message that comes late is nobody's.
    let message = sockets.events().into_iter().find(|event| event["requestContext"]["eventType"] == "CONNECT");
    let mut message = message.unwrap();
    message["requestContext"]["eventType"] = json!("MESSAGE");
    message["body"] = json!(create("Hi").to_string());
    chatkit_socket::handle(sockets.function.clone(), message).await.unwrap();
    assert_eq!(sockets.app.model.requests().len(), 0);
}
