//! Sessions that say nothing by themselves: the site is asked whose they are.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chatkit_shared::clock::Clock;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::modes::fault;
use crate::harness::app::{App, NOW};
use crate::harness::requests::{Carrying, post};
use crate::harness::sessions::START;
use crate::harness::site::{self, SIGNING_SECRET, Site};
use crate::harness::tokens::read;

const COOKIE_SECRET: &str = "the secret that the site signs its cookies with";

async fn app(site: &Site, more: &[(&str, &str)]) -> App {
    let mut variables = vec![
        ("LIMIT_ADDRESS_BURST", "0"),
        ("AUTH_MODE", "session,anonymous"),
        ("ALLOWED_ORIGINS", "https://www.example.com"),
        ("SESSION_INTROSPECTION_URL", site.url.as_str()),
        ("TOOL_SIGNING_SECRET", SIGNING_SECRET),
    ];
    variables.extend(more);
    App::at(Clock::fixed(NOW.parse().unwrap()), &variables).await
}

/// The status of a first session with a token, and what the session says: tenant and user, or the error's code.
async fn start(app: &App, token: &str) -> (u16, String) {
    let answer = app.send(post(START, &json!({})).with("x-session-token", token)).await;
    let (status, body) = (answer.status.as_u16(), answer.json());
    let Some(secret) = body["client_secret"].as_str() else {
        return (status, body["error"].as_str().unwrap().to_owned());
    };
    let claims = read(secret).1;
    (status, format!("{}/{}", claims["tenant"].as_str().unwrap(), claims["sub"].as_str().unwrap()))
}

fn active(user: &str, more: &Value) -> axum::response::Response {
    let mut answer = json!({ "active": true, "sub": user, "tenant": "acme" });
    answer.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    site::json(&answer)
}

fn found(user: &str) -> (u16, String) {
    (200, format!("acme/{user}"))
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn site_is_asked_once_whose_a_session_is() {
    let site = Site::new([active("ada", &json!({ "max_age": 120, "name": "Ada" })), active("ada", &json!({}))]).await;
    let app = app(&site, &[]).await;
    assert_eq!(start(&app, "opaque-1").await, found("ada"));
    app.clock.advance(119_000);
    assert_eq!(start(&app, "opaque-1").await, found("ada"));
    let [asked] = <[_; 1]>::try_from(site.asked()).unwrap();
    assert_eq!(asked.line, "POST /tools?key=secret");
    let question: Value = serde_json::from_slice(&asked.body).unwrap();
    assert_eq!(question, json!({ "type": "session.introspect", "token": "opaque-1" }));
    let id = asked.headers["webhook-id"].to_str().unwrap();
    let signature = Webhook::new(SIGNING_SECRET).unwrap().sign(id, App::began(), &asked.body).unwrap();
    assert_eq!(asked.headers["webhook-signature"], signature);

    app.clock.advance(1_000);
    assert_eq!(start(&app, "opaque-1").await, found("ada"), "the answer counts no longer, and is asked for again");
    assert_eq!(site.asked().len(), 2);
}

#[tokio::test]
async fn answers_count_no_longer_than_they_say() {
    let soon = App::began() + 30;
    for (more, seconds) in [
        (json!({}), 60),
        (json!({ "max_age": 0 }), 0),
        (json!({ "max_age": 4_000_000_000_u32 }), 600),
        (json!({ "exp": soon }), 30),
        (json!({ "exp": soon, "max_age": 5 }), 5),
        (json!({ "exp": i64::MAX }), 60),
    ] {
        let site = Site::new([active("ada", &more), site::json(&json!({ "active": false }))]).await;
        let app = app(&site, &[]).await;
        assert_eq!(start(&app, "opaque").await, found("ada"), "{more}");
        if seconds > 0 {
            app.clock.advance(seconds * 1_000 - 1);
            assert_eq!(start(&app, "opaque").await, found("ada"), "{more}");
            app.clock.advance(1);
        }
        assert_eq!(start(&app, "opaque").await, refused(401, "unauthorized"), "{more}");
        assert_eq!(site.asked().len(), 2);
    }
}

#[tokio::test]
async fn session_that_the_site_does_not_know_is_refused() {
    let over = json!({ "exp": App::began() });
    let without_user = site::json(&json!({ "active": true, "tenant": "acme" }));
    let visitor = active("vis_01K00000000000000000000000", &json!({}));
    for answer in [site::json(&json!({ "active": false })), active("ada", &over), without_user, visitor] {
        let site = Site::new([answer]).await;
        let app = app(&site, &[]).await;
        for _ in 0..2 {
            assert_eq!(start(&app, "opaque").await, refused(401, "unauthorized"));
        }
        assert_eq!(site.asked().len(), 1, "the refusal counts for a while, too");
    }
    let site = Site::new([]).await;
    let app = app(&site, &[]).await;
    assert_eq!(start(&app, &"x".repeat(4_097)).await, refused(401, "unauthorized"));
    assert_eq!(site.asked().len(), 0);
}

#[tokio::test]
async fn site_that_cannot_say_it_makes_nobody_a_visitor() {
    let huge = json!({ "active": true, "sub": "ada", "more": "x".repeat(16 * 1024) });
    for answers in [
        vec![site::status(404)],
        vec![site::status(503), site::status(503)],
        vec![site::json(&huge)],
        vec![site::answer("text/html", "<html>")],
        vec![site::json(&json!({ "sub": "ada" }))],
        vec![site::json(&json!({ "active": "yes", "sub": "ada" }))],
    ] {
        let count = answers.len();
        let site = Site::new(answers.into_iter().chain([active("ada", &json!({}))])).await;
        let app = app(&site, &[]).await;
        assert_eq!(start(&app, "opaque").await, refused(503, "unavailable"));
        assert_eq!(site.asked().len(), count);
        assert_eq!(start(&app, "opaque").await, found("ada"), "the next question may be answered");
    }
}

#[tokio::test]
async fn cookie_that_the_site_has_not_signed_is_not_asked_about() {
    let site = Site::new([active("ada", &json!({}))]).await;
    let app = app(&site, &[("SESSION_COOKIE_SECRET", COOKIE_SECRET)]).await;
    let key = hmac::Key::new(hmac::HMAC_SHA256, COOKIE_SECRET.as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, b"token-1"));
    let genuine = format!("token-1.{signature}");
    for forged in ["token-1", "token-1.", &format!("token-2.{signature}"), &format!("{genuine}="), "a.b"] {
        assert_eq!(start(&app, forged).await, refused(401, "unauthorized"), "{forged}");
    }
    assert_eq!(site.asked().len(), 0);
    // As a browser sends what `encodeURIComponent` has made of it.
    let encoded = genuine.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let request = post(START, &json!({})).with("origin", "https://www.example.com");
    let answer = app.send(request.with("cookie", &format!("__Secure-session_token={encoded}"))).await;
    assert_eq!(read(answer.json()["client_secret"].as_str().unwrap()).1["sub"], "ada");
    let question: Value = serde_json::from_slice(&site.asked()[0].body).unwrap();
    assert_eq!(question["token"], json!(genuine));
}

