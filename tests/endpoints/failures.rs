//! Endpoints that are down, slow, endless or lie, and what is said of that.

use std::time::Duration;

use bytes::Bytes;
use chatkit_shared::endpoints::{Effect, EndpointError, Expects, Output};
use futures_util::{StreamExt, stream};
use serde_json::json;

use super::{call, collect, effects, endpoint, error};
use crate::harness::site::{Site, answer, raw, status, stream as streamed};

const SSE: &str = "text/event-stream";
const IMPATIENT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn call_to_a_closed_port_is_unreachable() {
    // Nothing listens on a port that was bound and let go.
    let url = raw([]).await;
    tokio::task::yield_now().await;
    let mut down = endpoint(&url);
    for retries in [0, 2] {
        down.retries = retries;
        assert_eq!(error(&down, Expects::Output).await, EndpointError::Unreachable);
    }
    let nowhere = endpoint("https://endpoint.invalid/tools");
    assert_eq!(error(&nowhere, Expects::Output).await, EndpointError::Unreachable);
    // No TLS there.
    let site = Site::new([]).await;
    let wrong = endpoint(&site.url.replace("http:", "https:"));
    assert_eq!(error(&wrong, Expects::Output).await, EndpointError::Unreachable);
}

#[tokio::test]
async fn call_without_an_answer_times_out() {
    let never = || stream::pending::<Result<Bytes, std::io::Error>>();
    let started = |text: &'static str| stream::iter([Ok(Bytes::from(text))]).chain(never());
    for answer in [
        streamed("text/plain", never()),
        streamed("text/plain", started("do")),
        streamed("application/json", started("{")),
        streamed(SSE, never()),
        streamed(SSE, started("data: {\"type\":\"respond\"}\n")),
    ] {
        let site = Site::new([answer]).await;
        let mut slow = endpoint(&site.url);
        slow.timeout = IMPATIENT;
        slow.retries = 5;
        assert_eq!(error(&slow, Expects::Output).await, EndpointError::TimedOut);
        assert_eq!(site.asked().len(), 1, "an answer that has started is not asked for again");
    }
}

#[tokio::test]
async fn call_with_retries_shares_one_timeout() {
    let site = Site::new((0..99).map(|_| status(503))).await;
    let mut down = endpoint(&site.url);
    // Less than the first two pauses together.
    down.timeout = IMPATIENT;
    down.retries = 5;
    assert_eq!(error(&down, Expects::Output).await, EndpointError::TimedOut);
    assert_eq!(site.asked().len(), 2);
}

#[tokio::test]
async fn call_that_times_out_keeps_the_effects_so_far() {
    let event = Bytes::from("data: {\"type\":\"progress_update\",\"text\":\"half\"}\n\n");
    let body = stream::iter([Ok(event)]).chain(stream::pending::<Result<_, std::io::Error>>());
    let site = Site::new([streamed(SSE, body)]).await;
    let mut slow = endpoint(&site.url);
    slow.timeout = IMPATIENT;
    let half = Effect::ProgressUpdate { text: "half".to_owned(), icon: None };
    assert_eq!(collect(call(&slow, Expects::Output)).await, (vec![half], Some(EndpointError::TimedOut)));
}

#[tokio::test]
async fn endpoint_answer_beyond_its_size_is_refused() {
    let letters = |count: usize| "x".repeat(count);
    let site = Site::new([answer("text/plain", letters(4_096)), answer("text/plain", letters(4_097))]).await;
    let at = endpoint(&site.url);
    let most = Effect::Output { output: Output::Text(letters(4_096)) };
    assert_eq!(effects(&at, Expects::Output).await, [most]);
    assert_eq!(error(&at, Expects::Output).await, EndpointError::TooLarge);

    let endless = |text: &str| {
        let chunk = Bytes::from(text.repeat(10));
        stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()))
    };
    for (content_type, text) in [
        ("text/plain", "x"),
        ("application/json", "["),
        (SSE, ": ping\n"),
        (SSE, "data: x"),
        (SSE, "data: x\n"),
        (SSE, "\n"),
    ] {
        let site = Site::new([streamed(content_type, endless(text))]).await;
        assert_eq!(error(&endpoint(&site.url), Expects::Output).await, EndpointError::TooLarge, "{text:?}");
    }
    let respond = "data: {\"type\":\"respond\"}\n\n";
    let site = Site::new([streamed(SSE, endless(respond))]).await;
    let (effects, error) = collect(call(&endpoint(&site.url), Expects::Effects)).await;
    assert_eq!((effects.len(), error), (4_096 / (respond.len() * 10) * 10, Some(EndpointError::TooLarge)));
}

#[tokio::test]
async fn endpoint_answer_with_a_false_length_is_malformed() {
    let breaks_off = EndpointError::Malformed("breaks off");
    let say = |length: &str, body: &str| {
        let text = format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n{body}");
        &*Box::leak(text.into_boxed_str())
    };
    let at = endpoint(&raw([say("5", "done"), say("2", "done"), say("99999999999", "done"), say("-1", "")]).await);
    assert_eq!(error(&at, Expects::Output).await, breaks_off);
    let cut = Effect::Output { output: Output::Text("do".to_owned()) };
    assert_eq!(effects(&at, Expects::Output).await, [cut]);
    assert_eq!(error(&at, Expects::Output).await, breaks_off);
    assert_eq!(error(&at, Expects::Output).await, EndpointError::Unreachable);
    let chunked = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n4\r\ndone\r\n";
    assert_eq!(error(&endpoint(&raw([chunked]).await), Expects::Output).await, breaks_off);
    // An event stream that breaks off has been read so far.
    let events = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
                  1a\r\ndata: {\"type\":\"respond\"}\n\n\r\n";
    let (effects, error) = collect(call(&endpoint(&raw([events]).await), Expects::Effects)).await;
    assert_eq!((effects, error), (vec![Effect::Respond], Some(breaks_off)));
    let no_http = endpoint(&raw(["SSH-2.0-OpenSSH_9.6\r\n"]).await);
    assert_eq!(super::error(&no_http, Expects::Output).await, EndpointError::Unreachable);
}

#[test]
fn endpoint_errors_quote_nothing_of_the_answer() {
    let errors = [
        (EndpointError::Unreachable, "the endpoint cannot be reached", "the service could not be reached"),
        (EndpointError::TimedOut, "the endpoint took too long to answer", "the service took too long to answer"),
        (EndpointError::Status(500), "the endpoint answered with the status 500", "the service answered with an error"),
        (EndpointError::TooLarge, "the endpoint's answer is too large", "the service's answer is too large"),
        (
            EndpointError::Malformed("is not JSON"),
            "the endpoint's answer is not JSON",
            "the service's answer could not be read",
        ),
    ];
    for (error, operator, public) in errors {
        assert_eq!((error.to_string().as_str(), error.public_message()), (operator, public));
    }
    assert_eq!(
        json!({ "error": EndpointError::TimedOut.public_message() })["error"],
        "the service took too long to answer"
    );
}
