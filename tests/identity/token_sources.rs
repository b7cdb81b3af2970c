//! Where a site's tokens are found, and what a page must say whose browser sends one by itself.

use axum::body::Body;
use http::{Method, Request};
use serde_json::{Value, json};

use crate::harness::app::{App, create};
use crate::harness::requests::{Carrying, bare, get, post};
use crate::harness::responses::answer;
use crate::harness::sessions::START;
use crate::harness::tokens::read;

const SITE: &str = "https://www.example.com";
const UNLIMITED: (&str, &str) = ("LIMIT_ADDRESS_BURST", "0");
const JWT: (&str, &str) = ("AUTH_MODE", "jwt");

/// Whose session a request starts, or the status and code with which it is refused.
async fn starts(app: &App, request: Request<Body>) -> Result<String, (u16, String)> {
    let answer = app.send(request).await;
    let status = answer.status.as_u16();
    let body = answer.json();
    if status != 200 {
        return Err((status, body["error"].as_str().unwrap().to_owned()));
    }
    let (_, claims) = read(body["client_secret"].as_str().unwrap());
    Ok(claims["sub"].as_str().unwrap().to_owned())
}

fn start() -> Request<Body> {
    post(START, &json!({}))
}

fn from_the_page() -> Request<Body> {
    start().with("origin", SITE)
}

fn unauthorized() -> Result<String, (u16, String)> {
    Err((401, "unauthorized".to_owned()))
}

#[tokio::test]
async fn user_token_may_come_in_a_header_or_a_cookie() {
    let app = App::with([UNLIMITED, JWT, ("ALLOWED_ORIGINS", SITE)]).await;
    let (ada, grace) = (app.user_token("ada"), app.user_token("grace"));
    let in_cookie = |cookie: &str| from_the_page().with("cookie", cookie);
    let found = Ok("ada".to_owned());
    assert_eq!(starts(&app, start().with("x-session-token", &ada)).await, found);
    assert_eq!(starts(&app, in_cookie(&format!("session_token={ada}"))).await, found);
    assert_eq!(starts(&app, in_cookie(&format!("a=b; __Secure-session_token={ada}; c=d"))).await, found);
    assert_eq!(starts(&app, in_cookie(&format!("__Host-session_token={ada}"))).await, found);
    // What the page says itself comes first, and is not passed over if it is wrong.
    let both = |request: Request<Body>| request.with("cookie", &format!("session_token={grace}"));
    assert_eq!(starts(&app, both(from_the_page().bearer(&ada))).await, found);
    assert_eq!(starts(&app, both(from_the_page().with("x-session-token", &ada))).await, found);
    assert_eq!(starts(&app, start().bearer(&ada).with("x-session-token", &grace)).await, found);
    assert_eq!(starts(&app, both(from_the_page().bearer("no.to.ken"))).await, unauthorized());
    assert_eq!(starts(&app, both(from_the_page().with("x-session-token", "nothing"))).await, unauthorized());
    // Of several cookies the first counts that is somebody's.
    let two = format!("session_token=opaque; session_token=no.to.ken; __Secure-session_token={ada}");
    assert_eq!(starts(&app, in_cookie(&two)).await, found);
    for cookie in ["session_token=", "session_token=opaque", "other_token=x", &format!("Session_token={ada}")] {
        assert_eq!(starts(&app, in_cookie(cookie)).await, unauthorized(), "{cookie}");
    }
}

#[tokio::test]
async fn header_and_cookies_have_the_names_that_the_operator_gives_them() {
    let names = ("USER_TOKEN_COOKIES", "better-auth.session_data, sid");
    let app = App::with([UNLIMITED, JWT, ("ALLOWED_ORIGINS", SITE), names, ("USER_TOKEN_HEADER", "x-site")]).await;
    let ada = app.user_token("ada");
    let found = Ok("ada".to_owned());
    assert_eq!(starts(&app, start().with("x-site", &ada)).await, found);
    assert_eq!(starts(&app, start().with("x-session-token", &ada)).await, unauthorized());
    for name in ["sid", "__Secure-better-auth.session_data"] {
        assert_eq!(starts(&app, from_the_page().with("cookie", &format!("{name}={ada}"))).await, found, "{name}");
    }
    let unnamed = from_the_page().with("cookie", &format!("session_token={ada}"));
    assert_eq!(starts(&app, unnamed).await, unauthorized());
    let message = super::modes::fault(&[("USER_TOKEN_HEADER", "not a header"), ("JWT_SECRET", &"x".repeat(32))]).await;
    assert_eq!(message.as_deref(), Some("`USER_TOKEN_HEADER` must be the name of a header, in lower case"));
}

/// Each request that changes something: its route, and the status without a cookie.
fn changes() -> [(&'static str, Method, &'static str, Value); 4] {
    [
        ("start", Method::POST, START, json!({})),
        ("chat", Method::POST, "/chatkit", create("Hi")),
        ("list", Method::POST, "/chatkit", json!({ "type": "threads.list", "params": {} })),
        ("stop", Method::DELETE, "/chatkit/threads/thr_1/run", json!({})),
    ]
}

#[tokio::test]
async fn cookie_counts_only_where_the_page_is_known() {
    let app = App::with([UNLIMITED, ("ALLOWED_ORIGINS", SITE)]).await;
    let cookie = format!("session_token={}", app.user_token("ada"));
    let send = async |(_, method, path, body): &(&str, Method, &str, Value), headers: &[(&str, &str)]| {
        app.model.then(answer("Hello"));
        let request = bare(method.clone(), path, Body::from(body.to_string()));
        let request = request.with("content-type", "application/json").with("cookie", &cookie);
        let request = headers.iter().fold(request, |request, (name, value)| request.with(name, value));
        app.send(request).await.status.as_u16()
    };
    for change in &changes() {
        let accepted = if change.0 == "stop" { 404 } else { 200 };
        for (headers, status) in [
            (&[("origin", SITE)][..], accepted),
            (&[("sec-fetch-site", "same-origin")], accepted),
            (&[("origin", SITE), ("sec-fetch-site", "same-site")], accepted),
            // Another page, which the browser gives the cookie all the same; and what names no page at all.
            (&[("origin", "https://evil.example")], 403),
            (&[("origin", "https://other.example.com"), ("sec-fetch-site", "same-site")], 403),
            (&[("origin", "null"), ("sec-fetch-site", "cross-site")], 403),
            (&[("origin", SITE), ("origin", "https://evil.example")], 403),
            (&[("sec-fetch-site", "cross-site")], 403),
            (&[("sec-fetch-site", "same-site")], 403),
            (&[("sec-fetch-site", "none")], 403),
            (&[], 403),
        ] {
            assert_eq!(send(change, headers).await, status, "{}: {headers:?}", change.0);
        }
    }
    // A page cannot read what it gets from another origin.
    let usage = get("/api/usage/me").with("cookie", &cookie);
    assert_eq!(app.send(usage).await.status, 200);
}

#[tokio::test]
async fn cookie_that_is_over_makes_nobody_but_a_visitor() {
    let app = App::with([UNLIMITED, ("ALLOWED_ORIGINS", SITE), ("AUTH_MODE", "jwt,anonymous")]).await;
    let cookie = format!("session_token={}", app.user_token("ada"));
    app.clock.advance(400 * 24 * 3_600_000);
    let started = starts(&app, from_the_page().with("cookie", &cookie)).await.unwrap();
    assert!(started.starts_with("vis_"), "{started}");
    let chat = post("/chatkit", &create("Hi")).with("origin", SITE).with("cookie", &cookie);
    assert_eq!(app.send(chat).await.status, 401);
}
