//! The answer of an endpoint, in each form that one can have.

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use reqwest::Response;
use serde_json::Value;

use super::check::Checks;
use super::{Effect, EndpointError, Expects, Output};
use crate::https::event_data;
use crate::protocol::Object;

type Effects = BoxStream<'static, Result<Effect, EndpointError>>;

/// What an answer asks for. It has at most `largest` bytes, whatever it says of itself.
pub(super) fn effects(response: Response, expects: Expects, largest: usize) -> Effects {
    let media_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_empty = response.status() == StatusCode::NO_CONTENT;
    let body = body(response, largest);
    let mut checks = Checks::default();
    let effects: Effects = match media_type.as_str() {
        "text/event-stream" => event_data(body, || NOT_UTF8).map(|data| one(&data?)).boxed(),
        "application/json" => document(body, move |text| in_json(&text, expects)),
        "text/plain" => document(body, move |text| in_text(text, expects)),
        _ if is_empty => document(body, move |text| in_text(text, expects)),
        _ => failed("has a content type that is none of `text/plain`, `application/json` and `text/event-stream`"),
    };
    effects.map(move |effect| checks.check(effect?)).boxed()
}

/// The bytes of an answer, until they are too many.
fn body(response: Response, largest: usize) -> BoxStream<'static, Result<Bytes, EndpointError>> {
    let mut left = largest;
    let bounded = move |chunk: reqwest::Result<Bytes>| {
        let chunk = chunk.map_err(|_| EndpointError::Malformed("breaks off"))?;
        left = left.checked_sub(chunk.len()).ok_or(EndpointError::TooLarge)?;
        Ok(chunk)
    };
    response.bytes_stream().map(bounded).boxed()
}

/// The effects of an answer that is read in whole.
fn document(
    body: BoxStream<'static, Result<Bytes, EndpointError>>,
    read: impl FnOnce(String) -> Result<Vec<Effect>, EndpointError> + Send + 'static,
) -> Effects {
    let effects = async {
        let bytes = body.try_fold(Vec::new(), |mut bytes, chunk| async move {
            bytes.extend_from_slice(&chunk);
            Ok(bytes)
        });
        let text = String::from_utf8(bytes.await?).map_err(|_| NOT_UTF8)?;
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

/// One event of a stream.
fn one(data: &str) -> Result<Effect, EndpointError> {
    serde_json::from_str(data).map_err(|_| UNKNOWN)
}

const UNKNOWN: EndpointError = EndpointError::Malformed("has something in it that is no effect");

const NOT_UTF8: EndpointError = EndpointError::Malformed("is not UTF-8");
