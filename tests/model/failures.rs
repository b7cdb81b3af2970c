//! Each way in which a model fails, and that nothing it says about it gets out.

use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use chatkit_shared::model::{Api, Model, ModelConfig, ModelError, ModelErrorKind, ModelEvent, ModelStream, Upstream};
use futures_util::{StreamExt, stream};
use serde_json::json;
use tokio::net::TcpSocket;

use super::translation::{added, started, text};
use super::{failure, prompt};
use crate::harness::model::{Answer, ScriptedModel};
use crate::harness::outside::client;
use crate::harness::responses::{
    Event, LEAK, completed, created, delta, error, failed, message_added, sse, upstream_error,
};

/// The error as a log has it: its text and its sources', which must not repeat the upstream.
pub(super) fn logged(error: &ModelError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    assert!(!format!("{text} {error:?}").contains(LEAK), "{error:?}");
    text
}

#[tokio::test]
async fn status_of_each_kind_has_its_error_kind() {
    use ModelErrorKind::*;
    let limited = |retry_after: Option<u64>| RateLimited { retry_after: retry_after.map(Duration::from_secs) };
    let invalid = "invalid_request_error";
    for (answer, kind) in [
        (upstream_error(401, invalid, "invalid_api_key"), Unauthorized),
        (upstream_error(403, invalid, "unsupported_country_region_territory"), Unauthorized),
        (upstream_error(402, "", ""), QuotaExceeded),
        (upstream_error(429, "tokens", "rate_limit_exceeded"), limited(None)),
        (upstream_error(429, "tokens", "rate_limit_exceeded").header("retry-after", "20"), limited(Some(20))),
        (upstream_error(429, "", "").header("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT"), limited(None)),
        (upstream_error(503, "", "slow_down"), limited(None)),
        (upstream_error(429, "insufficient_quota", "insufficient_quota"), QuotaExceeded),
        (upstream_error(429, "insufficient_quota", "project_spend_limit_exceeded"), QuotaExceeded),
        (upstream_error(400, invalid, "context_length_exceeded"), ContextTooLong),
        (upstream_error(413, "", ""), ContextTooLong),
        (upstream_error(400, invalid, "invalid_prompt"), Refused),
        (upstream_error(400, invalid, "content_policy_violation"), Refused),
        (upstream_error(400, invalid, "unsupported_parameter"), Rejected),
        (upstream_error(404, invalid, "model_not_found"), Rejected),
        (upstream_error(307, "", "").header("location", "/elsewhere"), Rejected),
        (upstream_error(504, "", ""), TimedOut),
        (upstream_error(500, "server_error", ""), Unavailable),
        (Answer::with(500, "text/html", format!("<h1>{LEAK}</h1>")), Unavailable),
        (Answer::with(400, "application/json", json!({"error": LEAK}).to_string()), Rejected),
        (
            Answer::with(500, "application/json", json!({"error": {"code": LEAK, "type": LEAK}}).to_string()),
            Unavailable,
        ),
    ] {
        let (events, error) = failure(answer).await;
        logged(&error);
        assert_eq!((events, error.kind), (Vec::new(), kind), "{error}");
    }
}

#[tokio::test]
async fn error_keeps_codes_for_the_log_and_a_sentence_for_the_user() {
    let (_, error) = failure(upstream_error(400, "invalid_request_error", "context_length_exceeded")).await;
    assert_eq!(
        error.upstream,
        Upstream {
            status: Some(400),
            code: Some("context_length_exceeded".to_owned()),
            kind: Some("invalid_request_error".to_owned()),
            request_id: Some("req_upstream".to_owned()),
        }
    );
    assert_eq!(
        logged(&error),
        "the prompt is too long for the model, status 400, code `context_length_exceeded`, \
         type `invalid_request_error`, request `req_upstream`"
    );
    assert!(!error.retryable());
}

