//! Signing in, as it should go.

use std::sync::Arc;

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use super::{API, Browser, LOGIN, SITE, app, location, with};
use crate::harness::keys::Key;
use crate::harness::log::Log;
use crate::harness::provider::{CLIENT_ID, CLIENT_SECRET, DISCOVERY, KEYS, ScriptedProvider, TOKEN};
use crate::harness::requests::{Carrying, get, headers, post};
use crate::harness::sessions::START;
use crate::harness::tokens::read;

#[tokio::test]
async fn signing_in_ends_on_the_page_with_a_cookie_and_no_token_in_an_address() {
    let log = Log::start();
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    provider.script().claims = json!({
        "sub": "ada", "name": "Ada", "email": "ada@example.com", "locale": "de-AT", "tenant": "acme",
        "permissions": ["analytics:read"], "chatkit": { "seat": 4 },
    });
    let asked = browser.send(&app, get(&format!("{LOGIN}?return_to={SITE}/chat?a=b%26c"))).await;
    let (cookie, _) = asked.headers["set-cookie"].to_str().unwrap().split_once("; Max-Age=").unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Secure; Path=/"), "{cookie}");
    let to = location(&asked).to_owned();
    let back = provider.authorize(&to);
    let answer = browser.come_back(&app, &back).await;
    assert_eq!(location(&answer), format!("{SITE}/chat?a=b&c"));
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["__Host-chatkit_login"], "the sign-in has ended");
    let expected = json!({
        "aud": "chatkit-login", "sub": "ada", "tenant": "acme", "permissions": ["analytics:read"],
        "iat": app.clock.now().as_second(), "exp": app.clock.now().as_second() + 8 * 3_600,
        "profile": {
            "name": "Ada", "email": "ada@example.com", "locale": "de-AT", "claims": { "seat": 4 },
        },
    });
    assert_eq!(browser.claims(), expected);
    assert_eq!(read(&browser.cookies["__Host-chatkit_login"]).0["typ"], "chatkit-login+jwt");
    let started = browser.send(&app, post(START, &json!({})).with("origin", SITE)).await.json();
    let (_, session) = read(started["client_secret"].as_str().unwrap());
    assert_eq!((&session["sub"], &session["profile"]), (&expected["sub"], &expected["profile"]));
    assert_eq!(browser.send(&app, get("/api/analytics")).await.status, 200);

    let paths: Vec<_> = provider.asked().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, [DISCOVERY, TOKEN, KEYS]);
    // Neither what is secret nor who it is.
    let text = log.text();
    let secrets = [&back["code"], &back["state"], "canary", "ada@example.com", "eyJ"];
    assert_eq!(secrets.into_iter().find(|secret| text.contains(*secret)), None, "{text}");
    let lines = log.requests();
    let line = lines.iter().find(|line| line["path"] == "/auth/callback").unwrap();
    assert!(line["user"].is_string() && line["user"] != "ada", "{line}");
    for address in [&to, location(&answer)] {
        assert!(!address.contains("eyJ") && !address.contains("canary-"), "{address}");
    }
}

#[tokio::test]
async fn answers_of_the_sign_in_are_not_kept_and_tell_nobody_where_they_came_from() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    let answer = browser.sign_in(&app, &provider).await;
    for header in [("cache-control", "no-store"), ("referrer-policy", "no-referrer")] {
        assert!(headers(&answer).contains(&header), "{:?}", answer.headers);
    }
    assert_eq!(location(&answer), format!("{API}/chat"));
}

#[tokio::test]
async fn provider_is_asked_for_the_scopes_that_are_configured_with_the_redirect_address_of_the_api() {
    let provider = ScriptedProvider::start().await;
    for (variables, scopes, redirect) in [
        ([("OIDC_SCOPES", ""), ("AUTH_URL", API)], "openid profile email", "https://chat.example.com/auth/callback"),
        (
            [("OIDC_SCOPES", "openid groups"), ("AUTH_URL", "https://a.example/prod/")],
            "openid groups",
            "https://a.example/prod/auth/callback",
        ),
    ] {
        let app = with(&provider, variables).await;
        // The host is what a client writes.
        let answer = app.send(get(LOGIN).with("host", "evil.example").with("x-forwarded-host", "evil.example")).await;
        let url = reqwest::Url::parse(location(&answer)).unwrap();
        let value = |name: &str| url.query_pairs().find(|(each, _)| each == name).unwrap().1.into_owned();
        assert_eq!((value("scope").as_str(), value("redirect_uri").as_str()), (scopes, redirect));
        assert!(!location(&answer).contains("evil"));
    }
}

