//! Answers that are read bit by bit, or not to their end.

use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;

use super::app::{App, chatkit, event_and_position};

/// A streamed answer on its way. Dropping it is what a client does that leaves.
pub(crate) struct Live {
    body: Body,
    text: String,
    read: usize,
    /// Where the client is: the id of the last event.
    pub(crate) position: Option<String>,
}

impl App {
    /// Sends a request and returns when the answer begins.
    pub(crate) async fn begin(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.unwrap()
    }

    /// A streaming operation of a user, as far as the head of its answer.
    pub(crate) async fn live(&self, user: &str, operation: &Value) -> Live {
        Live::of(self.begin(chatkit(user, operation)).await)
    }

    /// Waits until so many turns have written down what they used, and `holds` is true of the threads' records: a
    /// turn that nobody listens to has no other end that a test could wait for.
    pub(crate) async fn settled(&self, turns: usize, holds: impl Fn(&[Value]) -> bool) {
        let ended = |usage: &[Value]| {
            let ended = usage.iter().filter(|record| record["sk"]["S"].as_str().unwrap().starts_with("R#")).count();
            assert!(ended <= turns, "{ended} turns have ended");
            ended == turns
        };
        self.dynamo.until("threads", |threads| ended(&self.dynamo.records("usage")) && holds(threads)).await;
    }
}

impl Live {
    pub(crate) fn of(response: Response<Body>) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        Self { body: response.into_body(), text: String::new(), read: 0, position: None }
    }

    /// The next event; none when the answer has ended.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.text[self.read..].find("\n\n") {
                let (event, position) = event_and_position(&self.text[self.read..self.read + end]);
                self.position = position.or(self.position.take());
                self.read += end + 2;
                return Some(event);
            }
            let Some(frame) = self.body.frame().await else {
                assert_eq!(&self.text[self.read..], "", "an answer ends with a whole event");
                return None;
            };
            self.text.push_str(std::str::from_utf8(frame.unwrap().data_ref().unwrap()).unwrap());
        }
    }

    /// The next event of a kind; those before it are passed over.
    pub(crate) async fn until(&mut self, kind: &str) -> Value {
        loop {
            let event = self.next().await.unwrap_or_else(|| panic!("no `{kind}` in {}", self.text));
            if event["type"] == kind {
                return event;
            }
        }
    }

    /// The whole text of the answer.
    pub(crate) async fn end(mut self) -> String {
        while self.next().await.is_some() {}
        self.text
    }

    /// All events that are left.
    pub(crate) async fn rest(mut self) -> Vec<Value> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            events.push(event);
        }
        events
    }
}
