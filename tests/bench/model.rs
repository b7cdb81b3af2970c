//! A model that says a number of words at a pace. Each word is the moment at which it was said. Where the assistant has a
//! tool, it is called first.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::serve::ListenerExt;
use futures_util::{Stream, stream};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::harness::model::ModelRequest;
use crate::harness::responses::{
    Event, call_events, completed, created, delta, message_added, message_done, part_added, part_done, text_done, usage,
};

/// How many letters a word has, the space included.
pub(crate) const WORD: usize = 20;

/// What is said to everything but the wish for a title.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Script {
    pub(crate) words: usize,
    /// Before each word.
    pub(crate) pause: Duration,
}

/// The running model. Stops when dropped.
pub(crate) struct Model {
    /// What `OPENAI_BASE_URL` has to be.
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    _server: JoinSet<()>,
}

impl Model {
    /// Starts it; `epoch` is the moment that words are counted from.
    pub(crate) async fn start(script: Script, epoch: Instant) -> Self {
        let answer = move |headers, body| std::future::ready(respond(script, epoch, headers, &body));
        let router = Router::new().route("/v1/responses", post(answer));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let listener = listener.tap_io(|connection| connection.set_nodelay(true).unwrap());
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url: format!("http://{address}/v1"), address, _server: server }
    }
}

fn respond(script: Script, epoch: Instant, headers: HeaderMap, body: &Bytes) -> Response {
    let json = serde_json::from_slice(body).unwrap();
    let request = ModelRequest { path: "/v1/responses".to_owned(), headers, body: json, bytes: body.clone() };
    let last = request.body["input"].as_array().unwrap().last();
    let has_asked = last.is_some_and(|input| input["type"] == "function_call_output");
    if let Some(tool) = request.body["tools"][0]["name"].as_str().filter(|_| !has_asked) {
        let end = completed(usage(100, 0, 10, 0));
        let events = [created("resp_1")].into_iter().chain(call_events("call_1", tool, "{}")).chain([end]);
        return ([(header::CONTENT_TYPE, "text/event-stream")], Body::from(encode(0, events))).into_response();
    }
    let script = if request.is_title() { Script { words: 1, pause: Duration::ZERO } } else { script };
    ([(header::CONTENT_TYPE, "text/event-stream; charset=utf-8")], Body::from_stream(say(script, epoch)))
        .into_response()
}

fn say(script: Script, epoch: Instant) -> impl Stream<Item = Result<Bytes, Infallible>> {
    stream::unfold((0, String::new()), move |(step, mut text)| async move {
        let bytes = match step {
            0 => encode(0, [created("resp_1"), message_added("msg_1"), part_added()]),
            step if step <= script.words => {
                if !script.pause.is_zero() {
                    tokio::time::sleep(script.pause).await;
                }
                let word = format!("{:0width$} ", epoch.elapsed().as_nanos(), width = WORD - 1);
                text.push_str(&word);
                encode(step + 2, [delta(&word)])
            }
            step if step == script.words + 1 => {
                let usage = usage(100, 0, script.words as u64, 0);
                let end = [text_done(&text), part_done(&text), message_done("msg_1", &text), completed(usage)];
                encode(step + 2, end)
            }
            _ => return None,
        };
        Some((Ok(bytes), (step + 1, text)))
    })
}

fn encode(first: usize, events: impl IntoIterator<Item = Event>) -> Bytes {
    events.into_iter().zip(first..).flat_map(|(event, number)| event.encode(number)).collect()
}
