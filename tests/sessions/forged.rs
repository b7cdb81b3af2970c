//! Tokens that nobody here has made.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::harness::app::App;
use crate::harness::requests::{Carrying, post};
use crate::harness::sessions::{REFRESH, START, secret};
use crate::harness::tokens::{encode, read, sign, user_token};

/// Everything that can be done to a genuine token without its key, and what its key must not be good for either.
fn forgeries(genuine: &str, signing: &str) -> Vec<(&'static str, String)> {
    let (header, claims) = read(genuine);
    let [first, second, signature] = <[&str; 3]>::try_from(genuine.split('.').collect::<Vec<_>>()).unwrap();
    let with = |part: &Value, name: &str, value: Value| {
        let mut part = part.clone();
        part[name] = value;
        part
    };
    let header_with = |name: &str, value: Value| {
        let header = with(&header, name, value);
        let hash = match header["alg"].as_str() {
            Some("HS384") => Algorithm::HS384,
            Some("HS512") => Algorithm::HS512,
            _ => Algorithm::HS256,
        };
        sign(&header, &claims, signing, hash)
    };
    let claim_with = |name: &str, value: Value| sign(&header, &with(&claims, name, value), signing, Algorithm::HS256);
    let grace = encode(&with(&claims, "sub", json!("grace")));
    let none = encode(&json!({ "typ": header["typ"], "kid": header["kid"], "alg": "none" }));
    // The last character of a signature of 32 bytes has two bits that mean nothing.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let other_last = alphabet.chars().nth(alphabet.find(last).unwrap() ^ 1).unwrap();
    let same_bits = format!("{first}.{second}.{}{other_last}", &signature[..signature.len() - 1]);
    vec![
        ("another key", sign(&header, &claims, "a key of thirty-two bytes or more, not ours", Algorithm::HS256)),
        ("no key", sign(&header, &claims, "", Algorithm::HS256)),
        ("other claims", format!("{first}.{grace}.{signature}")),
        ("alg none", format!("{none}.{second}.")),
        ("alg none with a signature", format!("{none}.{second}.{signature}")),
        ("no signature", format!("{first}.{second}.")),
        ("two parts", format!("{first}.{second}")),
        ("four parts", format!("{genuine}.{signature}")),
        ("truncated", genuine[..genuine.len() - 1].to_owned()),
        ("padded", format!("{genuine}=")),
        ("the same signature in other letters", same_bits),
        ("HS384", header_with("alg", json!("HS384"))),
        ("HS512", header_with("alg", json!("HS512"))),
        ("RS256", header_with("alg", json!("RS256"))),
        ("ES256", header_with("alg", json!("ES256"))),
        ("another type", header_with("typ", json!("JWT"))),
        ("no type", header_with("typ", Value::Null)),
        ("an unknown key id", header_with("kid", json!("0123456789abcdef"))),
        ("a key id that is a path", header_with("kid", json!("../../dev/null"))),
        ("no key id", header_with("kid", Value::Null)),
        ("another issuer", claim_with("iss", json!("somebody"))),
        ("no issuer", claim_with("iss", Value::Null)),
        ("another audience", claim_with("aud", json!("chatkit-visitor"))),
        ("no audience", claim_with("aud", Value::Null)),
        ("an empty user", claim_with("sub", json!(""))),
        ("a user too long", claim_with("sub", json!("x".repeat(257)))),
        ("an empty tenant", claim_with("tenant", json!(""))),
        ("no end", claim_with("exp", Value::Null)),
        ("an end that no calendar has", claim_with("exp", json!(i64::MAX))),
        ("a beginning that no calendar has", claim_with("auth_time", json!(i64::MIN))),
        ("a beginning that is none", claim_with("auth_time", json!("yesterday"))),
    ]
}

#[tokio::test]
async fn forged_session_token_is_refused() {
    let app = App::with([("LIMIT_ADDRESS_BURST", "0")]).await;
    let genuine = app.session("ada").await;
    let list = json!({ "type": "threads.list", "params": {} });
    app.dynamo.reset();
    for (name, token) in forgeries(&genuine, app.env.get("SESSION_SIGNING_SECRET").unwrap()) {
        let answer = app.send(post("/chatkit", &list).bearer(&token)).await;
        // Without a readable header nobody can tell what it was meant to be.
        let message = answer.error(401, "unauthorized");
        let expected = ["the session token is not valid", "the user token is not valid"];
        assert!(expected.contains(&message.as_str()), "{name}: {message}");
        let answer = app.refresh(&token, Some("ada")).await;
        assert_eq!(answer.error(401, "unauthorized"), "the session token is not valid", "{name}");
    }
    for text in [" ", "x", "a.b.c", "..", &format!(" {genuine}"), &format!("{genuine}\n"), "\u{1f600}"] {
        let answer = app.refresh(text, Some("ada")).await;
        assert_eq!(answer.error(401, "unauthorized"), "the session token is not valid", "{text:?}");
    }
    assert_eq!(app.dynamo.reset().calls, [], "nothing was looked up for any of them");
    secret(&app.refresh(&genuine, Some("ada")).await);
}

#[tokio::test]
async fn token_of_one_kind_is_refused_in_place_of_another() {
    // The worst case: an operator who uses one secret for everything.
    const ONE: &str = "one secret of more than thirty-two bytes";
    let app = App::with([("SESSION_SIGNING_SECRET", ONE), ("JWT_SECRET", ONE)]).await;
    let session = app.session("ada").await;
    let (visitor_session, cookie) = app.visit().await;
    let visitor = cookie.split_once('=').unwrap().1;
    let user = app.user_token("ada");
    let list = json!({ "type": "threads.list", "params": {} });

    for token in [&session, &visitor_session] {
        let answer = app.send(post(START, &json!({})).bearer(token)).await;
        assert_eq!(answer.error(401, "unauthorized"), "the user token is not valid");
    }
    for path in [START, "/chatkit", "/api/chat"] {
        let answer = app.send(post(path, &list).bearer(visitor)).await;
        assert_eq!(answer.error(401, "unauthorized"), "the user token is not valid", "{path}");
    }
    for token in [visitor, user.as_str()] {
        let answer = app.refresh(token, Some("ada")).await;
        assert_eq!(answer.error(401, "unauthorized"), "the session token is not valid");
    }
    for token in [&session, &visitor_session, &user] {
        let request = post(START, &json!({})).with("cookie", &format!("__Host-chatkit_visitor={token}"));
        let started = secret(&app.send(request).await);
        let (_, claims) = read(&started);
        assert!(claims["sub"].as_str().unwrap().starts_with("vis_"), "{claims}");
        assert_ne!(claims["sub"], read(&visitor_session).1["sub"]);
    }
    // A site's token that calls itself ours is neither.
    let claims = json!({ "sub": "ada", "exp": App::began() + 60 });
    for typ in ["chatkit-session+jwt", "chatkit-visitor+jwt"] {
        let token = sign(&json!({ "alg": "HS256", "typ": typ }), &claims, ONE, Algorithm::HS256);
        app.send(post("/chatkit", &list).bearer(&token)).await.error(401, "unauthorized");
        app.send(post(REFRESH, &json!({ "currentClientSecret": token }))).await.error(401, "unauthorized");
    }
    assert_eq!(app.send(post("/chatkit", &list).bearer(&user_token(&app.env, &claims))).await.status, 200);
}
