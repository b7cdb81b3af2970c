//! The site's own JWTs.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::harness::app::{App, create, thread_id};
use crate::harness::requests::{Carrying, get, post};
use crate::harness::responses::answer;
use crate::harness::sessions::START;
use crate::harness::tokens::{encode, read, sign, user_token};

/// No limit per address, as these tests come from one.
const UNLIMITED: (&str, &str) = ("LIMIT_ADDRESS_BURST", "0");
const INVALID: &str = "the user token is not valid";

/// Whom a token makes its bearer: tenant and user.
async fn identity(app: &App, token: &str) -> Result<(String, String), String> {
    let answer = app.send(post(START, &json!({})).bearer(token)).await;
    if answer.status != 200 {
        return Err(answer.error(401, "unauthorized"));
    }
    let (_, claims) = read(answer.json()["client_secret"].as_str().unwrap());
    let text = |name: &str| claims[name].as_str().unwrap().to_owned();
    Ok((text("tenant"), text("sub")))
}

async fn with_claims(app: &App, claims: Value) -> Result<(String, String), String> {
    identity(app, &user_token(&app.env, &claims)).await
}

fn refused() -> Result<(String, String), String> {
    Err(INVALID.to_owned())
}

fn user(tenant: &str, user: &str) -> Result<(String, String), String> {
    Ok((tenant.to_owned(), user.to_owned()))
}

#[tokio::test]
async fn user_token_is_accepted_with_hs256_and_the_sites_secret_only() {
    let app = App::with([UNLIMITED]).await;
    let secret = app.env.get("JWT_SECRET").unwrap().to_owned();
    let claims = json!({ "sub": "ada", "exp": App::began() + 60 });
    let signed = |header: Value, secret: &str, hash| sign(&header, &claims, secret, hash);
    let jwt = json!({ "alg": "HS256", "typ": "JWT" });
    let genuine = signed(jwt.clone(), &secret, Algorithm::HS256);
    assert_eq!(identity(&app, &genuine).await, user("default", "ada"));
    assert_eq!(
        identity(&app, &signed(json!({ "alg": "HS256" }), &secret, Algorithm::HS256)).await,
        user("default", "ada")
    );

    let [header, _, signature] = <[&str; 3]>::try_from(genuine.split('.').collect::<Vec<_>>()).unwrap();
    let grace = encode(&json!({ "sub": "grace", "exp": App::began() + 60 }));
    let forged = [
        signed(jwt.clone(), "another secret that has thirty-two bytes", Algorithm::HS256),
        signed(jwt.clone(), "", Algorithm::HS256),
        signed(jwt.clone(), &secret, Algorithm::HS512),
        signed(json!({ "alg": "HS384", "typ": "JWT" }), &secret, Algorithm::HS384),
        signed(json!({ "alg": "HS512", "typ": "JWT" }), &secret, Algorithm::HS512),
        signed(json!({ "alg": "RS256", "typ": "JWT" }), &secret, Algorithm::HS256),
        signed(json!({ "alg": "ES256", "typ": "JWT" }), &secret, Algorithm::HS256),
        format!("{}.{}.", encode(&json!({ "alg": "none" })), encode(&claims)),
        format!("{}.{}.{signature}", encode(&json!({ "alg": "None" })), encode(&claims)),
        format!("{header}.{grace}.{signature}"),
        genuine[..genuine.len() - 1].to_owned(),
        format!("{genuine}.{signature}"),
        "x".to_owned(),
        "..".to_owned(),
    ];
    for token in forged {
        assert_eq!(identity(&app, &token).await, refused(), "{token}");
    }
}

