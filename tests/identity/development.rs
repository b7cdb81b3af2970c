//! The local server, over a socket: anybody is whoever they say, as long as they are on the same machine.

use chatkit_local::arguments::Arguments;
use chatkit_local::server::Server;
use chatkit_shared::env::Env;
use clap::Parser as _;
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::harness::tokens::read;

/// A local server that keeps nothing, on a free port. Stops when dropped.
pub(crate) struct Local {
    pub(crate) url: String,
    client: Client,
    _server: JoinSet<()>,
}

impl Local {
    pub(crate) async fn start(env: Env) -> Self {
        let arguments = Arguments::parse_from(["chatkit-local", "--port", "0", "--memory"]);
        let server = Server::bind(&arguments, env).await.unwrap();
        assert!(server.address.ip().is_loopback() && server.address.port() != 0);
        let url = format!("http://{}", server.address);
        let mut running = JoinSet::new();
        running.spawn(async { server.run(std::future::pending()).await });
        Self { url, client: Client::builder().no_proxy().build().unwrap(), _server: running }
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> reqwest::Response {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        request.send().await.unwrap()
    }

    /// Who an answer of `start` is for.
    async fn subject(&self, headers: &[(&str, &str)]) -> String {
        let answer = self.send(Method::POST, "/api/chatkit/start", headers, None).await;
        assert_eq!(answer.status(), StatusCode::OK);
        let body: Value = answer.json().await.unwrap();
        let (_, claims) = read(body["client_secret"].as_str().unwrap());
        claims["sub"].as_str().unwrap().to_owned()
    }
}

#[tokio::test]
async fn local_server_takes_the_user_from_the_header() {
    let local = Local::start(Env::default()).await;
    assert_eq!(local.subject(&[("x-user-id", "ada")]).await, "ada");
    assert_eq!(local.subject(&[("x-user-id", "ada#%")]).await, "ada#%");
    assert!(local.subject(&[]).await.starts_with("vis_"), "without the header it is a visitor");
    let list = json!({ "type": "threads.list", "params": {} });
    let chat = json!({ "message": "Hi there" });
    let answer = local.send(Method::POST, "/api/chat", &[("x-user-id", "ada")], Some(&chat)).await;
    assert_eq!(answer.status(), StatusCode::OK);
    let session = answer.json::<Value>().await.unwrap()["sessionId"].clone();
    let own = local.send(Method::POST, "/chatkit", &[("x-user-id", "ada")], Some(&list)).await;
    assert_eq!(own.json::<Value>().await.unwrap()["data"][0]["id"], session);
    let other = local.send(Method::POST, "/chatkit", &[("x-user-id", "grace")], Some(&list)).await;
    assert_eq!(other.json::<Value>().await.unwrap(), json!({ "data": [], "has_more": false }));
    // A developer may see everything.
    let answer = local.send(Method::GET, "/api/analytics", &[("x-user-id", "ada")], None).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn local_server_with_an_invalid_user_header_answers_unauthorized() {
    let local = Local::start(Env::default()).await;
    for name in ["", &"x".repeat(257), "\u{e9}"] {
        let answer = local.send(Method::GET, "/api/usage/me", &[("x-user-id", name)], None).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name:?}");
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let message = "the header `x-user-id` must have 1 to 256 visible characters";
        let expected = json!({ "error": "unauthorized", "message": message, "request_id": id });
        assert_eq!(answer.json::<Value>().await.unwrap(), expected);
    }
    // What needs nobody's name does not mind.
    let answer = local.send(Method::GET, "/health", &[("x-user-id", "")], None).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

#[tokio::test]
async fn local_server_without_development_mode_ignores_the_header() {
    let env = Env::from_iter([("AUTH_MODE", "jwt"), ("JWT_SECRET", "another secret of more than thirty-two bytes")]);
    let local = Local::start(env).await;
    for path in ["/api/usage/me", "/api/analytics"] {
        let answer = local.send(Method::GET, path, &[("x-user-id", "ada")], None).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn local_server_with_an_invalid_variable_does_not_start() {
    let arguments = Arguments::parse_from(["chatkit-local", "--port", "0", "--memory"]);
    let env = Env::from_iter([("LIMIT_ADDRESS_BURST", "canary")]);
    let error = Server::bind(&arguments, env).await.err().unwrap().to_string();
    assert_eq!(error, "`LIMIT_ADDRESS_BURST` must be a whole number, 0 for no limit");
}
