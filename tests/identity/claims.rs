//! What the site says of its users reaches the conversation, whichever token they send.

use std::collections::BTreeMap;

use chatkit_shared::identity::{Claims, SessionTokens, SigningKeys, UserTokens, VisitorCookie};
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::{Clients, Setup};
use serde_json::{Value, json};

use crate::harness::app::{App, NOW};
use crate::harness::requests::{Carrying, post};
use crate::harness::sessions::{REFRESH, START, secret};
use crate::harness::tokens::{read, user_token};

fn profile() -> Value {
    json!({
        "name": "Ada", "email": "ada@example.com", "locale": "en-GB", "zoneinfo": "Europe/London", "plan": "pro",
        "chatkit": { "tier": "gold", "seats": 5, "ratio": 0.5, "beta": true },
    })
}

/// A token of a user whose claims are these.
fn token(app: &App, claims: &Value) -> String {
    let mut claims = claims.clone();
    claims["sub"] = json!("ada");
    claims["exp"] = json!(App::began() + 3600);
    user_token(&app.env, &claims)
}

fn outside(app: &App) -> Clients {
    let ids = Ids::seeded(app.clock.clone(), 3);
    let setup =
        Setup { env: app.env.clone(), clock: app.clock.clone(), ids, cookie: VisitorCookie::CrossSite, dynamodb: None };
    setup.clients().unwrap()
}

/// What a user token says.
async fn verified(app: &App, claims: &Value) -> Claims {
    let Clients { http, secrets, .. } = outside(app);
    let tokens = UserTokens::from_env(&app.env, &secrets, &http, &app.clock).unwrap();
    tokens.verify(&token(app, claims), NOW.parse().unwrap()).await.unwrap().claims
}

/// What a session token says to `chat`.
async fn in_session(app: &App, session: &str) -> Claims {
    let tokens = SessionTokens::new(SigningKeys::required(&app.env, &outside(app).secrets).unwrap());
    tokens.verify(session, app.clock.now(), std::time::Duration::ZERO).await.unwrap().0.identity.claims
}

fn expected() -> Claims {
    let text = |text: &str| Some(text.to_owned());
    let chatkit = [("tier", json!("gold")), ("seats", json!(5)), ("ratio", json!(0.5)), ("beta", json!(true))];
    Claims {
        name: text("Ada"),
        email: text("ada@example.com"),
        locale: text("en-GB"),
        zoneinfo: text("Europe/London"),
        plan: text("pro"),
        chatkit: chatkit.map(|(name, value)| (name.to_owned(), value)).into(),
    }
}

#[tokio::test]
async fn session_of_a_user_carries_the_claims_of_the_user_token() {
    let app = App::start().await;
    assert_eq!(verified(&app, &profile()).await, expected());
    let first = secret(&app.send(post(START, &json!({})).bearer(&token(&app, &profile()))).await);
    assert_eq!(in_session(&app, &first).await, expected());
    let mut written = profile();
    let chatkit = written.as_object_mut().unwrap().remove("chatkit").unwrap();
    written["claims"] = chatkit;
    assert_eq!(read(&first).1["profile"], written);

    // What the site says when the session is refreshed is newer.
    let mut upgraded = profile();
    upgraded["plan"] = json!("enterprise");
    let refresh = post(REFRESH, &json!({ "currentClientSecret": first })).bearer(&token(&app, &upgraded));
    let second = in_session(&app, &secret(&app.send(refresh).await)).await;
    assert_eq!(second, Claims { plan: Some("enterprise".to_owned()), ..expected() });
}

#[tokio::test]
async fn session_of_a_visitor_or_without_claims_carries_none() {
    let app = App::start().await;
    let (visitor, _) = app.visit().await;
    assert_eq!(in_session(&app, &visitor).await, Claims::default());
    let next = secret(&app.refresh(&visitor, None).await);
    assert_eq!(in_session(&app, &next).await, Claims::default());
    let session = app.session("ada").await;
    assert_eq!(in_session(&app, &session).await, Claims::default());
    assert_eq!(read(&session).1.get("profile"), None);
    // What a request says counts for nothing.
    let body = post(START, &json!({ "name": "Eve", "profile": { "name": "Eve" } })).bearer(&app.user_token("ada"));
    assert_eq!(in_session(&app, &secret(&app.send(body).await)).await, Claims::default());
}

