//! Server-sent events as ChatKit's client reads them.

use std::convert::Infallible;
use std::future::ready;
use std::io::{self, Write};
use std::time::Duration;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::{once, unfold};
use futures_util::{Stream, StreamExt};
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;
use tokio_stream::wrappers::UnboundedReceiverStream;

use crate::engine::{Events, Position, RunEvent};
use crate::protocol::{ErrorCode, Event};

/// One line that clients ignore. A *single* newline: with two, ChatKit's parser would see an event without data. It
/// merges with the event that follows.
const KEEP_ALIVE: Bytes = Bytes::from_static(b": ping\n");

/// Early, so that proxies and the page see that an answer comes.
const FIRST_KEEP_ALIVE_AFTER: Duration = Duration::from_secs(1);

const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Events that are there at the same time go out together. None waits for another.
const MAX_EVENTS_A_WRITE: usize = 64;

const TYPICAL_EVENT_BYTES: usize = 256;

/// An event: `data: {json}` and an empty line.
pub fn encode(event: &impl Serialize) -> Bytes {
    let mut bytes = Vec::new();
    encode_into(&mut bytes, event, None);
    Bytes::from(bytes)
}

/// An event with the position behind it as its id. The id comes last, since ChatKit's transport takes an id at its
/// line: with the id first, an event that is cut before its data would count as seen.
fn encode_into(bytes: &mut Vec<u8>, event: &impl Serialize, position: Option<&Position>) {
    bytes.extend_from_slice(b"data: ");
    let start = bytes.len();
    if event.serialize(&mut Serializer::with_formatter(&mut *bytes, OneLine)).is_err() {
        // Does not happen: event types have string keys only. A stream has no other way to report it.
        bytes.truncate(start);
        let error = Event::Error { code: ErrorCode::StreamError, message: None, allow_retry: true };
        let _ = serde_json::to_writer(&mut *bytes, &error);
    }
    bytes.push(b'\n');
    if let Some(position) = position {
        // Writing to memory cannot fail.
        let _ = writeln!(bytes, "id: {position}");
    }
    bytes.push(b'\n');
}

/// JSON without the characters that Unicode, but not the standard of server-sent events, takes for the end of a line:
/// some clients would cut an event there.
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, writer: &mut W, mut text: &str) -> io::Result<()> {
        while let Some((at, end)) = text.char_indices().find(|(_, c)| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}')) {
            writer.write_all(&text.as_bytes()[..at])?;
            write!(writer, "\\u{:04x}", u32::from(end))?;
            text = &text[at + end.len_utf8()..];
        }
        writer.write_all(text.as_bytes())
    }
}

/// An answer that streams the events of a run.
pub fn response(events: Events) -> Response {
    let events = UnboundedReceiverStream::new(events).ready_chunks(MAX_EVENTS_A_WRITE);
    stream(events.map(|events| {
        let mut bytes = Vec::with_capacity(events.len() * TYPICAL_EVENT_BYTES);
        for event in events {
            let RunEvent { position, event } = *event;
            encode_into(&mut bytes, &event, position.as_ref());
        }
        Bytes::from(bytes)
    }))
}

/// An answer of one event.
pub fn only(event: &Event) -> Response {
    stream(once(ready(encode(event))))
}

/// Whether the client asks for events by name, as ChatKit's does.
pub fn is_accepted(headers: &HeaderMap) -> bool {
    let ranges = headers.get_all(ACCEPT).into_iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).any(|range| {
        let range = range.split(';').next().unwrap_or_default().trim();
        range.eq_ignore_ascii_case("text/event-stream")
    })
}

/// An answer that streams encoded events. The body cannot fail: on Lambda an error would be written *into* the body as
/// text.
pub fn stream(chunks: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let body = Body::from_stream(keep_alive(chunks).map(Ok::<_, Infallible>));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        // nginx and other proxies would otherwise buffer the whole answer.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}

fn keep_alive(chunks: impl Stream<Item = Bytes> + Send + 'static) -> impl Stream<Item = Bytes> + Send + 'static {
    unfold((Box::pin(chunks), FIRST_KEEP_ALIVE_AFTER), |(mut chunks, wait)| async move {
        match tokio::time::timeout(wait, chunks.next()).await {
            Ok(chunk) => Some((chunk?, (chunks, KEEP_ALIVE_INTERVAL))),
            Err(_) => Some((KEEP_ALIVE, (chunks, KEEP_ALIVE_INTERVAL))),
        }
    })
}