#[tokio::test]
async fn user_token_times_allow_thirty_seconds_of_leeway() {
    let app = App::with([UNLIMITED]).await;
    let now = App::began();
    let ada = user("default", "ada");
    assert_eq!(with_claims(&app, json!({ "sub": "ada", "exp": now - 29 })).await, ada);
    assert_eq!(with_claims(&app, json!({ "sub": "ada", "exp": now - 30 })).await, refused());
    assert_eq!(with_claims(&app, json!({ "sub": "ada", "exp": now + 60, "nbf": now + 30 })).await, ada);
    assert_eq!(with_claims(&app, json!({ "sub": "ada", "exp": now + 60, "nbf": now + 31 })).await, refused());
    // RFC 7519 allows fractions, and some libraries write them.
    assert_eq!(with_claims(&app, json!({ "sub": "ada", "exp": now as f64 + 0.5, "nbf": now as f64 - 0.5 })).await, ada);
    assert_eq!(with_claims(&app, json!({ "sub": "ada", "exp": now as f64 - 30.5 })).await, refused());
    assert_eq!(with_claims(&app, json!({ "sub": "ada", "exp": i64::MAX, "nbf": 0 })).await, ada);
    for end in [json!(null), json!("tomorrow"), json!(-1), json!(i64::MIN), json!([now + 60]), json!(1e-300)] {
        assert_eq!(with_claims(&app, json!({ "sub": "ada", "exp": end })).await, refused(), "{end}");
    }
    assert_eq!(with_claims(&app, json!({ "sub": "ada" })).await, refused(), "a token has an end");
    for begin in [json!("yesterday"), json!(i64::MAX), json!({})] {
        let claims = json!({ "sub": "ada", "exp": now + 60, "nbf": begin });
        assert_eq!(with_claims(&app, claims).await, refused(), "{begin}");
    }
    // Sub-seconds of our own clock count.
    app.clock.advance(500);
    assert_eq!(with_claims(&app, json!({ "sub": "ada", "exp": now as f64 - 29.4 })).await, ada);
    assert_eq!(with_claims(&app, json!({ "sub": "ada", "exp": now as f64 - 29.6 })).await, refused());
}

#[tokio::test]
async fn user_token_must_have_the_configured_issuer_and_audience() {
    let app = App::with([UNLIMITED, ("JWT_ISSUER", "https://site.example"), ("JWT_AUDIENCE", "chat")]).await;
    let exp = App::began() + 60;
    let ada = user("default", "ada");
    let both = json!({ "sub": "ada", "exp": exp, "iss": "https://site.example", "aud": "chat" });
    assert_eq!(with_claims(&app, both.clone()).await, ada);
    let with = |name: &str, value: Value| {
        let mut claims = both.clone();
        claims[name] = value;
        claims
    };
    assert_eq!(with_claims(&app, with("aud", json!(["chat"]))).await, ada);
    let wrong = [
        with("iss", json!("https://site.example/")),
        with("iss", json!("HTTPS://site.example")),
        with("iss", json!("")),
        with("iss", Value::Null),
        with("iss", json!(["https://site.example"])),
        with("iss", json!(["https://other.example", "https://site.example"])),
        with("aud", json!("other")),
        with("aud", json!([])),
        with("aud", json!(["other"])),
        with("aud", Value::Null),
        json!({ "sub": "ada", "exp": exp, "aud": "chat" }),
        json!({ "sub": "ada", "exp": exp, "iss": "https://site.example" }),
        json!({ "sub": "ada", "exp": exp }),
    ];
    for claims in wrong {
        assert_eq!(with_claims(&app, claims.clone()).await, refused(), "{claims}");
    }
}

#[tokio::test]
async fn user_token_with_a_header_that_must_be_understood_is_refused() {
    let app = App::with([UNLIMITED]).await;
    let claims = json!({ "sub": "ada", "exp": App::began() + 60 });
    let with = |header: Value| sign(&header, &claims, app.env.get("JWT_SECRET").unwrap(), Algorithm::HS256);
    for header in [
        json!({ "alg": "HS256", "crit": ["b64"], "b64": false }),
        json!({ "alg": "HS256", "crit": ["exp"], "exp": 1 }),
        json!({ "alg": "HS256", "crit": [] }),
        json!({ "alg": "HS256", "crit": "b64" }),
        json!({ "alg": "HS256", "b64": false }),
        json!({ "alg": "HS256", "b64": true }),
    ] {
        assert_eq!(identity(&app, &with(header.clone())).await, refused(), "{header}");
    }
    // What must be ignored if it is not understood.
    let header = json!({ "alg": "HS256", "typ": "at+jwt", "kid": "1", "cty": "json", "other": [1] });
    assert_eq!(identity(&app, &with(header)).await, user("default", "ada"));
}

