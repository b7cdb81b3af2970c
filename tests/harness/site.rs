//! A site with an endpoint that answers as it is told.

use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;
use http::HeaderMap;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What calls of a site are signed with: the example of the specification, Standard Webhooks.
pub(crate) const SIGNING_SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// What the site was asked.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Default)]
struct Script {
    answers: VecDeque<Response>,
    asked: Vec<Asked>,
}

/// The site.
pub(crate) struct Site {
    pub(crate) url: String,
    script: Arc<Mutex<Script>>,
}

impl Site {
    /// A site that gives these answers, one to each request, and 404 to any other.
    pub(crate) async fn new(answers: impl IntoIterator<Item = Response>) -> Self {
        let script = Script { answers: answers.into_iter().collect(), asked: Vec::new() };
        let script = Arc::new(Mutex::new(script));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/tools?key=secret", listener.local_addr().unwrap());
        let router = Router::new().fallback(respond).with_state(script.clone());
        background(async { axum::serve(listener, router).await.unwrap() });
        Self { url, script }
    }

    /// What was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap().asked.clone()
    }
}

async fn respond(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let line = format!("{} {}", parts.method, parts.uri);
    let mut script = script.lock().unwrap();
    script.asked.push(Asked { line, headers: parts.headers, body });
    script.answers.pop_front().unwrap_or_else(|| status(404))
}

/// A server that writes these bytes on each connection, one after the other, and closes it. Returns its URL.
pub(crate) async fn raw(answers: impl IntoIterator<Item = &'static str>) -> String {
    let answers: Vec<_> = answers.into_iter().collect();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/tools?key=secret", listener.local_addr().unwrap());
    background(async move {
        for answer in answers {
            let (mut socket, _) = listener.accept().await.unwrap();
            let _ = socket.read(&mut [0; 4_096]).await;
            socket.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    url
}

/// An answer.
pub(crate) fn answer(content_type: &str, body: impl Into<Body>) -> Response {
    Response::builder().header("content-type", content_type).body(body.into()).unwrap()
}

/// An answer with nothing but a status, and a text that must not get out.
pub(crate) fn status(status: u16) -> Response {
    Response::builder().status(status).body(Body::from("a stack trace")).unwrap()
}

/// A JSON answer.
pub(crate) fn json(body: &serde_json::Value) -> Response {
    answer("application/json", body.to_string())
}

/// An answer whose body comes bit by bit.
pub(crate) fn stream<S>(content_type: &str, body: S) -> Response
where
    S: Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static,
{
    answer(content_type, Body::from_stream(body))
}

fn background(work: impl Future<Output: Send> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "a server beside the test")]
    tokio::spawn(work);
}
