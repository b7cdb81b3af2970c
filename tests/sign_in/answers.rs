//! Answers of the provider that the browser did not ask for, and pages that get no browser back.

use std::collections::BTreeMap;

use serde_json::json;

use super::{API, Browser, CALLBACK, LOGIN, app, location, with};
use crate::harness::log::Log;
use crate::harness::provider::{ScriptedProvider, TOKEN};
use crate::harness::requests::get;

const STALE: &str = "this sign-in was begun in another browser, or too long ago, or has ended: please go back to the \
                     page and sign in again";

fn changed(back: &BTreeMap<String, String>, name: &str, value: Option<&str>) -> BTreeMap<String, String> {
    let mut changed = back.clone();
    match value {
        Some(value) => changed.insert(name.to_owned(), value.to_owned()),
        None => changed.remove(name),
    };
    changed
}

#[tokio::test]
async fn answer_that_this_browser_did_not_ask_for_signs_nobody_in() {
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    let mut others = Browser::default();
    let other = others.begin(&app, &provider).await;
    let mut browser = Browser::default();
    let back = browser.begin(&app, &provider).await;
    provider.asked();
    // Login CSRF: the answer to a sign-in of the attacker's, with their state or the victim's, or with none.
    let mut attempts = vec![
        other.clone(),
        changed(&back, "state", None),
        changed(&back, "state", Some("")),
        changed(&back, "state", Some(&back["state"].to_uppercase())),
        changed(&back, "state", Some(&back["state"][..63])),
    ];
    attempts.push(changed(&back, "state", Some(&other["state"])));
    for attempt in attempts {
        assert_eq!(browser.come_back(&app, &attempt).await.error(400, "bad_request"), STALE);
        assert_eq!(Browser::default().come_back(&app, &attempt).await.error(400, "bad_request"), STALE);
    }
    // The right answer, in a browser that has begun none, or another one, or has a forged cookie.
    assert_eq!(Browser::default().come_back(&app, &back).await.error(400, "bad_request"), STALE);
    assert_eq!(others.come_back(&app, &back).await.error(400, "bad_request"), STALE);
    let forged = browser.cookies["__Host-chatkit_pending_login"].replace('.', ".e30");
    let mut forger = Browser { cookies: [("__Host-chatkit_pending_login".to_owned(), forged)].into() };
    assert_eq!(forger.come_back(&app, &back).await.error(400, "bad_request"), STALE);
    assert_eq!(provider.asked(), [], "no code was sent anywhere");
    // The browser's own sign-in goes on.
    assert_eq!(browser.come_back(&app, &back).await.status, 303);
    assert!(browser.is_signed_in(&app).await);
}

#[tokio::test]
async fn answer_counts_once() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    provider.script().forgets_codes = true;
    let back = browser.begin(&app, &provider).await;
    let cookies = browser.cookies.clone();
    assert_eq!(browser.come_back(&app, &back).await.status, 303);
    provider.asked();
    // Again, and with what somebody copied from the browser before.
    assert_eq!(browser.come_back(&app, &back).await.error(400, "bad_request"), STALE);
    let mut copied = Browser { cookies };
    let answer = copied.come_back(&app, &back).await;
    assert_eq!(answer.error(400, "bad_request"), STALE);
    assert!(!copied.cookies.contains_key("__Host-chatkit_login"));
    assert_eq!(provider.asked(), []);
}

#[tokio::test]
async fn code_of_another_sign_in_or_a_used_one_signs_nobody_in() {
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    let stolen = Browser::default().begin(&app, &provider).await;
    let mut browser = Browser::default();
    // Code injection: PKCE.
    let back = browser.begin(&app, &provider).await;
    let injected = changed(&back, "code", Some(&stolen["code"]));
    let message = browser.come_back(&app, &injected).await.error(400, "bad_request");
    assert_eq!(
        message,
        "the identity provider does not know this sign-in any more: please go back to the page and sign in again"
    );
    assert_eq!(browser.cookies, BTreeMap::new(), "and the sign-in has ended");
    let used = browser.begin(&app, &provider).await;
    assert_eq!(browser.come_back(&app, &used).await.status, 303);
    let back = browser.begin(&app, &provider).await;
    let replayed = changed(&back, "code", Some(&used["code"]));
    browser.come_back(&app, &replayed).await.error(400, "bad_request");
}

#[tokio::test]
async fn sign_in_that_takes_too_long_is_over() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    let back = browser.begin(&app, &provider).await;
    app.clock.advance(599_000);
    let in_time = browser.cookies.clone();
    app.clock.advance(1_000);
    assert_eq!(browser.come_back(&app, &back).await.error(400, "bad_request"), STALE);
    app.clock.advance(-1_000);
    assert_eq!(Browser { cookies: in_time }.come_back(&app, &back).await.status, 303);
}

