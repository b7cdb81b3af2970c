//! ID tokens that are not the provider's, not for this client, or not for this sign-in.

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{Browser, app, with};
use crate::harness::app::App;
use crate::harness::keys::Key;
use crate::harness::log::Log;
use crate::harness::provider::{CLIENT_ID, CLIENT_SECRET, Forge, KEYS, ScriptedProvider};
use crate::harness::tokens::{encode, sign};

/// Signs in with an ID token that must be refused; returns why, by the log.
async fn refused(app: &App, provider: &ScriptedProvider, log: &Log) -> String {
    let mut browser = Browser::default();
    let answer = browser.sign_in(app, provider).await;
    assert_eq!(answer.error(502, "upstream_error"), "the identity provider's answer is not accepted");
    assert_eq!(browser.cookies.len(), 0, "the sign-in has ended without one");
    let cause = log.requests().pop().unwrap()["cause"].as_str().unwrap().to_owned();
    let (_, reason) = cause.split_once("ID token is not accepted: ").unwrap_or_else(|| panic!("{cause}"));
    reason.to_owned()
}

#[tokio::test]
async fn id_token_with_a_wrong_claim_signs_nobody_in() {
    let log = Log::start();
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    let began = App::began();
    let issuer = provider.issuer.clone();
    for (claims, reason) in [
        (json!({ "nonce": null }), "nonce"),
        (json!({ "nonce": "0".repeat(64) }), "nonce"),
        (json!({ "nonce": "" }), "nonce"),
        (json!({ "nonce": [0] }), "nonce"),
        (json!({ "iss": "https://evil.example" }), "issuer"),
        (json!({ "iss": format!("{issuer}/") }), "issuer"),
        (json!({ "iss": [issuer] }), "issuer"),
        (json!({ "iss": null }), "malformed"),
        (json!({ "aud": "another client" }), "audience"),
        (json!({ "aud": [] }), "audience"),
        (json!({ "aud": null }), "malformed"),
        (json!({ "aud": [CLIENT_ID, "another client"] }), "audience"),
        (json!({ "aud": [CLIENT_ID, "another client"], "azp": "another client" }), "audience"),
        (json!({ "azp": "another client" }), "audience"),
        (json!({ "azp": [CLIENT_ID] }), "audience"),
        (json!({ "exp": began - 31 }), "time"),
        (json!({ "nbf": began + 31 }), "time"),
        (json!({ "exp": null }), "malformed"),
        (json!({ "exp": "2000000000" }), "malformed"),
        (json!({ "sub": null }), "malformed"),
        (json!({ "sub": "" }), "subject"),
        (json!({ "sub": "vis_01M7WD7TG0S7D2SWSN2WVP89EK" }), "subject"),
        (json!({ "sub": "a".repeat(257) }), "subject"),
        (json!({ "tenant": 5 }), "malformed"),
    ] {
        provider.script().claims = claims.clone();
        assert_eq!(refused(&app, &provider, &log).await, reason, "{claims}");
    }
    for claims in [
        json!({ "exp": began - 29 }),
        json!({ "aud": [CLIENT_ID] }),
        json!({ "aud": [CLIENT_ID, "another client"], "azp": CLIENT_ID }),
        json!({ "azp": CLIENT_ID }),
    ] {
        provider.script().claims = claims.clone();
        assert_eq!(Browser::default().sign_in(&app, &provider).await.status, 303, "{claims}");
    }
}

