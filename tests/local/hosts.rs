//! Which host it answers for, who anyone is who can connect, and how long a request may take to arrive.

use std::time::Duration;

use chatkit_local::arguments::Arguments;
use chatkit_local::server::Server;
use chatkit_shared::env::Env;
use clap::Parser as _;
use reqwest::Client;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

async fn bind(arguments: &[&str], variables: &[(&str, &str)]) -> Server {
    let own = ["chatkit-local", "--port", "0", "--memory"];
    let arguments = Arguments::parse_from(own.iter().chain(arguments));
    Server::bind(&arguments, Env::from_iter(variables.iter().copied())).await.unwrap()
}

/// The server's port, and what keeps it running.
fn run(server: Server) -> (u16, JoinSet<()>) {
    let port = server.address.port();
    let mut running = JoinSet::new();
    running.spawn(server.run(std::future::pending()));
    (port, running)
}

#[tokio::test]
async fn local_server_answers_for_this_machine_only() {
    let (port, _running) = run(bind(&[], &[]).await);
    for (hosts, status) in [
        (["host: localhost"].as_slice(), "200"),
        (&["host: localhost:3000"], "200"),
        (&["host: 127.0.0.1:80"], "200"),
        (&["host: [::1]:3000"], "200"),
        (&["host: evil.example"], "421"),
        (&["host: localhost.evil.example"], "421"),
        (&["host: 127.0.0.1.evil.example:80"], "421"),
        (&["host: 127.0.0.1:80@evil.example"], "421"),
        (&["host: 127.0.0.1@evil.example:80"], "421"),
        (&["host: localhost8"], "421"),
        (&["host: localhost", "host: evil.example"], "421"),
        (&["host: evil.example", "host: localhost"], "421"),
        (&["host: localhost, evil.example"], "421"),
        (&["host: "], "421"),
        (&["host: [::1"], "421"),
    ] {
        let lines: Vec<String> = ["GET /health HTTP/1.1"].iter().chain(hosts).map(|line| (*line).to_owned()).collect();
        let answer = tokio::task::spawn_blocking(move || {
            super::ask(port, &lines.iter().map(String::as_str).collect::<Vec<_>>(), "")
        });
        let answer = answer.await.unwrap();
        assert_eq!(&answer[9..12], status, "{hosts:?}: {answer}");
    }
}

#[tokio::test]
async fn development_beyond_loopback_must_be_asked_for() {
    let off = "users      visitors, and users with a token; `x-user-id` is off, as other machines can connect";
    let on = "users      ANYONE WHO REACHES THIS ADDRESS IS ANY USER: AUTH_MODE has `development`";
    for (variables, status, says) in [([].as_slice(), 401, off), (&[("AUTH_MODE", "development")], 200, on)] {
        let server = bind(&["--host", "0.0.0.0"], variables).await;
        assert!(server.summary.contains(says), "{}", server.summary);
        let (port, _running) = run(server);
        let request = Client::new().get(format!("http://127.0.0.1:{port}/api/usage/me")).header("x-user-id", "alice");
        assert_eq!(request.send().await.unwrap().status(), status);
        // A browser elsewhere could not reach the bucket, and the cookie is for a proxy that speaks TLS.
        let about = Client::new().get(format!("http://127.0.0.1:{port}/playground.json")).send().await.unwrap();
        assert_eq!(about.json::<Value>().await.unwrap()["attachments"]["enabled"], false);
        let start = Client::new().post(format!("http://127.0.0.1:{port}/api/chatkit/start")).send().await.unwrap();
        assert!(start.headers().get("set-cookie").is_none_or(|cookie| cookie.to_str().unwrap().contains("; Secure")));
    }
}

#[tokio::test]
async fn request_that_does_not_arrive_is_given_up() {
    let mut server = bind(&[], &[]).await;
    server.read_timeout = Duration::from_millis(50);
    let (port, _running) = run(server);
    let head = "POST /chatkit HTTP/1.1\r\nhost: localhost\r\nx-user-id: alice\r\ncontent-type: application/json\r\n";
    let requests = [
        String::new(),
        "POST".to_owned(),
        head.to_owned(),
        format!("{head}content-length: 100\r\n\r\n{{"),
        format!("{head}transfer-encoding: chunked\r\n\r\n1\r\n{{\r\n"),
    ];
    let mut open = JoinSet::new();
    for request in requests.into_iter().cycle().take(50) {
        open.spawn(async move {
            let mut socket = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            // Whether it is told or not, the connection ends; a reset is an end, too.
            let _ = socket.read_to_string(&mut answer).await;
            assert!(!answer.starts_with("HTTP/1.1 200"), "{answer}");
        });
    }
    open.join_all().await;
}
