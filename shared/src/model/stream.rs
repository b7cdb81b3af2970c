use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use eventsource_stream::{Event, EventStreamError, Eventsource};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::timeout;

use super::error::{ModelError, ModelErrorKind};
use super::event::{Events, ModelEvent};
use super::translate::{Flow, Translator};
use super::wire::{self, StreamEvent};

/// How much may come without an event in it. The largest events repeat a whole answer, some 100 KB.
const EVENT_BYTES: usize = 4 * 1024 * 1024;
/// How much may come in all, because an open message is kept in memory. OpenAI takes some 300 bytes a token.
const ANSWER_BYTES: usize = 64 * 1024 * 1024;

/// An answer as it comes. Its last item is `Completed`, `Incomplete` or an error; dropping it hangs up.
pub struct ModelStream(BoxStream<'static, Result<ModelEvent, ModelError>>);

impl ModelStream {
    /// Reads the bytes of a Responses API event stream, however they are cut.
    ///
    /// Nothing is read after the event that ends the answer. Silence for longer than `idle_timeout` is an error; a
    /// comment is not silence.
    pub fn new<S>(bytes: S, idle_timeout: Duration) -> Self
    where
        S: Stream<Item = Result<Bytes, ModelError>> + Send + 'static,
    {
        let pending = Arc::new(AtomicUsize::new(0));
        let upstream = guarded(bytes, idle_timeout, Arc::clone(&pending)).eventsource().boxed();
        let reader =
            Reader { upstream: Some(upstream), pending, translator: Translator::default(), ready: Events::new() };
        Self(stream::unfold(Some(reader), Reader::step).boxed())
    }
}

impl fmt::Debug for ModelStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ModelStream").finish_non_exhaustive()
    }
}

impl Stream for ModelStream {
    type Item = Result<ModelEvent, ModelError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

/// The bytes, as long as they come in time and in bounds. `pending` counts those that no event has come out of yet.
fn guarded<S>(
    bytes: S,
    idle_timeout: Duration,
    pending: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, ModelError>> + Send
where
    S: Stream<Item = Result<Bytes, ModelError>> + Send,
{
    stream::unfold((Box::pin(bytes), pending, 0), move |(mut bytes, pending, total)| async move {
        let Ok(chunk) = timeout(idle_timeout, bytes.next()).await else {
            return Some((Err(ModelError::new(ModelErrorKind::TimedOut)), (bytes, pending, total)));
        };
        let chunk = chunk?;
        let length = chunk.as_ref().map_or(0, Bytes::len);
        let total = total + length;
        let is_bounded = pending.fetch_add(length, Ordering::Relaxed) + length <= EVENT_BYTES && total <= ANSWER_BYTES;
        let chunk = if is_bounded { chunk } else { Err(ModelError::broken("it is too large")) };
        Some((chunk, (bytes, pending, total)))
    })
}

struct Reader {
    /// `None` once the answer has ended.
    upstream: Option<BoxStream<'static, Result<Event, EventStreamError<ModelError>>>>,
    pending: Arc<AtomicUsize>,
    translator: Translator,
    ready: Events,
}

impl Reader {
    async fn step(reader: Option<Self>) -> Option<(Result<ModelEvent, ModelError>, Option<Self>)> {
        let mut reader = reader?;
        match reader.next().await.transpose()? {
            Ok(event) => Some((Ok(event), Some(reader))),
            Err(error) => Some((Err(error), None)),
        }
    }

    async fn next(&mut self) -> Result<Option<ModelEvent>, ModelError> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            let Some(upstream) = &mut self.upstream else { return Ok(None) };
            let event = match upstream.next().await {
                Some(Ok(event)) => event,
                // The parser's errors quote what they could not read, so they stay here.
                Some(Err(EventStreamError::Utf8(_))) => return Err(ModelError::broken("it is not UTF-8")),
                Some(Err(EventStreamError::Parser(_))) => return Err(ModelError::broken("it is not an event stream")),
                Some(Err(EventStreamError::Transport(error))) => return Err(error),
                None => return Err(ModelError::broken("it ends before it is whole")),
            };
            self.pending.store(0, Ordering::Relaxed);
            let Some(event) = parse(&event.data)? else { continue };
            if self.translator.accept(event, &mut self.ready)? == Flow::End {
                self.upstream = None;
            }
        }
    }
}

/// The event in the data; `None` if it has no meaning here.
fn parse(data: &str) -> Result<Option<StreamEvent>, ModelError> {
    if data == "[DONE]" {
        return Ok(None);
    }
    if let Ok(event) = serde_json::from_str(data) {
        return Ok(Some(event));
    }
    let value: Value = serde_json::from_str(data).map_err(|_| ModelError::broken("an event is not JSON"))?;
    match &value["error"] {
        // Some event of a form that we do not know. What it should have told, the last events repeat.
        Value::Null => Ok(None),
        // Gateways report errors without a `type`.
        error => Err(ModelError::reported(&wire::Error::deserialize(error).unwrap_or_default())),
    }
}
