//! Sessions: a lost answer of `start` is the same session again.

use serde_json::json;

use super::{keyed, written};
use crate::harness::app::App;
use crate::harness::requests::{Carrying, post};
use crate::harness::sessions::{START, cookie, secret};
use crate::harness::tokens::read;

#[tokio::test]
async fn start_with_a_key_is_one_session_and_keeps_no_secret() {
    let app = App::start().await;
    app.send(post(START, &json!({})).bearer(&app.user_token("ada"))).await;
    assert_eq!(written(&app, "counters"), 1.0);
    let first = secret(&app.send(keyed(&app, START, "ada", "key-1", &json!({}))).await);
    assert_eq!(written(&app, "counters"), 2.0);
    assert!(!format!("{:?}", app.dynamo.records("counters")).contains(&first));
    app.clock.advance(9_000);
    // The alias is the same route.
    let again = app.send(keyed(&app, "/api/chatkit/session", "ada", "key-1", &json!({}))).await;
    assert_eq!(secret(&again), first);
    assert_eq!(
        (&again.json()["expires_in"], again.json()["expires_at"].as_i64()),
        (&json!(591), Some(App::began() + 600))
    );

    for (user, key, body) in [("ada", "key-2", json!({})), ("bob", "key-1", json!({}))] {
        let other = secret(&app.send(keyed(&app, START, user, key, &body)).await);
        assert_ne!(read(&other).1["jti"], read(&first).1["jti"], "{user} {key}");
        assert_eq!(read(&other).1["sub"], user);
    }
    let conflict = app.send(keyed(&app, START, "ada", "key-1", &json!({ "other": 1 }))).await;
    assert!(conflict.error(409, "conflict").contains("another request"));
    // A day later the key is free.
    app.clock.advance(86_400_000);
    let later = secret(&app.send(keyed(&app, START, "ada", "key-1", &json!({ "other": 1 }))).await);
    assert_ne!(read(&later).1["jti"], read(&first).1["jti"]);
}

#[tokio::test]
async fn start_of_a_visitor_is_repeated_for_the_same_cookie_only() {
    let app = App::start().await;
    let start = || post(START, &json!({})).with("idempotency-key", "start-1");
    let (one, two) = (app.send(start()).await, app.send(start()).await);
    assert_ne!(read(&secret(&one)).1["sub"], read(&secret(&two)).1["sub"]);
    let known = || start().with("cookie", &cookie(&one));
    let (first, again) = (app.send(known()).await, app.send(known()).await);
    assert_eq!(secret(&first), secret(&again));
    assert_eq!(read(&secret(&first)).1["sub"], read(&secret(&one)).1["sub"]);
    let other = app.send(start().with("cookie", &cookie(&two))).await;
    assert_eq!(read(&secret(&other)).1["sub"], read(&secret(&two)).1["sub"]);
}

#[tokio::test]
async fn key_that_cannot_be_is_refused() {
    let app = App::start().await;
    let long = "k".repeat(256);
    for key in ["", "two words", "ümlaut", &long] {
        let answer = app.send(keyed(&app, START, "ada", key, &json!({}))).await;
        assert!(answer.error(400, "bad_request").contains("`Idempotency-Key`"), "{key}");
    }
    let twice = keyed(&app, START, "ada", "one", &json!({})).with("idempotency-key", "two");
    app.send(twice).await.error(400, "bad_request");
    let longest = keyed(&app, START, "ada", &long[1..], &json!({}));
    assert_eq!(app.send(longest).await.status, 200);
}
