//! `refresh`: for how long, how often and for whom a secret is exchanged.

use axum::body::Body;
use http::Method;
use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::harness::app::App;
use crate::harness::requests::{Carrying, bare, post};
use crate::harness::sessions::{REFRESH, secret};
use crate::harness::tokens::{read, sign};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const ENDED: &str = "the session has ended, please start a new one";
const EXPIRED: &str = "the session token has expired";
const USED: &str = "the session was refreshed before, please start a new one";

#[tokio::test]
async fn refresh_returns_the_next_secret_of_the_chain() {
    let app = App::start().await;
    let first = app.session("ada").await;
    app.clock.advance(5 * 60_000);
    let answer = app.refresh(&first, Some("ada")).await;
    let second = secret(&answer);
    let body = json!({ "client_secret": second, "expires_at": App::began() + 900, "expires_in": 600 });
    assert_eq!((answer.status.as_u16(), answer.json()), (200, body));

    let ((_, before), (_, after)) = (read(&first), read(&second));
    let mut expected = before.clone();
    expected["iat"] = json!(App::began() + 300);
    expected["exp"] = json!(App::began() + 900);
    expected["jti"] = after["jti"].clone();
    assert_eq!(after, expected);
    assert_ne!(after["jti"], before["jti"]);

    let list = json!({ "type": "threads.list", "params": {} });
    assert_eq!(app.send(post("/chatkit", &list).bearer(&second)).await.status, 200);
}

#[tokio::test]
async fn refresh_of_a_used_secret_works_for_a_minute() {
    let app = App::start().await;
    let first = app.session("ada").await;
    let second = secret(&app.refresh(&first, Some("ada")).await);
    app.clock.advance(60_000);
    let again = secret(&app.refresh(&first, Some("ada")).await);
    assert_ne!(again, second);
    app.clock.advance(1);
    // The minute counts from the first exchange, not from the last one.
    assert_eq!(app.refresh(&first, Some("ada")).await.error(401, "unauthorized"), USED);
    // What it became is as good as ever.
    secret(&app.refresh(&second, Some("ada")).await);
    secret(&app.refresh(&again, Some("ada")).await);
}

#[tokio::test]
async fn refresh_of_a_user_works_for_an_hour_after_the_end() {
    let app = App::start().await;
    let (first, second) = (app.session("ada").await, app.session("ada").await);
    app.clock.advance(600_000 + HOUR - 1);
    secret(&app.refresh(&first, Some("ada")).await);
    app.clock.advance(1);
    assert_eq!(app.refresh(&second, Some("ada")).await.error(401, "unauthorized"), ENDED);
}

#[tokio::test]
async fn refresh_of_a_visitor_works_for_thirty_days_after_the_end() {
    let app = App::start().await;
    let ((first, _), (second, _)) = (app.visit().await, app.visit().await);
    app.clock.advance(600_000 + 30 * DAY - 1);
    let next = secret(&app.refresh(&first, None).await);
    assert_eq!(read(&next).1["sub"], read(&first).1["sub"]);
    assert_eq!(read(&next).1["anonymous"], true);
    app.clock.advance(1);
    assert_eq!(app.refresh(&second, None).await.error(401, "unauthorized"), EXPIRED);
}

#[tokio::test]
async fn refresh_of_a_user_works_for_a_week_after_the_first_session() {
    let app = App::start().await;
    let (header, claims) = read(&app.session("ada").await);
    let signing = app.env.get("SESSION_SIGNING_SECRET").unwrap();
    let of_age = |seconds: i64, anonymous: bool| {
        let mut claims = claims.clone();
        claims["auth_time"] = json!(App::began() - seconds);
        if anonymous {
            claims["anonymous"] = json!(true);
        }
        sign(&header, &claims, signing, Algorithm::HS256)
    };
    let week = 7 * 24 * 3_600;
    let next = secret(&app.refresh(&of_age(week - 1, false), Some("ada")).await);
    assert_eq!(read(&next).1["auth_time"], App::began() - week + 1);
    assert_eq!(app.refresh(&of_age(week, false), Some("ada")).await.error(401, "unauthorized"), ENDED);
    secret(&app.refresh(&of_age(100 * week, true), None).await);
}