#[tokio::test]
async fn answer_of_another_provider_sends_no_code_anywhere() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    for issuer in [Some("https://evil.example"), Some(""), Some(&*format!("{}/", provider.issuer)), None] {
        let back = browser.begin(&app, &provider).await;
        provider.asked();
        let answer = browser.come_back(&app, &changed(&back, "iss", issuer)).await;
        let message = "the answer comes from another identity provider than this server's";
        assert_eq!(answer.error(400, "bad_request"), message, "{issuer:?}");
        assert_eq!(provider.asked(), []);
    }
    // A provider that does not say that it names itself need not.
    provider.script().discovery.as_object_mut().unwrap().remove("authorization_response_iss_parameter_supported");
    let app = super::app(&provider).await;
    let back = browser.begin(&app, &provider).await;
    assert_eq!(browser.come_back(&app, &changed(&back, "iss", None)).await.status, 303);
}

#[tokio::test]
async fn page_learns_that_the_person_did_not_want_to() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    let mut back = browser.begin(&app, &provider).await;
    back.remove("code");
    back.insert("error".to_owned(), "access_denied".to_owned());
    back.insert("error_description".to_owned(), "canary".to_owned());
    let answer = browser.come_back(&app, &back).await;
    assert_eq!(location(&answer), format!("{API}/chat?sign_in_error=access_denied"));
    assert_eq!(browser.cookies, BTreeMap::new());
}

#[tokio::test]
async fn other_errors_of_the_provider_are_for_the_log() {
    let log = Log::start();
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    for (error, logged) in [
        ("server_error", "server_error"),
        ("invalid_scope", "invalid_scope"),
        ("canary <b>", ""),
        (&"a".repeat(500), ""),
    ] {
        let mut back = browser.begin(&app, &provider).await;
        // Beside an error a code is none.
        back.insert("error".to_owned(), error.to_owned());
        provider.asked();
        let answer = browser.come_back(&app, &back).await;
        answer.error(502, "upstream_error");
        assert_eq!(provider.asked(), []);
        let cause = log.requests().pop().unwrap()["cause"].as_str().unwrap().to_owned();
        assert!(cause.contains(&format!("error `{logged}")), "{cause}");
    }
    assert!(!log.text().contains("canary"));
    let mut back = browser.begin(&app, &provider).await;
    back.remove("code");
    let message = browser.come_back(&app, &back).await.error(400, "bad_request");
    assert_eq!(message, "the identity provider's answer has no code");
}

#[tokio::test]
async fn query_with_a_field_twice_is_refused() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    let back = browser.begin(&app, &provider).await;
    let state = &back["state"];
    for query in [
        format!("{CALLBACK}?state={state}&state={state}&code=x"),
        format!("{CALLBACK}?state={state}&code=x&code=y"),
        format!("{LOGIN}?return_to=/&return_to=//evil.example"),
    ] {
        let message = browser.send(&app, get(&query)).await.error(400, "bad_request");
        assert_eq!(message, "the query has a field twice", "{query}");
    }
}

#[tokio::test]
async fn page_elsewhere_gets_no_browser_back() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    for page in ["//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example"]
    {
        let query = form_urlencoded::Serializer::new(String::new()).append_pair("return_to", page).finish();
        let answer = browser.send(&app, get(&format!("{LOGIN}?{query}"))).await;
        let message = "`return_to` must be a path, or a page of an origin in `ALLOWED_ORIGINS`";
        assert_eq!(answer.error(400, "bad_request"), message, "{page}");
        assert!(answer.headers.get("location").is_none() && answer.headers.get("set-cookie").is_none());
    }
    assert_eq!(provider.asked(), []);
}

#[tokio::test]
async fn address_that_comes_back_often_is_limited() {
    let provider = ScriptedProvider::start().await;
    let app = with(&provider, [("LIMIT_ADDRESS_BURST", "2"), ("LIMIT_ADDRESS_PER_SECOND", "1")]).await;
    let mut browser = Browser::default();
    browser.sign_in(&app, &provider).await;
    let back = browser.begin(&app, &provider).await;
    provider.script().claims = json!({});
    assert_eq!(browser.come_back(&app, &back).await.status, 303);
    let back = browser.begin(&app, &provider).await;
    provider.asked();
    browser.come_back(&app, &back).await.error(429, "rate_limit_exceeded");
    assert!(provider.asked().iter().all(|(path, _)| path != TOKEN));
    app.clock.advance(1_000);
    assert_eq!(browser.come_back(&app, &back).await.status, 303, "the sign-in was not used up");
}
