//! The cookie of somebody who is signed in: where it counts, and until when.

use std::time::Duration;

use axum::body::Body;
use chatkit_shared::identity::{Identity, LoginCookies, Owner, SigningKeys, VisitorCookie};
use chatkit_shared::secrets::Secret;
use http::{Method, Request};
use serde_json::json;

use super::{LOGOUT, SITE as ORIGIN, app, with};
use crate::harness::app::App;
use crate::harness::outside::outside;
use crate::harness::provider::ScriptedProvider;
use crate::harness::requests::{Carrying, bare, get, headers, post};
use crate::harness::sessions::{REFRESH, START};
use crate::harness::tokens::{read, user_token};

fn keys(app: &App) -> Secret<SigningKeys> {
    SigningKeys::required(&app.env, &outside(&app.env, &app.clock).secrets).unwrap()
}

/// The cookie of a user who has just signed in, as a browser sends it.
async fn signed_in(app: &App, user: &str) -> String {
    let identity = Identity {
        permissions: vec![Identity::ANALYTICS_READ.to_owned()],
        ..Identity::of(Owner::new("acme", user).unwrap())
    };
    let cookies = LoginCookies::new(keys(app), VisitorCookie::CrossSite);
    let header = cookies.set_cookie(&identity, app.clock.now(), Duration::from_hours(8)).await.unwrap();
    let (cookie, attributes) = header.split_once("; ").unwrap();
    assert_eq!(attributes, "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=28800");
    assert!(cookie.starts_with("__Host-chatkit_login="), "{cookie}");
    cookie.to_owned()
}

fn logout(cookie: &str) -> Request<Body> {
    bare(Method::POST, LOGOUT, Body::empty()).with("cookie", cookie).with("origin", ORIGIN)
}

#[tokio::test]
async fn login_cookie_is_accepted_wherever_a_user_token_is() {
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    let cookie = signed_in(&app, "ada").await;
    let started = app.send(post(START, &json!({})).with("cookie", &cookie).with("origin", ORIGIN)).await;
    let secret = started.json()["client_secret"].as_str().unwrap().to_owned();
    let (_, claims) = read(&secret);
    assert_eq!(
        (&claims["sub"], &claims["tenant"], &claims["anonymous"]),
        (&json!("ada"), &json!("acme"), &json!(null))
    );
    let refresh = json!({ "currentClientSecret": secret });
    for request in [
        post(REFRESH, &refresh),
        post("/chatkit", &json!({ "type": "threads.list", "params": {} })),
        get("/api/usage/me"),
        get("/api/analytics"),
    ] {
        assert_eq!(app.send(request.with("cookie", &cookie).with("origin", ORIGIN)).await.status, 200);
    }
    app.send(get("/api/usage/me")).await.error(401, "unauthorized");
    let forged = cookie.replace('.', ".e30");
    app.send(get("/api/usage/me").with("cookie", &forged)).await.error(401, "unauthorized");
}

#[tokio::test]
async fn login_cookie_changes_nothing_for_a_page_of_another_origin() {
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    let cookie = signed_in(&app, "ada").await;
    let list = json!({ "type": "threads.list", "params": {} });
    let refused = [("origin", "https://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site")];
    for (name, value) in refused {
        for request in [post(START, &json!({})), post("/chatkit", &list), post(LOGOUT, &json!({}))] {
            let answer = app.send(request.with("cookie", &cookie).with(name, value)).await;
            answer.error(403, "forbidden");
        }
    }
    assert_eq!(app.send(get("/api/usage/me").with("cookie", &cookie)).await.status, 200, "she is still signed in");
    let own = post("/chatkit", &list).with("cookie", &cookie).with("origin", ORIGIN);
    assert_eq!(app.send(own).await.status, 200);
}

#[tokio::test]
async fn login_cookie_ends_after_its_time_and_where_the_mode_is_off() {
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    let cookie = signed_in(&app, "ada").await;
    app.clock.advance(8 * 3_600_000 - 1_000);
    assert_eq!(app.send(get("/api/usage/me").with("cookie", &cookie)).await.status, 200);
    app.clock.advance(1_000);
    app.send(get("/api/usage/me").with("cookie", &cookie)).await.error(401, "unauthorized");

    let off = App::with([]).await;
    let cookie = signed_in(&off, "ada").await;
    off.send(get("/api/usage/me").with("cookie", &cookie)).await.error(401, "unauthorized");
    let message = off.send(logout(&cookie)).await.error(400, "bad_request");
    assert_eq!(message, "nobody signs in at this server: `AUTH_MODE` does not have `login`");
}

#[tokio::test]
async fn signing_out_ends_every_sign_in_and_every_session_of_the_user() {
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    let (one, other) = (signed_in(&app, "ada").await, signed_in(&app, "ada").await);
    let grace = signed_in(&app, "grace").await;
    let started = app.send(post(START, &json!({})).with("cookie", &one).with("origin", ORIGIN)).await;
    let refresh = json!({ "currentClientSecret": started.json()["client_secret"] });

    let answer = app.send(logout(&one)).await;
    assert_eq!(answer.status, 200);
    let cookie = "__Host-chatkit_login=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0";
    assert!(headers(&answer).contains(&("set-cookie", cookie)), "{:?}", answer.headers);
    for cookie in [&one, &other] {
        app.send(get("/api/usage/me").with("cookie", cookie)).await.error(401, "unauthorized");
        app.send(post(START, &json!({})).with("cookie", cookie).with("origin", ORIGIN))
            .await
            .error(401, "unauthorized");
    }
    assert_eq!(app.send(get("/api/usage/me").with("cookie", &grace)).await.status, 200);
    // Once more changes nothing, and so does a browser in which nobody was signed in.
    assert_eq!(app.send(logout(&one)).await.status, 200);
    assert_eq!(app.send(logout("a=b")).await.status, 200);

    app.clock.advance(1_000);
    let again = signed_in(&app, "ada").await;
    assert_eq!(app.send(get("/api/usage/me").with("cookie", &again)).await.status, 200);
    let ended = app.send(post(REFRESH, &refresh).with("cookie", &again).with("origin", ORIGIN)).await;
    assert_eq!(ended.error(401, "unauthorized"), "the session has ended, please start a new one");
}

#[tokio::test]
async fn login_cookie_is_no_user_token_and_no_other_token_is_a_login_cookie() {
    let provider = ScriptedProvider::start().await;
    let app = with(
        &provider,
        [("AUTH_MODE", "jwt,anonymous,login"), ("JWT_SECRET", "a secret of more than thirty-two bytes")],
    )
    .await;
    let cookie = signed_in(&app, "ada").await;
    let token = cookie.strip_prefix("__Host-chatkit_login=").unwrap();
    app.send(get("/api/usage/me").bearer(token)).await.error(401, "unauthorized");
    let started = app.send(post(START, &json!({}))).await;
    let visitor = started.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let session = started.json()["client_secret"].as_str().unwrap().to_owned();
    let user = user_token(&app.env, &json!({ "sub": "ada", "exp": app.clock.now().as_second() + 60 }));
    let visitor = visitor.split_once('=').unwrap().1;
    for token in [visitor, &session, &user] {
        let request = get("/api/usage/me").with("cookie", &format!("__Host-chatkit_login={token}"));
        app.send(request).await.error(401, "unauthorized");
    }
}
