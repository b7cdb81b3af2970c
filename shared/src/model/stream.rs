//! An answer as it comes: bytes, then server-sent events, then model events.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use tokio::time::timeout;

use super::config::Api;
use super::error::ModelError;
use super::event::{Events, Flow, ModelEvent};
use super::prompt::Prompt;
use super::{completions, responses};
use crate::https::event_data;

/// How many bytes an answer may have.
#[derive(Clone, Copy)]
struct ByteLimits {
    /// Without an event in them.
    event: usize,
    answer: usize,
}

/// The largest events repeat a whole answer, some 100 KB. All of an answer is limited because an open message is kept
/// in memory; OpenAI takes some 300 bytes a token.
const TEXT_LIMITS: ByteLimits = ByteLimits { event: 4 << 20, answer: 64 << 20 };
/// OpenAI's largest pictures have some 4 MB, a third more in base64, and the last event repeats all of an answer. An
/// event is in memory some six times while it is read, so this takes 100 MB at most of the 512 that `chat` has. What
/// came before is not kept: a few pictures with three earlier states each may come.
const IMAGE_LIMITS: ByteLimits = ByteLimits { event: 16 << 20, answer: 256 << 20 };
/// How long to wait for the token count of an answer that is complete. Servers that count send it at once.
const TOKEN_COUNT_TIMEOUT: Duration = Duration::from_secs(2);

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
        let bytes_since_event = Arc::<AtomicUsize>::default();
        let limits = if prompt.image_tool().is_some() { IMAGE_LIMITS } else { TEXT_LIMITS };
        let bytes = limited(bytes, limits, idle_timeout, Arc::clone(&bytes_since_event));
        let upstream = event_data(bytes, || ModelError::broken("it is not UTF-8")).boxed();
        Self::read(api, prompt, upstream, bytes_since_event)
    }

    /// Reads an answer that has come whole, as JSON.
    pub(super) fn of_whole(api: Api, prompt: &Prompt, body: &[u8]) -> Self {
        let upstream = serde_json::from_slice(body).map_or_else(
            |_| vec![Err(ModelError::broken("it is not JSON"))],
            |document| match api {
                Api::Responses => responses::last_event(&document).map(Ok).into_iter().collect(),
                Api::ChatCompletions => vec![Ok(completions::only_chunk(document)), Ok(completions::DONE.to_owned())],
            },
        );
        Self::read(api, prompt, stream::iter(upstream).boxed(), Arc::default())
    }

    fn read(
        api: Api,
        prompt: &Prompt,
        upstream: BoxStream<'static, Result<String, ModelError>>,
        bytes_since_event: Arc<AtomicUsize>,
    ) -> Self {
        let translator = Translator::new(api, prompt);
        let reader = Reader { upstream: Some(upstream), bytes_since_event, translator, ready: Events::new() };
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

/// The bytes, until they are too many or do not come in time.
fn limited<S>(
    bytes: S,
    limits: ByteLimits,
    idle_timeout: Duration,
    bytes_since_event: Arc<AtomicUsize>,
) -> impl Stream<Item = Result<Bytes, ModelError>> + Send
where
    S: Stream<Item = Result<Bytes, ModelError>> + Send,
{
    stream::unfold((Box::pin(bytes), bytes_since_event, 0), move |(mut bytes, since_event, total)| async move {
        let chunk = match timeout(idle_timeout, bytes.next()).await {
            Ok(chunk) => chunk?,
            Err(elapsed) => Err(ModelError::silence(elapsed)),
        };
        let length = chunk.as_ref().map_or(0, Bytes::len);
        let total = total + length;
        let event_bytes = since_event.fetch_add(length, Ordering::Relaxed) + length;
        let is_within_limits = event_bytes <= limits.event && total <= limits.answer;
        let chunk = if is_within_limits { chunk } else { Err(ModelError::broken("it is too large")) };
        Some((chunk, (bytes, since_event, total)))
    })
}

struct Reader {
    /// The data of each event; `None` once the answer has ended.
    upstream: Option<BoxStream<'static, Result<String, ModelError>>>,
    /// Counted where the bytes come in, reset when the parser makes an event of them.
    bytes_since_event: Arc<AtomicUsize>,
    translator: Translator,
    /// Events that the next reads return.
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
            let is_complete = self.translator.is_complete();
            let data = if is_complete {
                timeout(TOKEN_COUNT_TIMEOUT, upstream.next()).await.unwrap_or_default()
            } else {
                upstream.next().await
            };
            let flow = match data.transpose() {
                Ok(Some(data)) => {
                    self.bytes_since_event.store(0, Ordering::Relaxed);
                    self.translator.accept(&data, &mut self.ready)
                }
                Ok(None) => self.translator.end(&mut self.ready).map(|()| Flow::End),
                Err(error) => Err(error),
            };
            match flow {
                Ok(Flow::Continue) => {}
                Ok(Flow::End) => self.upstream = None,
                // The answer is complete: a failure now only costs its token count.
                Err(_) if is_complete => {
                    self.translator.end(&mut self.ready)?;
                    self.upstream = None;
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// Turns the upstream's events into model events, whichever API it speaks.
enum Translator {
    Responses(responses::Translator),
    ChatCompletions(completions::Translator),
}

impl Translator {
    fn new(api: Api, prompt: &Prompt) -> Self {
        match api {
            Api::Responses => Self::Responses(responses::Translator::new(prompt)),
            Api::ChatCompletions => Self::ChatCompletions(completions::Translator::new(prompt)),
        }
    }

    /// Reads the data of an event of the upstream and adds what it means to `out`; nothing if it is an error.
    fn accept(&mut self, data: &str, out: &mut Events) -> Result<Flow, ModelError> {
        match self {
            Self::Responses(translator) => translator.accept(data, out),
            Self::ChatCompletions(translator) => translator.accept(data, out),
        }
    }

    /// Whether the answer is complete although the stream is not: a failure of the stream does not matter any more.
    const fn is_complete(&self) -> bool {
        match self {
            Self::Responses(_) => false,
            Self::ChatCompletions(translator) => translator.is_complete(),
        }
    }

    /// Handles the end of the stream, which is an error where the answer is not complete.
    fn end(&mut self, out: &mut Events) -> Result<(), ModelError> {
        match self {
            Self::Responses(_) => Err(ModelError::cut_off()),
            Self::ChatCompletions(translator) => translator.end(out),
        }
    }
}
