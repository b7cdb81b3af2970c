//! A session of our own: what it says, and what it opens.

use axum::body::Body;
use http::Method;
use serde_json::{Value, json};

use crate::harness::app::{App, chatkit};
use crate::harness::requests::{Carrying, bare, headers, post};
use crate::harness::sessions::{START, secret};
use crate::harness::tokens::read;

fn list() -> Value {
    json!({ "type": "threads.list", "params": {} })
}

/// The part of the answers' headers that is always the same.
const HEADERS: [(&str, &str); 8] = [
    ("access-control-allow-credentials", "true"),
    ("access-control-expose-headers", "x-request-id,retry-after"),
    ("cache-control", "no-store"),
    ("content-security-policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'"),
    ("content-type", "application/json"),
    ("referrer-policy", "no-referrer"),
    ("vary", "origin, access-control-request-headers"),
    ("x-content-type-options", "nosniff"),
];

#[tokio::test]
async fn start_returns_a_signed_session_token() {
    let app = App::start().await;
    let mut seen = Vec::new();
    for path in [START, "/api/chatkit/session"] {
        let answer = app.send(post(path, &json!({})).bearer(&app.user_token("ada"))).await;
        let token = secret(&answer);
        let body = json!({ "client_secret": token, "expires_at": App::began() + 600, "expires_in": 600 });
        assert_eq!((answer.status.as_u16(), answer.json()), (200, body));
        let length = answer.text.len().to_string();
        let mut expected = HEADERS.to_vec();
        expected.insert(3, ("content-length", &length));
        assert_eq!(headers(&answer), expected);

        let (header, claims) = read(&token);
        let key_id = header["kid"].as_str().unwrap();
        assert!(key_id.len() == 16 && key_id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{key_id}");
        assert_eq!(header, json!({ "typ": "chatkit-session+jwt", "alg": "HS256", "kid": key_id }));
        let jti = claims["jti"].as_str().unwrap();
        assert!(jti.starts_with("ses_") && jti.len() == 30, "{jti}");
        let expected = json!({
            "iss": "chatkit", "aud": "chatkit-session", "sub": "ada", "tenant": "default", "jti": jti,
            "iat": App::began(), "exp": App::began() + 600, "auth_time": App::began(),
        });
        assert_eq!(claims, expected);
        seen.push(jti.to_owned());
    }
    assert_ne!(seen[0], seen[1]);
}

#[tokio::test]
async fn start_ignores_the_body() {
    let app = App::start().await;
    let token = app.user_token("ada");
    for body in ["", "{", "[1]", "{\"user\":\"grace\",\"tenant\":\"other\"}"] {
        let request = bare(Method::POST, START, Body::from(body)).bearer(&token);
        let (_, claims) = read(&secret(&app.send(request).await));
        assert_eq!((&claims["sub"], &claims["tenant"]), (&json!("ada"), &json!("default")));
    }
}

#[tokio::test]
async fn session_token_is_verified_without_a_read() {
    let app = App::start().await;
    let token = app.session("ada").await;
    app.dynamo.reset();
    let answer = app.send(post("/chatkit", &list()).bearer(&token)).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({ "data": [], "has_more": false })));
    let by_session = app.dynamo.reset();
    app.send(chatkit("ada", &list())).await;
    assert_eq!(by_session.operations(), app.dynamo.reset().operations());
    assert_eq!(by_session.operations(), ["UpdateItem", "Query"]);
}

#[tokio::test]
async fn session_token_ends_on_the_second() {
    let app = App::start().await;
    // Sessions end on whole seconds, wherever in a second they begin.
    app.clock.advance(999);
    let token = app.session("ada").await;
    app.clock.advance(599_000);
    assert_eq!(app.send(post("/chatkit", &list()).bearer(&token)).await.status, 200);
    app.clock.advance(1);
    let answer = app.send(post("/chatkit", &list()).bearer(&token)).await;
    assert_eq!(answer.error(401, "unauthorized"), "the session token has expired");
    assert_eq!(answer.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn session_token_opens_the_users_own_data_only() {
    let app = App::start().await;
    let token = app.session("ada").await;
    let usage = |path: &'static str| crate::harness::requests::get(path).bearer(&token);
    assert_eq!(app.send(usage("/api/usage/me")).await.status, 200);
    let answer = app.send(usage("/api/analytics")).await;
    assert_eq!(answer.error(403, "forbidden"), "this route needs the permission `analytics:read`");
    // A session is what `start` gives, not what it takes.
    let answer = app.send(post(START, &json!({})).bearer(&token)).await;
    assert_eq!(answer.error(401, "unauthorized"), "the user token is not valid");
}
