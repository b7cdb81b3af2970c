//! Signing out, here and at the provider.

use axum::body::Body;
use http::{Method, Request};
use reqwest::Url;
use serde_json::{Value, json};

use super::{API, Browser, LOGOUT, SITE, app, location};
use crate::harness::model::Answer;
use crate::harness::provider::{CLIENT_ID, DISCOVERY, ScriptedProvider};
use crate::harness::requests::{Carrying, bare};

fn logout(query: &str) -> Request<Body> {
    bare(Method::POST, &format!("{LOGOUT}{query}"), Body::empty()).with("origin", SITE)
}

/// The parameters of an address.
fn parameters(url: &str) -> Vec<(String, String)> {
    Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn signing_out_says_where_the_provider_does_it_too() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    browser.sign_in(&app, &provider).await;
    let cookies = browser.cookies.clone();
    let answer = browser.send(&app, logout("")).await;
    assert_eq!(answer.status, 200);
    let url = answer.json()["end_session_url"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&format!("{}/end?", provider.issuer)), "{url}");
    let expected = [("client_id", CLIENT_ID), ("post_logout_redirect_uri", "https://www.example.com/")];
    assert_eq!(parameters(&url), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(browser.cookies.len(), 0);
    // What somebody copied from the browser before is worth nothing.
    assert!(!Browser { cookies }.is_signed_in(&app).await);
}

#[tokio::test]
async fn form_that_signs_out_is_sent_to_the_provider_and_from_there_to_its_page() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    browser.sign_in(&app, &provider).await;
    let form = || logout("?return_to=/bye").with("accept", "text/html,application/xhtml+xml");
    let answer = browser.send(&app, form()).await;
    let page = ("post_logout_redirect_uri".to_owned(), format!("{API}/bye"));
    assert_eq!(parameters(location(&answer))[1], page);
    for (name, value) in [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")] {
        let request = bare(Method::POST, LOGOUT, Body::empty()).with(name, value).with("accept", "text/html");
        browser.send(&app, request).await.error(403, "forbidden");
    }
    browser.send(&app, logout("?return_to=//evil.example")).await.error(400, "bad_request");
    // Without such an address the browser goes to the page, and so it does while the provider is down.
    provider.script().discovery.as_object_mut().unwrap().remove("end_session_endpoint");
    let without = super::app(&provider).await;
    assert_eq!(location(&browser.send(&without, form()).await), format!("{API}/bye"));
    provider.script().answers = [(DISCOVERY, Answer::with(500, "text/plain", ""))].into();
    let down = super::app(&provider).await;
    assert_eq!(location(&browser.send(&down, form()).await), format!("{API}/bye"));
    let answer = browser.send(&down, logout("")).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["end_session_url"]), (200, &Value::Null));
    assert_eq!(answer.json(), json!({ "end_session_url": null }));
}
