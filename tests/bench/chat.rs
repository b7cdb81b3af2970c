//! A browser's requests, and what comes back.

use std::time::Instant;

use futures_util::StreamExt;
use reqwest::{Client, Response};
use serde_json::Value;

use crate::harness::app::{add, create};

/// An answer and when each piece of it was here.
#[derive(Default)]
pub(crate) struct Received(Vec<(Instant, Vec<u8>)>);

/// A connection of one user to a server.
pub(crate) struct Browser<'a> {
    client: Client,
    url: &'a str,
    user: String,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(url: &'a str, user: impl Into<String>) -> Self {
        Self { client: Client::builder().tcp_nodelay(true).no_proxy().build().unwrap(), url, user: user.into() }
    }

    /// A first turn.
    pub(crate) async fn create(&self) -> Received {
        self.send(&create("What time is it?")).await
    }

    /// A further turn.
    pub(crate) async fn add(&self, thread_id: &str) -> Received {
        self.send(&add(thread_id, "And now?")).await
    }

    async fn send(&self, operation: &Value) -> Received {
        let request = self.client.post(format!("{}/chatkit", self.url));
        let request = request.header("x-user-id", &self.user).header("content-type", "application/json");
        Received::read(request.body(operation.to_string()).send().await.unwrap()).await
    }
}

impl Received {
    /// Reads to the end.
    pub(crate) async fn read(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        let mut received = Self::default();
        let mut body = response.bytes_stream();
        while let Some(piece) = body.next().await {
            received.push(&piece.unwrap());
        }
        received
    }

    /// A piece that is here now.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        self.0.push((Instant::now(), piece.to_vec()));
    }

    /// All of it.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.iter().flat_map(|(_, piece)| piece.clone()).collect()).unwrap()
    }

    /// The events, each with the moment at which its last byte was here.
    pub(crate) fn events(self) -> Vec<(Instant, Value)> {
        let mut events = Vec::new();
        let mut line = Vec::new();
        for (arrived, piece) in self.0 {
            for byte in piece {
                // Zeros end the head of a function's answer.
                if byte == b'\0' {
                    line.clear();
                    continue;
                }
                if byte != b'\n' {
                    line.push(byte);
                    continue;
                }
                if let Some(data) = line.strip_prefix(b"data: ") {
                    events.push((arrived, serde_json::from_slice(data).unwrap()));
                }
                line.clear();
            }
        }
        events
    }
}

/// The thread that a first turn began.
pub(crate) fn thread_id(events: &[(Instant, Value)]) -> String {
    events[0].1["thread"]["id"].as_str().unwrap().to_owned()
}

/// Whether a turn was answered to its end.
pub(crate) fn is_whole(events: &[(Instant, Value)]) -> bool {
    let is_answer = |event: &Value| event["type"] == "thread.item.done" && event["item"]["type"] == "assistant_message";
    events.iter().any(|(_, event)| is_answer(event)) && events.iter().all(|(_, event)| event["type"] != "error")
}

/// A word of the model's, in an event of either side.
pub(crate) fn word(event: &Value) -> Option<&str> {
    event["delta"].as_str().or_else(|| event["update"]["delta"].as_str())
}
