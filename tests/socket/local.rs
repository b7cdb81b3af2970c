//! Sockets of the local server, as `cargo run` has them.

use chatkit_shared::env::Env;
use http::Method;
use serde_json::{Value, json};

use crate::harness::app::create;
use crate::harness::socket::Client;
use crate::identity::development::Local;

#[tokio::test]
async fn local_socket_lets_a_visitor_talk_to_the_demo_model() {
    let local = Local::start(Env::default()).await;
    let session = local.send(Method::POST, "/api/chatkit/start", &[], Some(&json!({}))).await;
    let session: Value = session.json().await.unwrap();
    let url = local.url.replacen("http", "ws", 1) + "/ws";
    assert_eq!(Client::connect(&url, Some("chatkit")).await.unwrap_err().0, 401);

    for (headers, status, code) in [
        (&[][..], 400, "bad_request"),
        (
            &[
                ("connection", "upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-version", "13"),
                ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ],
            401,
            "unauthorized",
        ),
    ] {
        let refused = local.send(Method::GET, "/ws", headers, None).await;
        assert_eq!(refused.status(), status);
        assert_eq!(refused.headers()["content-type"], "application/json");
        let body: Value = refused.json().await.unwrap();
        assert_eq!((&body["error"], body.as_object().unwrap().len()), (&json!(code), 3));
    }

    let protocols = format!("chatkit, {}", session["client_secret"].as_str().unwrap());
    let mut client = Client::connect(&url, Some(&protocols)).await.unwrap();
    client.ask("1", &create("Hi")).await;
    let events = client.answer().await.events();
    assert!(events.iter().any(|event| event["item"]["type"] == "assistant_message"), "{events:?}");
}
