//! Sends an answer to a connection, frame by frame.

use std::pin::pin;
use std::time::Duration;

use chatkit_shared::engine::Events;
use chatkit_shared::http::Error;
use chatkit_shared::telemetry::chain;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::App;
use crate::calls::{CallError, FRAME_ATTEMPTS, PING_ATTEMPTS};
use crate::frame::Frames;
use crate::unavailable;

/// From one frame with events to the next: each one costs, and counts towards the account's quota of API Gateway. The
/// next frame takes what the model writes meanwhile. The pieces of a large event and the end of an answer do not wait.
const FRAME_INTERVAL: Duration = Duration::from_millis(200);
/// Many proxies close a connection that is silent for a minute, API Gateway after ten; and a client that receives
/// nothing for longer knows that its request has no end.
pub(crate) const PING_INTERVAL: Duration = Duration::from_secs(20);

/// The answer to one request.
pub(crate) struct Answer<'a> {
    app: &'a App,
    connection: &'a str,
    request_id: &'a str,
    frames: Frames,
    next_frame_at: Instant,
    next_ping_at: Instant,
    reader: Reader,
}

/// The client, as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    Listening,
    /// A frame did not reach it. It sees that by the number of the next frame, which is the last.
    Lost,
    /// Its connection is closed.
    Gone,
}

impl<'a> Answer<'a> {
    /// `id` is the client's id of the request, if it gave one; `request_id` is ours.
    pub(crate) fn new(app: &'a App, connection: &'a str, id: Option<String>, request_id: &'a str) -> Self {
        let now = Instant::now();
        let (frames, next_ping_at) = (Frames::of(id), now + app.ping_interval);
        Self { app, connection, request_id, frames, next_frame_at: now, next_ping_at, reader: Reader::Listening }
    }

    /// Waits for the work's result, with pings.
    pub(crate) async fn wait_for<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            match timeout_at(self.next_ping_at, work.as_mut()).await {
                Ok(done) => return done,
                Err(_) => self.ping().await,
            }
        }
    }

    /// Events as they come, and the end. Returns after the last event in any case: the turn runs only as long as this
    /// invocation does.
    pub(crate) async fn events(&mut self, mut events: Events) {
        while let Some(first) = self.wait_for(events.recv()).await {
            if self.reader != Reader::Listening {
                continue;
            }
            let mut batch = vec![first];
            sleep_until(self.next_frame_at).await;
            while let Ok(event) = events.try_recv() {
                batch.push(event);
            }
            let positions: Vec<_> =
                batch.iter().filter_map(|event| Some(event.position.as_ref()?.to_string())).collect();
            let batch: Vec<_> = batch.into_iter().map(|event| event.event).collect();
            let frames = self.frames.events(&batch, &positions);
            self.next_frame_at = Instant::now() + FRAME_INTERVAL;
            self.send(frames).await;
        }
        let done = self.frames.done();
        self.send_last(done).await;
    }

    /// A whole answer.
    pub(crate) async fn reply(&mut self, reply: &impl Serialize) {
        let frames = self.frames.reply(reply);
        self.send(frames).await;
        if self.reader == Reader::Lost {
            let error = self.body(&unavailable());
            let error = self.frames.error(&error);
            self.send_last(error).await;
        }
    }

    /// An error, as over HTTP; the status and the header `Retry-After` are fields here.
    pub(crate) async fn error(&mut self, error: &Error) {
        let body = self.body(error);
        let frames = self.frames.error(&body);
        self.send(frames).await;
    }

    /// The end of an answer of which another invocation has sent an unknown number of frames.
    pub(crate) async fn broken_off(&mut self, error: &Error) {
        let body = self.body(error);
        let frame = self.frames.unnumbered_error(&body);
        self.send(vec![frame]).await;
    }

    fn body(&self, error: &Error) -> Value {
        let mut body = json!({
            "error": error.code.as_str(),
            "message": error.message,
            "request_id": self.request_id,
            "status": error.code.status().as_u16(),
        });
        if let Some(seconds) = error.retry_after_seconds() {
            body["retry_after"] = seconds.into();
        }
        body
    }

    /// A ping that does not arrive is not missed, so it is sent once.
    async fn ping(&mut self) {
        self.next_ping_at = Instant::now() + self.app.ping_interval;
        if self.reader == Reader::Listening {
            let ping = self.frames.ping();
            if let Err(CallError::Gone) = self.app.calls.push(self.connection, ping, PING_ATTEMPTS).await {
                self.gone().await;
            }
        }
    }

    /// Sends the last frames, even if an earlier frame did not reach the client.
    async fn send_last(&mut self, frames: Vec<String>) {
        if self.reader != Reader::Gone {
            self.reader = Reader::Listening;
            self.send(frames).await;
        }
    }

    /// Sends frames one after the other, so that they arrive in their order, up to one that does not arrive.
    async fn send(&mut self, frames: Vec<String>) {
        for frame in frames {
            if self.reader != Reader::Listening {
                return;
            }
            let sent = self.app.calls.push(self.connection, frame, FRAME_ATTEMPTS).await;
            self.next_ping_at = Instant::now() + self.app.ping_interval;
            match sent {
                Ok(()) => {}
                Err(CallError::Gone) => self.gone().await,
                Err(error) => {
                    self.reader = Reader::Lost;
                    self.frames.skip();
                    tracing::error!(error = chain(&error), "could not send a frame");
                }
            }
        }
    }

    async fn gone(&mut self) {
        self.reader = Reader::Gone;
        self.app.forget(self.connection).await;
    }
}