#[tokio::test]
async fn user_token_of_a_visitor_is_refused() {
    let app = App::with([UNLIMITED]).await;
    let exp = App::began() + 3600;
    let (visitor, _) = app.visit().await;
    let id = read(&visitor).1["sub"].clone();
    for tenant in ["default", "acme"] {
        assert_eq!(with_claims(&app, json!({ "sub": id, "tenant": tenant, "exp": exp })).await, refused());
    }
    for name in ["vis_", "vis_1", "visitor", "thr_01M7WK0JZJBZDVEX2D73HWGR05"] {
        assert_eq!(with_claims(&app, json!({ "sub": name, "exp": exp })).await, user("default", name));
    }
}

#[tokio::test]
async fn user_token_with_the_audience_among_others_is_accepted() {
    let app = App::with([UNLIMITED, ("JWT_AUDIENCE", "chat")]).await;
    // RFC 7519, section 4.1.3: whoever finds itself in the list is meant.
    let claims = json!({ "sub": "ada", "exp": App::began() + 60, "aud": ["https://api.example", "chat"] });
    assert_eq!(with_claims(&app, claims).await, user("default", "ada"));
}

#[tokio::test]
async fn user_token_may_have_any_issuer_and_audience_when_none_is_configured() {
    let app = App::with([UNLIMITED]).await;
    for (iss, aud) in [(json!("a"), json!("b")), (Value::Null, json!(["c", "d"])), (json!(["a"]), Value::Null)] {
        let claims = json!({ "sub": "ada", "exp": App::began() + 60, "iss": iss, "aud": aud });
        assert_eq!(with_claims(&app, claims).await, user("default", "ada"));
    }
}

#[tokio::test]
async fn user_token_subject_may_be_any_text_of_1_to_256_bytes() {
    let app = App::with([UNLIMITED]).await;
    let exp = App::began() + 60;
    let longest = "#".repeat(256);
    let names = ["a", "a#b", "a%23b", "a%2523b", "..", "/", " ", "\u{0}", "日本語", "e\u{301}", "\u{1f600}", &longest];
    for name in names {
        assert_eq!(with_claims(&app, json!({ "sub": name, "exp": exp })).await, user("default", name), "{name:?}");
    }
    for name in [json!(""), json!("x".repeat(257)), json!("é".repeat(129)), json!(null), json!(5), json!(["ada"])] {
        assert_eq!(with_claims(&app, json!({ "sub": name, "exp": exp })).await, refused(), "{name}");
    }
    assert_eq!(with_claims(&app, json!({ "exp": exp })).await, refused());
    let in_tenant =
        async |tenant: Value| with_claims(&app, json!({ "sub": "ada", "exp": exp, "tenant": tenant })).await;
    assert_eq!(in_tenant(json!("acme")).await, user("acme", "ada"));
    assert_eq!(in_tenant(json!("a#b%")).await, user("a#b%", "ada"));
    assert_eq!(in_tenant(json!(null)).await, user("default", "ada"));
    for tenant in [json!(""), json!(5), json!("x".repeat(257))] {
        assert_eq!(in_tenant(tenant.clone()).await, refused(), "{tenant}");
    }
}

