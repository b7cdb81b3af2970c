//! The answer of an endpoint: text, JSON or an event stream, as a stream of effects.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use reqwest::Response;
use serde_json::Value;
use tokio::time::{Instant, Sleep, sleep_until};

use super::effect::EffectChecks;
use super::{Effect, EndpointError, Expects, Output};
use crate::https::{at_most, event_data};
use crate::protocol::Object;

/// The effects of an answer, as they come. Ends with the answer or with the first error, which may be the timeout of
/// the call.
pub struct EffectStream(Option<Running>);

struct Running {
    effects: Pin<Box<dyn Stream<Item = Result<Effect, EndpointError>> + Send>>,
    deadline: Pin<Box<Sleep>>,
}

impl EffectStream {
    pub(super) fn new(
        effects: impl Stream<Item = Result<Effect, EndpointError>> + Send + 'static,
        deadline: Instant,
    ) -> Self {
        Self(Some(Running { effects: Box::pin(effects), deadline: Box::pin(sleep_until(deadline)) }))
    }
}

impl Stream for EffectStream {
    type Item = Result<Effect, EndpointError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(Running { effects, deadline }) = &mut self.0 else { return Poll::Ready(None) };
        let next = if deadline.as_mut().poll(context).is_ready() {
            Some(Err(EndpointError::TimedOut))
        } else {
            ready!(effects.as_mut().poll_next(context))
        };
        if !matches!(next, Some(Ok(_))) {
            // This closes the connection.
            self.0 = None;
        }
        Poll::Ready(next)
    }
}

impl fmt::Debug for EffectStream {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("EffectStream").finish_non_exhaustive()
    }
}

type Effects = BoxStream<'static, Result<Effect, EndpointError>>;

/// The effects of an answer, of which at most `max_bytes` are read, whatever its `content-length` says.
pub(super) fn effects(response: Response, expects: Expects, max_bytes: usize) -> Effects {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_empty = response.status() == StatusCode::NO_CONTENT;
    let chunks = response.bytes_stream().map_err(|_| EndpointError::Malformed("breaks off"));
    let body = at_most(chunks, max_bytes, || EndpointError::TooLarge).boxed();
    let mut checks = EffectChecks::default();
    let effects: Effects = match media_type.as_str() {
        "text/event-stream" => {
            event_data(body, || EndpointError::Malformed("is not an event stream")).map(|data| in_event(&data?)).boxed()
        }
        "application/json" => document(body, move |text| in_json(&text, expects)),
        "text/plain" => document(body, move |text| in_text(text, expects)),
        _ if is_empty => document(body, move |text| in_text(text, expects)),
        _ => failed("has a content type other than `text/plain`, `application/json` and `text/event-stream`"),
    };
    effects.map(move |effect| checks.check(effect?)).boxed()
}

/// The effects of an answer that must be complete before it is read.
fn document(
    body: BoxStream<'static, Result<Bytes, EndpointError>>,
    read: impl FnOnce(String) -> Result<Vec<Effect>, EndpointError> + Send + 'static,
) -> Effects {
    let effects = async {
        let text = String::from_utf8(body.map_ok(Vec::from).try_concat().await?).map_err(|_| NOT_UTF8)?;
        Ok(stream::iter(read(text)?.into_iter().map(Ok)))
    };
    stream::once(effects).try_flatten().boxed()
}

fn failed(why: &'static str) -> Effects {
    stream::once(async move { Err(EndpointError::Malformed(why)) }).boxed()
}

fn in_text(text: String, expects: Expects) -> Result<Vec<Effect>, EndpointError> {
    match expects {
        Expects::Output => Ok(vec![Effect::Output { output: Output::Text(text) }]),
        Expects::Effects if text.is_empty() => Ok(Vec::new()),
        Expects::Effects => Err(EndpointError::Malformed("to an action is a text")),
    }
}

/// `{"output": …, "effects": […]}`, or a tool's bare output.
fn in_json(text: &str, expects: Expects) -> Result<Vec<Effect>, EndpointError> {
    let value: Value = serde_json::from_str(text).map_err(|_| EndpointError::Malformed("is not JSON"))?;
    match (value, expects) {
        (Value::Object(mut fields), _) if is_envelope(&fields, expects) => {
            let effects = fields.remove("effects").unwrap_or_else(|| Value::Array(Vec::new()));
            let mut effects: Vec<Effect> = serde_json::from_value(effects).map_err(|_| UNKNOWN)?;
            let output = fields.remove("output").map(Output::from);
            effects.extend(output.map(|output| Effect::Output { output }));
            Ok(effects)
        }
        (value, Expects::Output) => Ok(vec![Effect::Output { output: value.into() }]),
        (_, Expects::Effects) => Err(EndpointError::Malformed("to an action is not `{\"effects\": […]}`")),
    }
}

fn is_envelope(fields: &Object, expects: Expects) -> bool {
    let known = |name: &String| matches!(name.as_str(), "output" | "effects");
    fields.keys().all(known) && (!fields.is_empty() || expects == Expects::Effects)
}

fn in_event(data: &str) -> Result<Effect, EndpointError> {
    serde_json::from_str(data).map_err(|_| UNKNOWN)
}

const UNKNOWN: EndpointError = EndpointError::Malformed("has something that is not an effect");

const NOT_UTF8: EndpointError = EndpointError::Malformed("is not UTF-8");
