use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use eventsource_stream::{Event, EventStreamError, Eventsource};
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::time::timeout;

use super::api::Api;
use super::error::ModelError;
use super::event::{Events, ModelEvent};
use super::lines::whole_lines;
use super::prompt::Prompt;
use super::translator::{Flow, Translator};

/// How much may come without an event in it, and how much in all.
#[derive(Clone, Copy)]
struct Bounds {
    event: usize,
    answer: usize,
}

/// The largest events repeat a whole answer, some 100 KB. All of an answer is bounded because an open message is kept in
/// memory; OpenAI takes some 300 bytes a token.
const TEXT: Bounds = Bounds { event: 4 << 20, answer: 64 << 20 };
/// OpenAI's largest pictures have some 4 MB, a third more in base64, and the last event repeats all of an answer. An
/// event is in memory some six times while it is read, so this takes 100 MB at most of the 512 that `chat` has. What
/// came before is not kept: a few pictures with three earlier states each may come.
const PICTURES: Bounds = Bounds { event: 16 << 20, answer: 256 << 20 };
/// How long the count of its tokens is waited for once an answer is whole. Servers that count send it at once.
const COUNT_PATIENCE: Duration = Duration::from_secs(2);

/// An answer as it comes. Its last item is `Completed`, `Incomplete` or an error; dropping it hangs up.
pub struct ModelStream(BoxStream<'static, Result<ModelEvent, ModelError>>);

impl ModelStream {
    /// Reads the bytes of an event stream of the given API, however they are cut: the answer to this prompt.
    ///
    /// Nothing is read after the event that ends the answer. Silence for longer than `idle_timeout` is an error; a
    /// comment is not silence.
    pub fn new<S>(api: Api, prompt: &Prompt, bytes: S, idle_timeout: Duration) -> Self
    where
        S: Stream<Item = Result<Bytes, ModelError>> + Send + 'static,
    {
        let pending = Arc::new(AtomicUsize::new(0));
        let bounds = if prompt.image_tool().is_some() { PICTURES } else { TEXT };
        let guarded = guarded(bytes, bounds, idle_timeout, Arc::clone(&pending));
        let upstream = whole_lines(guarded).eventsource().boxed();
        let translator = Translator::new(api, prompt);
        let reader = Reader { upstream: Some(upstream), pending, translator, ready: Events::new() };
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
    bounds: Bounds,
    idle_timeout: Duration,
    pending: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, ModelError>> + Send
where
    S: Stream<Item = Result<Bytes, ModelError>> + Send,
{
    stream::unfold((Box::pin(bytes), pending, 0), move |(mut bytes, pending, total)| async move {
        let chunk = match timeout(idle_timeout, bytes.next()).await {
            Ok(chunk) => chunk?,
            Err(elapsed) => Err(ModelError::silence(elapsed)),
        };
        let length = chunk.as_ref().map_or(0, Bytes::len);
        let total = total + length;
        let pending_bytes = pending.fetch_add(length, Ordering::Relaxed) + length;
        let is_bounded = pending_bytes <= bounds.event && total <= bounds.answer;
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
            let is_whole = self.translator.is_whole();
            let event = if is_whole {
                timeout(COUNT_PATIENCE, upstream.next()).await.unwrap_or_default()
            } else {
                upstream.next().await
            };
            let flow = match event.transpose().map_err(broken) {
                Ok(Some(event)) => {
                    self.pending.store(0, Ordering::Relaxed);
                    self.translator.accept(&event.data, &mut self.ready)
                }
                Ok(None) => self.translator.end(&mut self.ready).map(|()| Flow::End),
                Err(error) => Err(error),
            };
            match flow {
                Ok(Flow::Continue) => {}
                Ok(Flow::End) => self.upstream = None,
                // What fails behind a whole answer costs no more than its count.
                Err(_) if is_whole => {
                    self.translator.end(&mut self.ready)?;
                    self.upstream = None;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// The parser's errors quote what they could not read, so they stay here.
fn broken(error: EventStreamError<ModelError>) -> ModelError {
    match error {
        EventStreamError::Utf8(_) => ModelError::broken("it is not UTF-8"),
        EventStreamError::Parser(_) => ModelError::broken("it is not an event stream"),
        EventStreamError::Transport(error) => error,
    }
}