#[tokio::test]
async fn id_token_with_a_wrong_signature_signs_nobody_in() {
    let log = Log::start();
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    let public = provider.script().key.public.clone();
    let (private, stranger) = (Arc::clone(&provider.script().key), Key::new("one", Algorithm::ES256));
    let unknown = Key::new("unknown", Algorithm::ES256);
    let secret = public["x"].as_str().unwrap().to_owned();
    let rs256 = Key::new("one", Algorithm::RS256);
    let of_secret = |header: Value, secret: String| -> Forge {
        Box::new(move |claims| sign(&header, claims, &secret, Algorithm::HS256))
    };
    let forgeries: Vec<(&str, Forge, &str)> = vec![
        (
            "none",
            Box::new(|claims| format!("{}.{}.", encode(&json!({ "alg": "none", "kid": "one" })), encode(claims))),
            "malformed",
        ),
        (
            "None",
            Box::new(|claims| format!("{}.{}.", encode(&json!({ "alg": "None", "kid": "one" })), encode(claims))),
            "malformed",
        ),
        ("HS256 with the public key", of_secret(json!({ "alg": "HS256", "kid": "one" }), secret.clone()), "signature"),
        (
            "HS256 with the whole key",
            of_secret(json!({ "alg": "HS256", "kid": "one" }), public.to_string()),
            "signature",
        ),
        (
            "HS256 with our secret",
            of_secret(json!({ "alg": "HS256", "kid": "one" }), CLIENT_SECRET.to_owned()),
            "signature",
        ),
        ("a name of our own key", of_secret(json!({ "alg": "ES256", "kid": "one" }), secret), "signature"),
        ("another key of this name", Box::new(move |claims| stranger.sign(claims)), "signature"),
        ("another kind of key of this name", Box::new(move |claims| rs256.sign(claims)), "signature"),
        ("an unknown key", Box::new(move |claims| unknown.sign(claims)), "signature"),
        (
            "no signature",
            Box::new(|claims| format!("{}.{}.", encode(&json!({ "alg": "ES256", "kid": "one" })), encode(claims))),
            "signature",
        ),
        ("no token", Box::new(|_| "canary".to_owned()), "malformed"),
        ("encrypted", Box::new(|_| "a.b.c.d.e".to_owned()), "malformed"),
        (
            "changed",
            Box::new(move |claims| {
                let token = private.sign(claims);
                let (head, signature) = token.rsplit_once('.').unwrap();
                let header = head.split_once('.').unwrap().0;
                let mut claims = claims.clone();
                claims["sub"] = json!("grace");
                format!("{header}.{}.{signature}", encode(&claims))
            }),
            "signature",
        ),
    ];
    for (name, forge, reason) in forgeries {
        provider.script().forge = Some(forge);
        assert_eq!(refused(&app, &provider, &log).await, reason, "{name}");
    }
    provider.script().forge = None;
    assert_eq!(Browser::default().sign_in(&app, &provider).await.status, 303);
}

#[tokio::test]
async fn id_token_of_a_key_that_is_new_is_accepted_and_the_keys_are_read_once_a_minute() {
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    Browser::default().sign_in(&app, &provider).await;
    let key = Arc::new(Key::new("two", Algorithm::RS256));
    {
        let mut script = provider.script();
        script.keys.push(key.public.clone());
        script.key = key;
    }
    provider.asked();
    assert_eq!(Browser::default().sign_in(&app, &provider).await.status, 303);
    provider.script().key = Arc::new(Key::new("three", Algorithm::RS256));
    for _ in 0..3 {
        Browser::default().sign_in(&app, &provider).await.error(502, "upstream_error");
    }
    let read = provider.asked().into_iter().filter(|(path, _)| path == KEYS).count();
    assert_eq!(read, 1, "everybody can send such a token");
}

#[tokio::test]
async fn answer_without_an_id_token_signs_nobody_in() {
    let provider = ScriptedProvider::start().await;
    let app = app(&provider).await;
    for body in
        ["", "null", "[]", "{}", "{\"id_token\":null}", "{\"id_token\":5}", "<html>", "{\"access_token\":\"x\"}"]
    {
        let answer = crate::harness::model::Answer::with(200, "application/json", body);
        provider.script().answers = [(crate::harness::provider::TOKEN, answer)].into();
        Browser::default().sign_in(&app, &provider).await.error(502, "upstream_error");
    }
}

#[tokio::test]
async fn claims_that_no_cookie_can_hold_sign_nobody_in() {
    let provider = ScriptedProvider::start().await;
    let app = with(&provider, []).await;
    provider.script().claims =
        json!({ "permissions": (0..200).map(|n| format!("permission:{n}")).collect::<Vec<_>>() });
    let message = Browser::default().sign_in(&app, &provider).await.error(502, "upstream_error");
    assert_eq!(message, "what the identity provider says of the user does not fit into a cookie");
    // A large picture or many groups are not asked for.
    provider.script().claims =
        json!({ "picture": "p".repeat(20_000), "groups": vec!["g"; 500], "name": "n".repeat(20_000) });
    let mut browser = Browser::default();
    assert_eq!(browser.sign_in(&app, &provider).await.status, 303);
    assert_eq!(browser.claims()["profile"], Value::Null);
}