#[tokio::test]
async fn failure_inside_a_stream_comes_after_the_text_before_it() {
    use ModelErrorKind::*;
    let limited = RateLimited { retry_after: None };
    let nested = |code: &str| json!({"code": code, "type": "some_error", "message": LEAK});
    for (event, kind) in [
        (failed("server_error"), Unavailable),
        (failed("rate_limit_exceeded"), limited),
        (failed("invalid_prompt"), Refused),
        (failed("something_new"), Unavailable),
        (failed("").response("error", json!(null)), Unavailable),
        (error("context_length_exceeded"), ContextTooLong),
        (error("").set("error", nested("insufficient_quota")), QuotaExceeded),
        (error("").set("error", json!({"type": "invalid_request_error", "code": null})), Rejected),
        (error("").set("error", json!(LEAK)), Unavailable),
        (Event::new(json!({"error": nested("slow_down")})), limited),
        (Event::new(json!({"error": {"code": 429, "message": LEAK}})), limited),
    ] {
        let answer = sse([created("resp_1"), message_added("msg_1"), delta("Hel"), event, completed(json!(null))]);
        let (events, error) = failure(answer).await;
        logged(&error);
        let said = vec![started(0, "msg_1"), added(0, 0), text(0, 0, "Hel")];
        assert_eq!((events, error.kind), (said, kind), "{error}");
    }
}

#[tokio::test]
async fn response_that_is_no_answer_is_broken() {
    let stream = "text/event-stream";
    for (answer, what) in [
        (Answer::with(200, stream, ""), "it ends before it is whole"),
        (Answer::with(200, stream, "data: [DONE]\n\n"), "it ends before it is whole"),
        (Answer::with(200, stream, "no field\n\n\0\u{fffd}"), "it ends before it is whole"),
        (sse([created("resp_1")]).bytes("data: {\"type\":\"response.comp"), "it ends before it is whole"),
        (Answer::with(200, stream, format!("data: {LEAK}\n\n")), "an event is not JSON"),
        (Answer::with(200, stream, format!("data: {{\"type\":\"{LEAK}\"\n\n")), "an event is not JSON"),
        (Answer::with(200, stream, &b"data: \xff\xff\n\n"[..]), "it is not UTF-8"),
        (Answer::with(200, "text/html", format!("<h1>{LEAK}</h1>")), "it is not an event stream"),
        (Answer::with(200, "application/json", "{}"), "it ends before it is whole"),
        (Answer::with(200, "application/json", "<p>"), "it is not JSON"),
        (Answer::with(200, stream, format!("data: \"{}\"\n\n", "x".repeat(5 << 20))), "it is too large"),
    ] {
        let (events, error) = failure(answer).await;
        logged(&error);
        assert_eq!((events, error.kind), (Vec::<ModelEvent>::new(), ModelErrorKind::Broken(what)));
        assert!(error.retryable());
    }
}

#[tokio::test]
async fn stream_of_endless_comments_is_too_large() {
    let comments = stream::repeat_with(|| Ok(Bytes::from(format!(": {}\n", "x".repeat(100_000)))));
    let mut stream = ModelStream::new(Api::Responses, &prompt(), comments, Duration::from_secs(20));
    let error = stream.next().await.unwrap().unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Broken("it is too large"));
}

#[tokio::test]
async fn connection_that_breaks_keeps_the_events_before() {
    let (events, error) = failure(sse([message_added("msg_1"), delta("Hel")]).bytes("data: {\"ty").abort()).await;
    assert_eq!(events, [started(0, "msg_1"), added(0, 0), text(0, 0, "Hel")]);
    assert_eq!(error.kind, ModelErrorKind::Unavailable);
    assert!(error.source().is_some());
    logged(&error);
}

#[tokio::test]
async fn connection_that_is_refused_is_unavailable() {
    // Bound, so that no other test gets the port, but not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let url = format!("http://{}/v1", socket.local_addr().unwrap());
    let config = ModelConfig::new(url.parse().unwrap(), None);
    let error = Model::new(&config, client()).stream(&prompt()).await.unwrap_err();
    assert_eq!(error.kind, ModelErrorKind::Unavailable);
    assert!(logged(&error).starts_with("the model cannot be reached or has failed: "), "{error}");
}

#[tokio::test]
async fn stream_that_is_silent_times_out() {
    let upstream = ScriptedModel::start().await;
    upstream.then(sse([message_added("msg_1")]).hang());
    let config = ModelConfig { idle_timeout: Duration::from_millis(50), ..upstream.config() };
    let model = Model::new(&config, client());
    let mut stream = model.stream(&prompt()).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), started(0, "msg_1"));
    assert_eq!(stream.next().await.unwrap().unwrap_err().kind, ModelErrorKind::TimedOut);
    assert!(stream.next().await.is_none());
}