#[tokio::test]
async fn client_proves_itself_as_the_provider_takes_it() {
    let provider = ScriptedProvider::start().await;
    let basic = {
        use base64::Engine as _;
        let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encode(CLIENT_ID), encode(CLIENT_SECRET));
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))
    };
    for (methods, secret, expected) in [
        (json!(["client_secret_basic", "client_secret_post"]), CLIENT_SECRET, (Some(CLIENT_SECRET), None)),
        (json!(["client_secret_basic"]), CLIENT_SECRET, (None, Some(basic.as_str()))),
        // The default of the specification.
        (Value::Null, CLIENT_SECRET, (None, Some(basic.as_str()))),
        // A public client has PKCE only.
        (json!(["client_secret_post"]), "", (None, None)),
    ] {
        let mut discovery = provider.script().discovery.clone();
        match methods {
            Value::Null => {
                discovery.as_object_mut().unwrap().retain(|name, _| !name.starts_with("token_endpoint_auth"))
            }
            methods => discovery["token_endpoint_auth_methods_supported"] = methods,
        }
        provider.script().discovery = discovery;
        let (app, mut browser) = (with(&provider, [("OIDC_CLIENT_SECRET", secret)]).await, Browser::default());
        provider.asked();
        assert_eq!(browser.sign_in(&app, &provider).await.status, 303);
        let (_, form) = provider.asked().into_iter().find(|(path, _)| path == TOKEN).unwrap();
        let value = |name: &str| form.get(name).map(String::as_str);
        assert_eq!((value("client_secret"), value("authorization")), expected);
    }
}

#[tokio::test]
async fn tokens_of_each_published_kind_of_key_are_accepted() {
    let provider = ScriptedProvider::start().await;
    for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let key = Arc::new(Key::new("two", algorithm));
        {
            let mut script = provider.script();
            script.keys = vec![key.public.clone()];
            script.key = key;
        }
        let (app, mut browser) = (app(&provider).await, Browser::default());
        assert_eq!(browser.sign_in(&app, &provider).await.status, 303, "{algorithm:?}");
        assert!(browser.is_signed_in(&app).await);
    }
}

#[tokio::test]
async fn claims_are_those_that_the_operator_names_and_an_address_that_was_not_proven_is_none() {
    let provider = ScriptedProvider::start().await;
    let app = with(&provider, [("USER_CLAIMS", "user=oid,tenant=tid,name=preferred_username")]).await;
    for (verified, email) in
        [(json!(true), json!("a@b.example")), (Value::Null, json!("a@b.example")), (json!(false), Value::Null)]
    {
        provider.script().claims = json!({
            "oid": "user 1", "tid": "acme", "preferred_username": "Ada", "email": "a@b.example",
            "email_verified": verified,
        });
        let mut browser = Browser::default();
        browser.sign_in(&app, &provider).await;
        let claims = browser.claims();
        assert_eq!((&claims["sub"], &claims["tenant"]), (&json!("user 1"), &json!("acme")));
        assert_eq!((&claims["profile"]["name"], &claims["profile"]["email"]), (&json!("Ada"), &email));
    }
}

#[tokio::test]
async fn sign_in_lasts_as_long_as_configured_and_ends() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (with(&provider, [("LOGIN_HOURS", "1")]).await, Browser::default());
    browser.sign_in(&app, &provider).await;
    app.clock.advance(3_599_000);
    assert!(browser.is_signed_in(&app).await);
    app.clock.advance(1_000);
    assert!(!browser.is_signed_in(&app).await);
}

#[tokio::test]
async fn another_user_in_the_same_browser_takes_the_place_of_the_first() {
    let provider = ScriptedProvider::start().await;
    let (app, mut browser) = (app(&provider).await, Browser::default());
    browser.sign_in(&app, &provider).await;
    let first = browser.cookies.clone();
    provider.script().claims = json!({ "sub": "grace" });
    browser.sign_in(&app, &provider).await;
    assert_eq!(browser.claims()["sub"], "grace");
    assert_ne!(browser.cookies, first, "a session that was there before is not the new user's");
}
