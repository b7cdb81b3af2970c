//! A provider that is down, slow, or not what it should be: nobody signs in, and nobody is signed out.

use std::time::Duration;

use chatkit_shared::http::{Code, Error};
use chatkit_shared::identity::{PendingLogins, Provider, SigningKeys, VisitorCookie};
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::Clients;
use serde_json::json;

use super::{API, Browser, LOGIN, SITE, app};
use crate::harness::log::Log;
use crate::harness::model::Answer;
use crate::harness::outside::outside;
use crate::harness::provider::{DISCOVERY, KEYS, ScriptedProvider, TOKEN};
use crate::harness::requests::{Carrying, get, post};
use crate::harness::sessions::START;

const DOWN: &str = "the identity provider signs nobody in right now, please try again";

fn broken() -> [Answer; 7] {
    let large = format!("{{\"issuer\":\"{}\"}}", "a".repeat(200 * 1024));
    [
        Answer::with(500, "application/json", "canary"),
        Answer::with(404, "text/html", "<html>canary"),
        Answer::with(200, "text/html", "<html>canary"),
        Answer::with(200, "application/json", large),
        Answer::with(200, "application/json", "{").abort(),
        Answer::start(302, "text/plain").header("location", "https://evil.example/"),
        Answer::with(200, "application/json", ""),
    ]
}

#[tokio::test]
async fn provider_that_is_down_delays_signing_in_and_nobody_who_is_signed_in() {
    let log = Log::start();
    let provider = ScriptedProvider::start().await;
    let (app, mut signed_in) = (app(&provider).await, Browser::default());
    signed_in.sign_in(&app, &provider).await;
    for answer in broken() {
        let app = super::app(&provider).await;
        provider.script().answers = [(DISCOVERY, answer)].into();
        assert_eq!(app.send(get(LOGIN)).await.error(502, "upstream_error"), DOWN);
        assert!(signed_in.is_signed_in(&app).await);
        let started = signed_in.send(&app, post(START, &json!({})).with("origin", SITE)).await;
        assert_eq!(started.status, 200);
        // It is asked again after a pause, not by each who tries.
        provider.script().answers.clear();
        provider.asked();
        assert_eq!(app.send(get(LOGIN)).await.error(502, "upstream_error"), DOWN);
        assert_eq!(provider.asked(), []);
        app.clock.advance(1_000);
        assert_eq!(app.send(get(LOGIN)).await.status, 303);
    }
    assert!(!log.text().contains("canary"), "{}", log.text());
}

#[tokio::test]
async fn what_the_provider_said_of_itself_stays_known_while_it_is_down_and_is_read_again() {
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    assert_eq!(app.send(get(LOGIN)).await.status, 303);
    provider.script().answers = [(DISCOVERY, Answer::with(500, "text/plain", ""))].into();
    app.clock.advance(3_600_000);
    provider.asked();
    assert_eq!(app.send(get(LOGIN)).await.status, 303);
    assert_eq!(provider.asked().len(), 1);
    provider.script().answers.clear();
    provider.script().discovery["authorization_endpoint"] = json!(format!("{}/elsewhere", provider.issuer));
    app.clock.advance(3_600_000);
    let answer = app.send(get(LOGIN)).await;
    assert!(super::location(&answer).starts_with(&format!("{}/elsewhere?response_type", provider.issuer)));
}

