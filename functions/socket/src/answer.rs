//! An answer on its way to a connection, frame by frame.

use std::time::Duration;

use chatkit_shared::http::Error;
use chatkit_shared::protocol::Event;
use chatkit_shared::telemetry::chain;
use serde::Serialize;
use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};

use crate::App;
use crate::calls::CallError;
use crate::frame::Frames;

/// Between the beginnings of two frames of an answer: at most 20 a second, as each one costs. What a model writes
/// meanwhile goes along with the next one.
const PACE: Duration = Duration::from_millis(50);

/// The answer to one request.
pub(crate) struct Answer<'a> {
    app: &'a App,
    connection: &'a str,
    frames: Frames,
    /// Before this no frame is sent.
    earliest: Instant,
    reader: Reader,
}

/// Who reads an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// The client, as far as is known.
    Listening,
    /// A client that a frame did not reach. It sees that by the number of the next one, the last.
    Lost,
    /// Nobody any more.
    Gone,
}

impl<'a> Answer<'a> {
    pub(crate) fn new(app: &'a App, connection: &'a str, id: Option<String>) -> Self {
        Self { app, connection, frames: Frames::of(id), earliest: Instant::now(), reader: Reader::Listening }
    }

    /// Events as they come, and the end. Returns after the last one in any case: what makes them runs only as long as
    /// this invocation does.
    pub(crate) async fn events(&mut self, mut events: UnboundedReceiver<Event>) {
        while let Some(first) = events.recv().await {
            if self.reader != Reader::Listening {
                continue;
            }
            let mut batch = vec![first];
            sleep_until(self.earliest).await;
            while let Ok(event) = events.try_recv() {
                batch.push(event);
            }
            let frames = self.frames.events(&batch);
            self.send(frames).await;
        }
        if self.reader != Reader::Gone {
            let frames = self.frames.done();
            self.reader = Reader::Listening;
            self.send(frames).await;
        }
    }

    /// A whole answer.
    pub(crate) async fn reply(&mut self, reply: &impl Serialize) {
        let frames = self.frames.reply(reply);
        self.send(frames).await;
    }

    /// A refusal, in the shape it has over HTTP; what stands in a header there is a field here.
    pub(crate) async fn error(&mut self, error: &Error, request_id: &str) {
        let mut body = json!({ "error": error.code.as_str(), "message": error.message, "request_id": request_id });
        if let Some(seconds) = error.retry_after_seconds() {
            body["retry_after"] = seconds.into();
        }
        let frames = self.frames.error(&body);
        self.send(frames).await;
    }

    /// Sends frames one after the other, so that none overtakes another, up to one that does not arrive.
    async fn send(&mut self, frames: Vec<String>) {
        for frame in frames {
            if self.reader != Reader::Listening {
                return;
            }
            sleep_until(self.earliest).await;
            self.earliest = Instant::now() + PACE;
            match self.app.calls.push(self.connection, frame).await {
                Ok(()) => {}
                Err(CallError::Gone) => {
                    self.reader = Reader::Gone;
                    self.app.forget(self.connection).await;
                }
                Err(error) => {
                    self.reader = Reader::Lost;
                    tracing::error!(error = chain(&error), "a frame could not be sent");
                }
            }
        }
    }
}
