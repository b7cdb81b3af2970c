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
    // The second of its family.
    expected["jti"] = json!(format!("{}.1", before["jti"].as_str().unwrap()));
    assert_eq!(after, expected);
    let third = secret(&app.refresh(&second, Some("ada")).await);
    assert_eq!(read(&third).1["jti"], format!("{}.2", before["jti"].as_str().unwrap()));

    let list = json!({ "type": "threads.list", "params": {} });
    assert_eq!(app.send(post("/chatkit", &list).bearer(&second)).await.status, 200);
}

#[tokio::test]
async fn refresh_of_a_used_secret_gives_the_same_answer_for_a_minute() {
    let app = App::start().await;
    let first = app.session("ada").await;
    let second = secret(&app.refresh(&first, Some("ada")).await);
    app.clock.advance(60_000);
    let again = app.refresh(&first, Some("ada")).await;
    let body = json!({ "client_secret": second, "expires_at": App::began() + 600, "expires_in": 540 });
    assert_eq!((again.status.as_u16(), again.json()), (200, body));
    secret(&app.refresh(&second, Some("ada")).await);
}

#[tokio::test]
async fn refresh_of_a_used_secret_at_once_makes_one_branch() {
    let app = App::with([("LIMIT_ADDRESS_BURST", "0")]).await;
    let (first, _) = app.visit().await;
    let answers = futures_util::future::join_all((0..12).map(|_| app.refresh(&first, None))).await;
    let mut secrets: Vec<_> = answers.iter().map(secret).collect();
    secrets.dedup();
    assert_eq!(secrets.len(), 1);
}

#[tokio::test]
async fn refresh_of_a_secret_that_was_used_long_ago_ends_its_family() {
    let app = App::start().await;
    let ((first, _), (other, _)) = (app.visit().await, app.visit().await);
    let second = secret(&app.refresh(&first, None).await);
    app.clock.advance(60_001);
    // A thief, or the visitor after a thief: nobody can know.
    assert_eq!(app.refresh(&first, None).await.error(401, "unauthorized"), USED);
    assert_eq!(app.refresh(&second, None).await.error(401, "unauthorized"), ENDED);
    assert_eq!(app.refresh(&first, None).await.error(401, "unauthorized"), ENDED);
    // The newest token is good until its own end, for nobody looks it up; other families are untouched.
    let list = json!({ "type": "threads.list", "params": {} });
    assert_eq!(app.send(post("/chatkit", &list).bearer(&second)).await.status, 200);
    secret(&app.refresh(&other, None).await);
}

#[tokio::test]
async fn refresh_of_a_secret_two_generations_old_ends_its_family() {
    let app = App::start().await;
    let (first, _) = app.visit().await;
    let second = secret(&app.refresh(&first, None).await);
    let third = secret(&app.refresh(&second, None).await);
    assert_eq!(app.refresh(&first, None).await.error(401, "unauthorized"), USED);
    assert_eq!(app.refresh(&third, None).await.error(401, "unauthorized"), ENDED);
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
    let app = App::with([("SESSION_VISITOR_DAYS", "31")]).await;
    let ((first, _), (second, _)) = (app.visit().await, app.visit().await);
    app.clock.advance(600_000 + 30 * DAY - 1);
    let next = secret(&app.refresh(&first, None).await);
    assert_eq!(read(&next).1["sub"], read(&first).1["sub"]);
    assert_eq!(read(&next).1["anonymous"], true);
    app.clock.advance(1);
    assert_eq!(app.refresh(&second, None).await.error(401, "unauthorized"), EXPIRED);
}

#[tokio::test]
async fn family_of_a_user_lasts_a_week_and_of_a_visitor_thirty_days() {
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
    let month = 30 * 24 * 3_600;
    secret(&app.refresh(&of_age(month - 1, true), None).await);
    assert_eq!(app.refresh(&of_age(month, true), None).await.error(401, "unauthorized"), ENDED);
}

#[tokio::test]
async fn families_end_after_the_days_of_the_configuration() {
    let app = App::with([("SESSION_USER_DAYS", "1"), ("SESSION_VISITOR_DAYS", "2")]).await;
    let (mut user, (mut visitor, _)) = (app.session("ada").await, app.visit().await);
    for _ in 1..24 {
        app.clock.advance(HOUR);
        user = secret(&app.refresh(&user, Some("ada")).await);
        visitor = secret(&app.refresh(&visitor, None).await);
    }
    app.clock.advance(HOUR);
    assert_eq!(app.refresh(&user, Some("ada")).await.error(401, "unauthorized"), ENDED);
    visitor = secret(&app.refresh(&visitor, None).await);
    app.clock.advance(DAY);
    assert_eq!(app.refresh(&visitor, None).await.error(401, "unauthorized"), ENDED);
}

#[tokio::test]
async fn refresh_costs_two_writes_and_a_read_in_two_round_trips() {
    let app = App::start().await;
    let (token, _) = app.visit().await;
    // The address's bucket was last written by `start`, which costs the first refresh a write.
    let token = secret(&app.refresh(&token, None).await);
    app.dynamo.reset();
    app.dynamo.lockstep(true);
    secret(&app.refresh(&token, None).await);
    let traffic = app.dynamo.reset();
    assert_eq!(traffic.units(), (1.0, 2.0));
    assert_eq!(traffic.round_trips(), 2);
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