#[tokio::test]
async fn provider_that_lies_of_itself_signs_nobody_in() {
    let log = Log::start();
    let provider = ScriptedProvider::start().await;
    for (name, value, cause) in [
        ("issuer", json!("https://evil.example"), "`OIDC_ISSUER` is not what the provider calls itself"),
        ("issuer", json!(format!("{}/", provider.issuer)), "`OIDC_ISSUER` is not what the provider calls itself"),
        ("issuer", json!(null), "it is no discovery document"),
        ("authorization_endpoint", json!("http://evil.example/"), "is not one of `https`"),
        ("authorization_endpoint", json!("javascript:alert(1)"), "is not one of `https`"),
        ("token_endpoint", json!("http://evil.example/"), "is not one of `https`"),
        ("token_endpoint", json!("https://user:password@evil.example/"), "is not one of `https`"),
        ("token_endpoint", json!(null), "it is no discovery document"),
        ("jwks_uri", json!("file:///etc/passwd"), "is not one of `https`"),
        ("end_session_endpoint", json!("http://evil.example/"), "is not one of `https`"),
    ] {
        let app = app(&provider).await;
        let right = provider.script().discovery.clone();
        provider.script().discovery[name] = value;
        assert_eq!(app.send(get(LOGIN)).await.error(502, "upstream_error"), DOWN);
        let logged = log.requests().pop().unwrap()["cause"].as_str().unwrap().to_owned();
        assert!(logged.contains(cause), "{logged}");
        provider.script().discovery = right;
    }
}

#[tokio::test]
async fn token_endpoint_that_fails_signs_nobody_in() {
    let log = Log::start();
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    for answer in broken() {
        let mut browser = Browser::default();
        let back = browser.begin(&app, &provider).await;
        provider.script().answers = [(TOKEN, answer)].into();
        assert_eq!(browser.come_back(&app, &back).await.error(502, "upstream_error"), DOWN);
        assert_eq!(browser.cookies.len(), 0);
        provider.script().answers.clear();
    }
    let refusal = json!({ "error": "invalid_client", "error_description": "canary" }).to_string();
    provider.script().answers = [(TOKEN, Answer::with(401, "application/json", refusal))].into();
    Browser::default().sign_in(&app, &provider).await.error(502, "upstream_error");
    let cause = log.requests().pop().unwrap()["cause"].as_str().unwrap().to_owned();
    assert!(cause.contains("answered with the status 401, error `invalid_client`"), "the operator learns it: {cause}");
    assert!(!log.text().contains("canary"), "{}", log.text());
}

#[tokio::test]
async fn keys_that_cannot_be_read_sign_nobody_in() {
    let provider = ScriptedProvider::start().await;
    for answer in broken() {
        let app = app(&provider).await;
        provider.script().answers = [(KEYS, answer)].into();
        Browser::default().sign_in(&app, &provider).await.error(503, "unavailable");
        provider.script().answers.clear();
        app.clock.advance(1_000);
        assert_eq!(Browser::default().sign_in(&app, &provider).await.status, 303);
    }
}

#[tokio::test]
async fn provider_that_is_silent_times_out() {
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    let Clients { secrets, http, .. } = outside(&app.env, &app.clock);
    let patient = || Provider::from_env(&app.env, &secrets, &http, &app.clock).unwrap();
    let keys = SigningKeys::required(&app.env, &secrets).unwrap();
    let ids = Ids::seeded(app.clock.clone(), 1);
    let pending = PendingLogins::new(keys, VisitorCookie::CrossSite);
    let (login, _) = pending.begin(API, &ids, app.clock.now()).await.unwrap();
    let redirect = format!("{API}/auth/callback");
    for silent in [Answer::start(200, "application/json").hang(), Answer::start(200, "text/plain").bytes("{").hang()] {
        let expected = (Code::UpstreamTimeout, "the identity provider took too long to answer, please try again");
        provider.script().answers = [(DISCOVERY, silent.clone())].into();
        let impatient = patient().with_timeout(Duration::from_millis(50));
        let error = Error::from(impatient.authorization_url(&redirect, &login).await.unwrap_err());
        assert_eq!((error.code, error.message.as_ref()), expected);
        provider.script().answers.clear();
        let impatient = patient().with_timeout(Duration::from_millis(500));
        impatient.authorization_url(&redirect, &login).await.unwrap();
        provider.script().answers = [(TOKEN, silent)].into();
        let error = Error::from(impatient.exchange("code", &redirect, &login).await.unwrap_err());
        assert_eq!((error.code, error.message.as_ref()), expected);
    }
}