#[tokio::test]
async fn user_tokens_and_sessions_may_both_come() {
    let site = Site::new([active("grace", &json!({}))]).await;
    let app = app(&site, &[("AUTH_MODE", "jwt,session")]).await;
    assert_eq!(start(&app, &app.user_token("ada")).await, (200, "default/ada".to_owned()));
    assert_eq!(site.asked().len(), 0);
    assert_eq!(start(&app, "opaque").await, found("grace"));
}

#[tokio::test]
async fn sessions_of_the_site_need_an_address_and_a_secret() {
    let mode = ("AUTH_MODE", "session");
    let url = ("SESSION_INTROSPECTION_URL", "https://www.example.com/session");
    let secret = ("TOOL_SIGNING_SECRET", SIGNING_SECRET);
    assert_eq!(fault(&[mode, url, secret]).await, None);
    let message = |message: Option<String>| message.unwrap();
    assert_eq!(
        message(fault(&[mode, secret]).await),
        "`SESSION_INTROSPECTION_URL` must be set to where the site says whose a session is, because `AUTH_MODE` has \
         `session`"
    );
    assert_eq!(
        message(fault(&[mode, secret, (url.0, "http://www.example.com/")]).await),
        "`SESSION_INTROSPECTION_URL` must be an `https` URL without credentials and fragment, or `http` to this machine"
    );
    assert_eq!(
        message(fault(&[mode, url]).await),
        "`TOOL_SIGNING_SECRET` or `TOOL_SIGNING_SECRET_ARN` must be set to the secret that questions about sessions are \
         signed with"
    );
    assert_eq!(
        message(fault(&[mode, url, secret, ("SESSION_COOKIE_SECRET", "short")]).await),
        "`SESSION_COOKIE_SECRET` must have at least 32 bytes"
    );
}
