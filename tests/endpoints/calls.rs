//! What an endpoint is sent, and how often.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chatkit_shared::endpoints::{Effect, EndpointError, Expects, Output};
use standardwebhooks::Webhook;

use super::{ID, body, collect, effects, endpoint, error, now, signed_with};
use crate::harness::site::{Asked, SIGNING_SECRET, Site, answer, json, raw, status};

fn done() -> Vec<Effect> {
    vec![Effect::Output { output: Output::Text("done".to_owned()) }]
}

/// Whether a request is signed for this second, as somebody else's implementation sees it.
fn assert_signed(asked: &Asked, second: i64, secrets: &[&str]) {
    assert_eq!(asked.headers["webhook-id"], ID);
    assert_eq!(asked.headers["webhook-timestamp"], second.to_string());
    let sign = |secret: &&str| Webhook::new(secret).unwrap().sign(ID, second, &asked.body).unwrap();
    let signatures: Vec<_> = secrets.iter().map(sign).collect();
    assert_eq!(asked.headers["webhook-signature"], signatures.join(" "));
}

#[tokio::test]
async fn call_is_a_signed_post() {
    let site = Site::new([answer("text/plain", "done")]).await;
    assert_eq!(effects(&endpoint(&site.url), Expects::Output).await, done());
    let asked = site.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].line, "POST /tools?key=secret");
    assert_eq!(asked[0].body, body().to_string());
    let mut names: Vec<_> = asked[0].headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    let expected = [
        "accept",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    ];
    assert_eq!(names, expected);
    assert_eq!(asked[0].headers["content-type"], "application/json");
    assert_signed(&asked[0], now().as_second(), &[SIGNING_SECRET]);
}

#[tokio::test]
async fn call_is_also_signed_with_the_previous_secret() {
    let previous = format!("whsec_{}", STANDARD.encode([7; 64]));
    let site = Site::new([answer("text/plain", "done")]).await;
    let stream = signed_with(SIGNING_SECRET, Some(previous.clone().into())).call(
        &endpoint(&site.url),
        Expects::Output,
        ID,
        now(),
        &body(),
    );
    assert_eq!(collect(stream).await, (done(), None));
    assert_signed(&site.asked()[0], now().as_second(), &[SIGNING_SECRET, &previous]);
}

#[tokio::test]
async fn call_after_a_transient_failure_is_retried_with_the_same_id() {
    for first in [500, 502, 503, 504, 529, 599, 429] {
        let site = Site::new([status(first), answer("text/plain", "done")]).await;
        let mut endpoint = endpoint(&site.url);
        endpoint.retries = 1;
        assert_eq!(effects(&endpoint, Expects::Output).await, done(), "{first}");
        let asked = site.asked();
        assert_eq!(asked.len(), 2, "{first}");
        assert_eq!(asked[0].body, asked[1].body);
        // The pause leads into the next second: the signature is new.
        assert_signed(&asked[0], now().as_second(), &[SIGNING_SECRET]);
        assert_signed(&asked[1], now().as_second() + 1, &[SIGNING_SECRET]);
    }
}

#[tokio::test]
async fn call_whose_connection_breaks_is_retried() {
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\ndone";
    let mut endpoint = endpoint(&raw(["", answer]).await);
    endpoint.retries = 1;
    assert_eq!(effects(&endpoint, Expects::Output).await, done());
}

#[tokio::test]
async fn call_is_retried_as_often_as_configured() {
    for retries in 0..3 {
        let site = Site::new((0..9).map(|_| status(500))).await;
        let mut endpoint = endpoint(&site.url);
        endpoint.retries = retries;
        assert_eq!(error(&endpoint, Expects::Output).await, EndpointError::Status(500));
        assert_eq!(site.asked().len(), 1 + retries as usize);
    }
}

#[tokio::test]
async fn call_after_a_permanent_failure_is_not_retried() {
    let refused = [300, 301, 302, 303, 307, 308, 400, 401, 403, 404, 409, 410, 413, 422];
    for (refusal, expected) in refused.map(|refusal| (status(refusal), EndpointError::Status(refusal))) {
        let site = Site::new([refusal, answer("text/plain", "done")]).await;
        let mut endpoint = endpoint(&site.url);
        endpoint.retries = 5;
        assert_eq!(error(&endpoint, Expects::Output).await, expected);
        assert_eq!(site.asked().len(), 1);
    }
    let malformed =
        [answer("application/json", "{"), answer("text/html", "x"), json(&serde_json::json!({"effects": 1}))];
    for answer in malformed {
        let site = Site::new([answer]).await;
        let mut endpoint = endpoint(&site.url);
        endpoint.retries = 5;
        assert!(matches!(error(&endpoint, Expects::Output).await, EndpointError::Malformed(_)));
        assert_eq!(site.asked().len(), 1);
    }
}

#[tokio::test]
async fn call_follows_no_redirects() {
    let elsewhere = Site::new([answer("text/plain", "done")]).await;
    for code in [301, 302, 303, 307, 308] {
        let mut redirect = status(code);
        redirect.headers_mut().insert("location", elsewhere.url.parse().unwrap());
        let site = Site::new([redirect]).await;
        assert_eq!(error(&endpoint(&site.url), Expects::Output).await, EndpointError::Status(code));
    }
    assert!(elsewhere.asked().is_empty());
}
