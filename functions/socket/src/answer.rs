//! An answer on its way to a connection, frame by frame.

use std::pin::pin;
use std::time::Duration;

use chatkit_shared::http::Error;
use chatkit_shared::protocol::Event;
use chatkit_shared::telemetry::chain;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::App;
use crate::calls::{CallError, ONCE, PERSISTENT};
use crate::frame::Frames;
use crate::unavailable;

/// Between the beginnings of two frames of an answer: at most 20 a second, as each one costs. What a model writes
/// meanwhile goes along with the next one.
const PACE: Duration = Duration::from_millis(50);
/// How long nothing is sent at most. Many proxies end a connection that is silent for a minute, API Gateway does after
/// ten; and a client that hears nothing for longer knows that nobody is at its request any more.
pub(crate) const SILENCE: Duration = Duration::from_secs(20);

/// The answer to one request.
pub(crate) struct Answer<'a> {
    app: &'a App,
    connection: &'a str,
    request_id: &'a str,
    frames: Frames,
    /// Before this no frame is sent.
    earliest: Instant,
    /// Then at the latest there is a sign of life.
    latest: Instant,
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
    /// To the request that the client has given this id, if any, and we the other one.
    pub(crate) fn new(app: &'a App, connection: &'a str, id: Option<String>, request_id: &'a str) -> Self {
        let now = Instant::now();
        let (frames, latest) = (Frames::of(id), now + app.silence);
        Self { app, connection, request_id, frames, earliest: now, latest, reader: Reader::Listening }
    }

    /// Waits for what is to be answered, with signs of life.
    pub(crate) async fn wait_for<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        loop {
            match timeout_at(self.latest, work.as_mut()).await {
                Ok(done) => return done,
                Err(_) => self.ping().await,
            }
        }
    }

    /// Events as they come, and the end. Returns after the last one in any case: what makes them runs only as long as
    /// this invocation does.
    pub(crate) async fn events(&mut self, mut events: UnboundedReceiver<Event>) {
        while let Some(first) = self.wait_for(events.recv()).await {
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
        let done = self.frames.done();
        self.try_again(done).await;
    }

    /// A whole answer.
    pub(crate) async fn reply(&mut self, reply: &impl Serialize) {
        let frames = self.frames.reply(reply);
        self.send(frames).await;
        if self.reader == Reader::Lost {
            let error = self.body(&unavailable());
            let error = self.frames.error(&error);
            self.try_again(error).await;
        }
    }

    /// A refusal, in the shape it has over HTTP; what stands in the status or a header there is a field here.
    pub(crate) async fn error(&mut self, error: &Error) {
        let body = self.body(error);
        let frames = self.frames.error(&body);
        self.send(frames).await;
    }

    /// The end of an answer that another invocation has begun, nobody knows how far.
    pub(crate) async fn broken(&mut self, error: &Error) {
        let body = self.body(error);
        let frame = self.frames.broken(&body);
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

    /// A sign of life. Nothing is missing where it does not arrive, so it is sent once.
    async fn ping(&mut self) {
        self.latest = Instant::now() + self.app.silence;
        if self.reader == Reader::Listening {
            let ping = self.frames.ping();
            if let Err(CallError::Gone) = self.app.calls.push(self.connection, ping, ONCE).await {
                self.gone().await;
            }
        }
    }

    /// Sends the last frames, also to a client that one before has not reached.
    async fn try_again(&mut self, frames: Vec<String>) {
        if self.reader != Reader::Gone {
            self.reader = Reader::Listening;
            self.send(frames).await;
        }
    }

    /// Sends frames one after the other, so that none overtakes another, up to one that does not arrive.
    async fn send(&mut self, frames: Vec<String>) {
        for frame in frames {
            if self.reader != Reader::Listening {
                return;
            }
            sleep_until(self.earliest).await;
            self.earliest = Instant::now() + PACE;
            let sent = self.app.calls.push(self.connection, frame, PERSISTENT).await;
            self.latest = Instant::now() + self.app.silence;
            match sent {
                Ok(()) => {}
                Err(CallError::Gone) => self.gone().await,
                Err(error) => {
                    self.reader = Reader::Lost;
                    self.frames.skip();
                    tracing::error!(error = chain(&error), "a frame could not be sent");
                }
            }
        }
    }

    async fn gone(&mut self) {
        self.reader = Reader::Gone;
        self.app.forget(self.connection).await;
    }
}
