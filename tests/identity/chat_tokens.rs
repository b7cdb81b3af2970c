//! Chat tokens: an hour at most of a user's identity, with the permissions that were asked for.

use serde_json::{Value, json};

use crate::harness::app::{App, create, thread_id};
use crate::harness::requests::{Carrying, get, post};
use crate::harness::responses::answer;
use crate::harness::sessions::{REFRESH, START};
use crate::harness::tokens::{encode, read, sign, user_token};

const CHAT_TOKEN: &str = "/api/auth/chat-token";
const ANALYTICS: &str = "/api/analytics?startDate=2026-11-20&endDate=2026-11-20";
const READ: &str = "analytics:read";

fn site_token(app: &App, permissions: &[&str]) -> String {
    let claims =
        json!({ "sub": "ada", "tenant": "acme", "exp": App::began() + 60, "permissions": permissions, "name": "Ada" });
    user_token(&app.env, &claims)
}

/// The document with which a chat token comes.
async fn given(app: &App, user_token: &str, wanted: &Value) -> Value {
    let answer = app.send(post(CHAT_TOKEN, wanted).bearer(user_token)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn chat_token_is_good_for_what_was_asked_and_no_longer_than_an_hour() {
    let app = App::with([("AUTH_MODE", "jwt")]).await;
    let site = site_token(&app, &[READ, "other"]);
    let document = given(&app, &site, &json!({ "permissions": [READ], "expires_in": 120 })).await;
    let token = document["token"].as_str().unwrap();
    let (ends, permissions) = (App::began() + 120, [READ]);
    assert_eq!(document, json!({ "token": token, "expires_at": ends, "expires_in": 120, "permissions": permissions }));
    app.model.then(answer("Hello"));
    let created = app.send(post("/chatkit", &create("Hi")).bearer(token)).await.events();
    let seen = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread_id(&created) } });
    let sites = app.send(post("/chatkit", &seen).bearer(&site)).await;
    assert_eq!(sites.status, 200, "it is the same user's thread");
    assert_eq!(app.send(get(ANALYTICS).bearer(token)).await.status, 200);

    app.clock.advance(119_999);
    assert_eq!(app.send(post("/chatkit", &seen).bearer(token)).await.status, 200);
    app.clock.advance(1);
    let ended = app.send(post("/chatkit", &seen).bearer(token)).await;
    assert_eq!(ended.error(401, "unauthorized"), "the chat token is not valid, or it has ended");
}

#[tokio::test]
async fn chat_token_has_no_permission_that_was_not_asked_for_or_given() {
    let app = App::with([("AUTH_MODE", "jwt")]).await;
    let all = site_token(&app, &[READ]);
    let plain = given(&app, &all, &json!({})).await;
    assert_eq!((&plain["expires_in"], &plain["permissions"]), (&json!(3600), &json!([])));
    let refused = app.send(get(ANALYTICS).bearer(plain["token"].as_str().unwrap())).await;
    refused.error(403, "forbidden");

    let message = |message: &str| message.to_owned();
    for (permissions, wanted, code, expected) in [
        (
            &[READ][..],
            json!({ "permissions": [READ, "admin"] }),
            (403, "forbidden"),
            "the user does not have the permission `admin`",
        ),
        (
            &[],
            json!({ "permissions": [READ] }),
            (403, "forbidden"),
            "the user does not have the permission `analytics:read`",
        ),
        (&[READ], json!({ "expires_in": 3601 }), (400, "bad_request"), "`expires_in` must be from 1 to 3600 seconds"),
        (&[READ], json!({ "expires_in": 0 }), (400, "bad_request"), "`expires_in` must be from 1 to 3600 seconds"),
        (&[READ], json!({ "expires_in": -1 }), (400, "bad_request"), "`expires_in` is missing or has the wrong type"),
        (
            &[READ],
            json!({ "permissions": "all" }),
            (400, "bad_request"),
            "`permissions` is missing or has the wrong type",
        ),
        (&[READ], json!([]), (400, "bad_request"), "the body is not the JSON object that this route takes"),
    ] {
        let answer = app.send(post(CHAT_TOKEN, &wanted).bearer(&site_token(&app, permissions))).await;
        assert_eq!(answer.error(code.0, code.1), message(expected), "{wanted}");
    }
}

#[tokio::test]
async fn chat_token_makes_neither_a_session_nor_another_token() {
    let app = App::start().await;
    let document = given(&app, &site_token(&app, &[]), &json!({})).await;
    let token = document["token"].as_str().unwrap();
    for request in [
        post(CHAT_TOKEN, &json!({})).bearer(token),
        post(START, &json!({})).bearer(token),
        post(REFRESH, &json!({ "currentClientSecret": token })),
    ] {
        app.send(request).await.error(401, "unauthorized");
    }
    // Nor does a session or a visitor get one.
    let session = app.session("ada").await;
    app.send(post(CHAT_TOKEN, &json!({})).bearer(&session)).await.error(401, "unauthorized");
    app.send(post(CHAT_TOKEN, &json!({}))).await.error(401, "unauthorized");
}

#[tokio::test]
async fn chat_token_that_is_changed_is_refused() {
    let app = App::start().await;
    let document = given(&app, &site_token(&app, &[]), &json!({})).await;
    let genuine = document["token"].as_str().unwrap();
    let (header, claims) = read(genuine);
    let more = {
        let mut claims = claims.clone();
        claims["permissions"] = json!([READ]);
        claims
    };
    let [head, body, signature] = <[&str; 3]>::try_from(genuine.split('.').collect::<Vec<_>>()).unwrap();
    let site_secret = app.env.get("JWT_SECRET").unwrap();
    for forged in [
        format!("{head}.{}.{signature}", encode(&more)),
        format!("{}.{body}.", encode(&json!({ "alg": "none", "typ": "chatkit-token+jwt" }))),
        sign(&header, &more, site_secret, jsonwebtoken::Algorithm::HS256),
    ] {
        let answer = app.send(get("/api/usage/me").bearer(&forged)).await;
        answer.error(401, "unauthorized");
    }
    // With the site's own secret it is still no user token.
    let typed = sign(
        &json!({ "alg": "HS256", "typ": "chatkit-token+jwt" }),
        &claims,
        site_secret,
        jsonwebtoken::Algorithm::HS256,
    );
    app.send(post(START, &json!({})).bearer(&typed)).await.error(401, "unauthorized");
}
