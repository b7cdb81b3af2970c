//! Sockets of the local server, as `cargo run` has them.

use chatkit_local::arguments::Arguments;
use chatkit_local::server::Server;
use chatkit_shared::env::Env;
use clap::Parser;
use serde_json::{Value, json};

use crate::harness::app::create;
use crate::harness::socket::Client;

#[tokio::test]
async fn a_visitor_talks_to_the_demo_model() {
    let arguments = Arguments::parse_from(["chatkit-local", "--memory", "--port", "0"]);
    let server = Server::bind(&arguments, Env::default()).await.unwrap();
    let address = server.address;
    #[expect(clippy::disallowed_methods, reason = "the server of this test")]
    tokio::spawn(server.run(std::future::pending()));

    let start = reqwest::Client::new().post(format!("http://{address}/api/chatkit/start")).json(&json!({}));
    let session: Value = start.send().await.unwrap().json().await.unwrap();
    let protocols = format!("chatkit, {}", session["client_secret"].as_str().unwrap());
    let url = format!("ws://{address}/ws");
    assert_eq!(Client::connect(&url, Some("chatkit")).await.unwrap_err().0, 401);
    let mut client = Client::connect(&url, Some(&protocols)).await.unwrap();
    client.ask("1", &create("Hi")).await;
    let events = client.answer().await.events();
    assert!(events.iter().any(|event| event["item"]["type"] == "assistant_message"), "{events:?}");
}
