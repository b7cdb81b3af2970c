//! `AUTH_MODE` and what it needs.

use chatkit_shared::clock::Clock;
use chatkit_shared::env::Env;
use chatkit_shared::identity::VisitorCookie;
use chatkit_shared::ids::Ids;
use chatkit_shared::setup::Setup;
use jiff::Timestamp;
use serde_json::json;

use crate::harness::app::App;
use crate::harness::requests::{Carrying, get, post};
use crate::harness::sessions::{REFRESH, START};

/// What each of the four functions says to an environment: none, or why it does not start.
pub(crate) async fn starts(env: &Env) -> [Option<String>; 4] {
    let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
    let ids = Ids::seeded(clock.clone(), 1);
    let setup = Setup { env: env.clone(), clock, ids, cookie: VisitorCookie::CrossSite, dynamodb: None };
    let text = |error: chatkit_shared::setup::SetupError| error.to_string();
    [
        chatkit_start::App::from_setup(&setup).err().map(text),
        chatkit_refresh::App::from_setup(&setup).err().map(text),
        chatkit_chat::App::from_setup(&setup).err().map(text),
        chatkit_analytics::App::from_setup(&setup).err().map(text),
    ]
}

/// What all four functions say with these variables.
pub(crate) async fn fault(variables: &[(&str, &str)]) -> Option<String> {
    let mut env = Env::from_iter([
        ("AWS_REGION", "eu-central-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("TABLE_THREADS", "threads"),
        ("TABLE_COUNTERS", "counters"),
        ("TABLE_USAGE", "usage"),
        ("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes"),
    ]);
    for (name, value) in variables {
        env.set(name, *value);
    }
    let [first, rest @ ..] = starts(&env).await;
    assert!(rest.iter().all(|other| *other == first), "{first:?} {rest:?}");
    first
}

const SECRET: (&str, &str) = ("JWT_SECRET", "another secret of more than thirty-two bytes");

#[tokio::test]
async fn auth_mode_accepts_jwt_anonymous_and_login_only() {
    for mode in ["", "jwt", "anonymous", "jwt,anonymous", " anonymous , jwt ,", "jwt,jwt"] {
        assert_eq!(fault(&[("AUTH_MODE", mode), SECRET]).await, None, "{mode}");
    }
    assert_eq!(fault(&[("AUTH_MODE", "anonymous")]).await, None, "visitors need no secret of the site's");
    assert_eq!(fault(&[("AUTH_MODE", "login")]).await, None, "nor do people who sign in here");
    for mode in ["none", "JWT", "jwt;anonymous", "jwt,canary", "*"] {
        let message = fault(&[("AUTH_MODE", mode), SECRET]).await;
        let expected = "`AUTH_MODE` must be a list of `jwt`, `session`, `anonymous` and `login`";
        assert_eq!(message.as_deref(), Some(expected), "{mode}");
    }
}

#[tokio::test]
async fn auth_mode_development_stops_the_start_of_functions() {
    for mode in ["development", "jwt,development", "development,anonymous"] {
        let message = fault(&[("AUTH_MODE", mode), SECRET]).await;
        let expected = "`AUTH_MODE` cannot be `development` here: every client could name itself as any user";
        assert_eq!(message.as_deref(), Some(expected), "{mode}");
    }
}

#[tokio::test]
async fn jwt_secret_shorter_than_32_bytes_stops_the_start() {
    let missing = "`JWT_SECRET` or `JWT_SECRET_ARN` must be set to the secret that user tokens are signed with \
                   (HS256), or `JWKS_URL` to where the keys are published that they are signed with";
    assert_eq!(fault(&[]).await.as_deref(), Some(missing), "the default mode is `jwt`");
    assert_eq!(fault(&[("JWT_SECRET", "   ")]).await.as_deref(), Some(missing));
    let (canary, short) = ("c".repeat(31), "`JWT_SECRET` must have at least 32 bytes");
    assert_eq!(fault(&[("JWT_SECRET", &canary)]).await.as_deref(), Some(short));
    assert_eq!(fault(&[("JWT_SECRET", &"c".repeat(32))]).await, None);
    let short = "`SESSION_SIGNING_SECRET` must have at least 32 bytes";
    assert_eq!(fault(&[SECRET, ("SESSION_SIGNING_SECRET", &canary)]).await.as_deref(), Some(short));
    let missing = "`SESSION_SIGNING_SECRET` or `SESSION_SIGNING_SECRET_ARN` must be set to the secret that session \
                   tokens are signed with";
    assert_eq!(fault(&[SECRET, ("SESSION_SIGNING_SECRET", "")]).await.as_deref(), Some(missing));
}

#[tokio::test]
async fn functions_ignore_the_user_header_of_development() {
    let app = App::with([("AUTH_MODE", "jwt")]).await;
    let list = json!({ "type": "threads.list", "params": {} });
    let chat = json!({ "message": "Hi" });
    let secret = json!({ "currentClientSecret": app.session("ada").await });
    for name in ["x-user-id", "X-User-Id", "x-tenant-id", "x-forwarded-user", "x-amzn-oidc-identity"] {
        for request in [
            post(START, &json!({})),
            post("/api/chatkit/session", &json!({})),
            post(REFRESH, &secret),
            post("/chatkit", &list),
            post("/api/chat", &chat),
            get("/api/analytics"),
            get("/api/usage/me"),
        ] {
            let path = request.uri().path().to_owned();
            let answer = app.send(request.with(name, "ada")).await;
            assert_eq!(answer.status, 401, "{name} {path}");
        }
    }
    // Beside a token it changes nothing.
    let token = app.user_token("grace");
    let answer = app.send(post(START, &json!({})).bearer(&token).with("x-user-id", "ada")).await;
    let (_, claims) = crate::harness::tokens::read(answer.json()["client_secret"].as_str().unwrap());
    assert_eq!(claims["sub"], "grace");
}

#[tokio::test]
async fn user_token_without_jwt_mode_is_refused() {
    let app = App::with([("AUTH_MODE", "anonymous")]).await;
    let token = app.user_token("ada");
    for request in [
        post(START, &json!({})),
        post("/chatkit", &json!({ "type": "threads.list", "params": {} })),
        get("/api/analytics"),
    ] {
        let answer = app.send(request.bearer(&token)).await;
        assert_eq!(answer.error(401, "unauthorized"), "the user token is not valid");
    }
    app.visit().await;
}