#[tokio::test]
async fn user_token_subject_that_imitates_a_key_reaches_no_other_data() {
    let app = App::with([UNLIMITED, ("LIMIT_USER_TOKENS_PER_HOUR", "0")]).await;
    let exp = App::began() + 3600;
    let longest = "#".repeat(256);
    let owners = [
        ("default", "a#b"),
        ("default", "a%23b"),
        ("default#a", "b"),
        ("default", "a"),
        ("default#a#b", "c"),
        (&longest, &longest),
    ];
    let tokens =
        owners.map(|(tenant, user)| user_token(&app.env, &json!({ "sub": user, "tenant": tenant, "exp": exp })));
    let mut threads = Vec::new();
    for token in &tokens {
        app.model.then(answer("Hello"));
        threads.push(thread_id(&app.send(post("/chatkit", &create("Hi")).bearer(token)).await.events()));
    }
    for (index, token) in tokens.iter().enumerate() {
        let list = json!({ "type": "threads.list", "params": {} });
        let page = app.send(post("/chatkit", &list).bearer(token)).await.json();
        let ids: Vec<_> =
            page["data"].as_array().unwrap().iter().map(|thread| thread["id"].as_str().unwrap()).collect();
        assert_eq!(ids, [&threads[index]]);
        for (other, thread) in threads.iter().enumerate() {
            let get = json!({ "type": "threads.get_by_id", "params": { "thread_id": thread } });
            let status = app.send(post("/chatkit", &get).bearer(token)).await.status;
            assert_eq!(status, if other == index { 200 } else { 404 }, "{:?} {:?}", owners[index], owners[other]);
        }
    }
}

#[tokio::test]
async fn user_token_permissions_come_from_a_list_or_a_scope() {
    let app = App::start().await;
    let exp = App::began() + 60;
    let status = async |claims: Value| {
        let mut claims = claims;
        claims["sub"] = json!("ada");
        claims["exp"] = json!(exp);
        app.send(get("/api/analytics").bearer(&user_token(&app.env, &claims))).await.status.as_u16()
    };
    for claims in [
        json!({ "permissions": ["analytics:read"] }),
        json!({ "permissions": ["other", "analytics:read"] }),
        json!({ "scope": "analytics:read" }),
        json!({ "scope": "openid  analytics:read profile" }),
        json!({ "permissions": [], "scope": "analytics:read" }),
        json!({ "permissions": null, "scope": "analytics:read" }),
    ] {
        assert_eq!(status(claims.clone()).await, 200, "{claims}");
    }
    for claims in [
        json!({}),
        json!({ "permissions": [] }),
        json!({ "permissions": ["analytics"] }),
        json!({ "permissions": ["Analytics:Read"] }),
        json!({ "permissions": ["analytics:read other"] }),
        json!({ "scope": "analytics:reader" }),
        json!({ "scope": null }),
    ] {
        assert_eq!(status(claims.clone()).await, 403, "{claims}");
    }
    for claims in [json!({ "permissions": { "analytics:read": true } }), json!({ "scope": 5 })] {
        assert_eq!(status(claims.clone()).await, 401, "{claims}");
    }
}

#[tokio::test]
async fn authorization_header_is_accepted_as_bearer_only() {
    let app = App::with([UNLIMITED]).await;
    let token = app.user_token("ada");
    let list = json!({ "type": "threads.list", "params": {} });
    let send = async |value: &str| app.send(post("/chatkit", &list).with("authorization", value)).await;
    for value in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER   {token}  ")] {
        assert_eq!(send(&value).await.status, 200, "{value}");
    }
    let malformed = "the header `Authorization` must be `Bearer <token>`";
    for value in ["", "Bearer", "Basic YWRhOnB3", &token, &format!("Bearer\t{token}"), "Bär x"] {
        assert_eq!(send(value).await.error(401, "unauthorized"), malformed, "{value}");
    }
    for value in [format!("Bearer {token} {token}"), format!("Bearer \"{token}\""), "Bearer null".to_owned()] {
        assert_eq!(send(&value).await.error(401, "unauthorized"), INVALID, "{value}");
    }
    let nobody = app.send(post("/chatkit", &list)).await;
    assert_eq!(nobody.error(401, "unauthorized"), "this route needs `Authorization: Bearer <token>`");
    assert_eq!(nobody.headers["www-authenticate"], "Bearer");
    // A token in the address would end up in logs and histories: it does not count.
    app.send(post(&format!("/chatkit?token={token}&access_token={token}"), &list)).await.error(401, "unauthorized");
}