#[tokio::test]
async fn refresh_of_a_user_needs_their_own_user_token() {
    let app = App::start().await;
    let token = app.session("ada").await;
    let answer = app.refresh(&token, None).await;
    let message = "this session is refreshed with the user's own token beside it";
    assert_eq!(answer.error(401, "unauthorized"), message);
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
    let answer = app.refresh(&token, Some("grace")).await;
    assert_eq!(answer.error(401, "unauthorized"), "the session belongs to another user");
    let expired = crate::harness::tokens::user_token(&app.env, &json!({ "sub": "ada", "exp": App::began() - 31 }));
    let request = post(REFRESH, &json!({ "currentClientSecret": token })).bearer(&expired);
    assert_eq!(app.send(request).await.error(401, "unauthorized"), "the user token is not valid");
    // Another tenant's user of the same name is another user.
    let claims = json!({ "sub": "ada", "tenant": "acme", "exp": App::began() + 60 });
    let other = crate::harness::tokens::user_token(&app.env, &claims);
    let request = post(REFRESH, &json!({ "currentClientSecret": token })).bearer(&other);
    assert_eq!(app.send(request).await.error(401, "unauthorized"), "the session belongs to another user");
    // None of this has used it up.
    secret(&app.refresh(&token, Some("ada")).await);
}

#[tokio::test]
async fn refresh_of_a_visitor_with_a_user_token_is_refused() {
    let app = App::start().await;
    let (token, _) = app.visit().await;
    let answer = app.refresh(&token, Some("ada")).await;
    assert_eq!(answer.error(401, "unauthorized"), "the session belongs to another user");
}

#[tokio::test]
async fn refresh_of_a_visitor_without_anonymous_mode_is_refused() {
    let app = App::start().await;
    let (token, _) = app.visit().await;
    let mut env = app.env.clone();
    env.set("AUTH_MODE", "jwt");
    let closed = App::router(&env, &app.clock, 2);
    let request = post(REFRESH, &json!({ "currentClientSecret": token }));
    let answer = crate::harness::app::Answer::of(tower::ServiceExt::oneshot(closed, request).await.unwrap()).await;
    let message = "this session is refreshed with the user's own token beside it";
    assert_eq!(answer.error(401, "unauthorized"), message);
}

#[tokio::test]
async fn refresh_without_a_secret_answers_bad_request() {
    let app = App::start().await;
    let shape = "the body is not the JSON object that this route takes";
    let missing = "currentClientSecret is required";
    let field = "`currentClientSecret` is missing or has the wrong type";
    let bodies = [
        (json!({}), missing),
        (json!(null), shape),
        (json!("token"), shape),
        (json!({ "current_client_secret": "x" }), missing),
        (json!({ "currentClientSecret": null }), missing),
        (json!({ "currentClientSecret": "" }), missing),
        (json!({ "currentClientSecret": 5 }), field),
        (json!({ "currentClientSecret": { "value": "x" } }), field),
    ];
    for (body, message) in bodies {
        assert_eq!(app.send(post(REFRESH, &body)).await.error(400, "bad_request"), message, "{body}");
    }
    let raw = |body: &'static str| {
        bare(Method::POST, REFRESH, Body::from(body)).with("content-type", "application/json; charset=utf-8")
    };
    for body in ["", "{", "{\"currentClientSecret\":\"x\"", "{\"currentClientSecret\":\"\u{0}\"}", "\u{feff}{}"] {
        app.send(raw(body)).await.error(400, "bad_request");
    }
    let answer = app.send(raw("{\"currentClientSecret\":\"x\"} {}")).await;
    assert_eq!(answer.error(400, "bad_request"), "the body has something behind its JSON object");
    let answer = app.send(raw("{\"currentClientSecret\":\"\\u0000\"}")).await;
    assert_eq!(answer.error(401, "unauthorized"), "the session token is not valid");
    let request = bare(Method::POST, REFRESH, Body::from("{}"));
    app.send(request).await.error(415, "unsupported_media_type");
    let request = bare(Method::POST, REFRESH, Body::from("{}")).with("content-type", "text/plain");
    app.send(request).await.error(415, "unsupported_media_type");
    let large = json!({ "currentClientSecret": "x".repeat(1 << 20) });
    app.send(post(REFRESH, &large)).await.error(413, "payload_too_large");
}