#[tokio::test]
async fn claims_of_another_type_are_left_out() {
    let app = App::start().await;
    for odd in [json!(null), json!(5), json!(true), json!(["Ada"]), json!({ "given": "Ada" })] {
        let claims = json!({
            "name": odd, "email": odd, "locale": odd, "zoneinfo": odd, "plan": odd,
            "chatkit": { "list": [1], "object": {}, "null": null, "kept": 1 },
        });
        let kept = BTreeMap::from([("kept".to_owned(), json!(1))]);
        assert_eq!(verified(&app, &claims).await, Claims { chatkit: kept, ..Claims::default() }, "{odd}");
    }
    for odd in [json!(null), json!(5), json!("gold"), json!([{ "tier": "gold" }])] {
        assert_eq!(verified(&app, &json!({ "chatkit": odd })).await, Claims::default(), "{odd}");
    }
}

#[tokio::test]
async fn claims_beyond_the_size_limit_are_left_out() {
    let app = App::start().await;
    let size = |claims: &Claims| serde_json::to_string(claims).unwrap().len();
    // One that is too long is left out, and the next ones are not.
    let claims = verified(&app, &json!({ "name": "x".repeat(2_048), "email": "a@b.c", "chatkit": { "a": 1 } })).await;
    assert_eq!((claims.name, claims.email.as_deref(), claims.chatkit.len()), (None, Some("a@b.c"), 1));
    let many: serde_json::Map<_, _> = (0..500).map(|n| (format!("claim{n:03}"), json!("日本\n\""))).collect();
    let claims = verified(&app, &json!({ "name": "Ada", "chatkit": many })).await;
    assert_eq!(claims.name.as_deref(), Some("Ada"));
    assert!((1_950..=Claims::MAX_BYTES).contains(&size(&claims)), "{}", size(&claims));
    // Every size around the bound.
    for length in 2_000..2_048 {
        let claims = verified(&app, &json!({ "name": "x".repeat(length) })).await;
        assert!(size(&claims) <= Claims::MAX_BYTES, "{length}");
        assert_eq!(claims.name.is_some(), length <= 2_025, "{length}");
    }
    let session = secret(&app.send(post(START, &json!({})).bearer(&token(&app, &json!({ "chatkit": many })))).await);
    assert!(session.len() < 4_096, "{}", session.len());
}

#[tokio::test]
async fn claims_have_the_names_that_the_operator_gives_them() {
    let names = "user=user.id, tenant=https://site.example/org.id,permissions=roles, name=user.name ,email=user.email";
    let app = App::with([("USER_CLAIMS", names)]).await;
    let claims = json!({
        "user": { "id": "ada-7", "name": "Ada", "email": "ada@example.com" },
        "https://site.example/org.id": "acme", "roles": ["analytics:read", "other"],
        "name": "not read", "tenant": "not read",
    });
    let Clients { http, secrets, .. } = outside(&app);
    let tokens = UserTokens::from_env(&app.env, &secrets, &http, &app.clock).unwrap();
    let identity = tokens.verify(&token(&app, &claims), NOW.parse().unwrap()).await.unwrap();
    assert_eq!((identity.owner.tenant(), identity.owner.user()), ("acme", "ada-7"));
    assert_eq!(identity.permissions, ["analytics:read", "other"]);
    assert_eq!(identity.claims.name.as_deref(), Some("Ada"));
    assert_eq!(identity.claims.email.as_deref(), Some("ada@example.com"));

    for names in ["user", "user=", "sub=user", "user=a,other=b"] {
        let mut env = app.env.clone();
        env.set("USER_CLAIMS", names);
        let error = UserTokens::from_env(&env, &secrets, &http, &app.clock).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("`USER_CLAIMS` must be a comma-separated list like"), "{names}: {error}");
    }
}
