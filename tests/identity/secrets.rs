//! Secrets from Secrets Manager: their forms, their rotation, and what happens without them.

use chatkit_shared::env::Env;
use serde_json::json;

use super::modes::starts;
use crate::harness::app::{Answer, App};
use crate::harness::log::Log;
use crate::harness::requests::{Carrying, get, post};
use crate::harness::responses::{answer, upstream_error};
use crate::harness::secrets_manager::SecretsManager;
use crate::harness::sessions::{START, secret};
use crate::harness::tokens::{read, user_token};

const OLD: &str = "the old secret of more than thirty-two bytes";
const NEW: &str = "the new secret of more than thirty-two bytes";

/// The test's environment with the signing secret in Secrets Manager.
fn env(app: &App, manager: &SecretsManager) -> Env {
    let mut env = app.env.clone();
    env.set("SESSION_SIGNING_SECRET", "");
    env.set("SESSION_SIGNING_SECRET_ARN", "arn:signing");
    env.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.url.as_str());
    env
}

#[tokio::test]
async fn rotated_signing_secret_still_verifies_earlier_tokens() {
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    let env = env(&app, &manager);
    manager.put("arn:signing", "AWSCURRENT", OLD);
    let before = App { router: App::router(&env, &app.clock, 2), env: env.clone(), ..app };
    let ((first, cookie), user) = (before.visit().await, before.session("ada").await);

    manager.put("arn:signing", "AWSCURRENT", NEW);
    manager.put("arn:signing", "AWSPREVIOUS", OLD);
    let after = App { router: App::router(&env, &before.clock, 3), ..before };
    let list = json!({ "type": "threads.list", "params": {} });
    for token in [&first, &user] {
        assert_eq!(after.send(post("/chatkit", &list).bearer(token)).await.status, 200);
    }
    let next = secret(&after.refresh(&user, Some("ada")).await);
    assert_ne!(read(&next).0["kid"], read(&user).0["kid"]);
    let request = post(START, &json!({})).with("cookie", &cookie);
    let reloaded = secret(&after.send(request).await);
    assert_eq!(read(&reloaded).1["sub"], read(&first).1["sub"]);

    // Two rotations later the old one is over.
    manager.put("arn:signing", "AWSCURRENT", "the newest secret of more than thirty-two bytes");
    manager.put("arn:signing", "AWSPREVIOUS", NEW);
    let later = App { router: App::router(&env, &after.clock, 4), ..after };
    let answer: Answer = later.send(post("/chatkit", &list).bearer(&user)).await;
    assert_eq!(answer.error(401, "unauthorized"), "the session token is not valid");
    assert_eq!(later.send(post("/chatkit", &list).bearer(&next)).await.status, 200);
}

#[tokio::test]
async fn invalid_previous_secret_does_not_stop_the_start() {
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    manager.put("arn:signing", "AWSCURRENT", NEW);
    manager.put("arn:signing", "AWSPREVIOUS", "too short");
    assert_eq!(starts(&env(&app, &manager)).await, [const { None }; 4]);
}

#[tokio::test]
async fn secret_in_each_form_of_the_console_is_read() {
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    let env = env(&app, &manager);
    let mut ids = Vec::new();
    for text in [OLD, &format!(" {OLD}\n"), &json!({ "anything": OLD }).to_string()] {
        manager.put("arn:signing", "AWSCURRENT", text);
        let router = App::router(&env, &app.clock, 2);
        let request = post(START, &json!({}));
        let answer = Answer::of(tower::ServiceExt::oneshot(router, request).await.unwrap()).await;
        ids.push(read(&secret(&answer)).0["kid"].clone());
    }
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[tokio::test]
async fn model_key_from_secrets_manager_is_sent_to_the_model_only() {
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    let mut env = env(&app, &manager);
    manager.put("arn:signing", "AWSCURRENT", NEW);
    manager.put("arn:openai", "AWSCURRENT", "{\"api_key\":\"sk-managed\"}");
    env.set("OPENAI_SECRET_ARN", "arn:openai");
    let app = App { router: App::router(&env, &app.clock, 2), ..app };
    app.model.then(answer("Hello"));
    app.create("ada", "Hi").await;
    let keys: Vec<_> = app.model.requests().iter().map(|request| request.headers["authorization"].clone()).collect();
    assert!(!keys.is_empty() && keys.iter().all(|key| key == "Bearer sk-managed"), "{keys:?}");
}

/// The functions with the signing secret and the model's key in Secrets Manager.
async fn managed(manager: &SecretsManager) -> App {
    let app = App::start().await;
    let mut env = env(&app, manager);
    env.set("OPENAI_SECRET_ARN", "arn:openai");
    App { router: App::router(&env, &app.clock, 2), env, ..app }
}

/// What was asked side by side comes in any order.
fn sorted(mut asked: Vec<String>) -> Vec<String> {
    asked.sort_unstable();
    asked
}

#[derive(Clone, Copy)]
enum Secret {
    NotThere,
    WithoutValue,
    Is(&'static str),
}

const SIGNING: &str = "the secret that `SESSION_SIGNING_SECRET_ARN` names cannot be used";

#[tokio::test]
async fn functions_without_a_secret_start_and_work_once_it_exists() {
    let (log, manager) = (Log::start(), SecretsManager::start().await);
    let app = managed(&manager).await;
    assert_eq!(starts(&app.env).await, [const { None }; 4]);
    let problems = [
        (Secret::NotThere, "it does not exist in this region: correct the variable, or create the secret"),
        (Secret::WithoutValue, "it is empty: put its value into Secrets Manager"),
        (Secret::Is(""), "it is empty: put its value into Secrets Manager"),
        (Secret::Is("{\"key\":\"  \"}"), "it is empty: put its value into Secrets Manager"),
        (Secret::Is("canary"), "it must have at least 32 bytes"),
    ];
    let mut pause = 1;
    for (secret, problem) in problems {
        match secret {
            Secret::NotThere => {}
            Secret::WithoutValue => manager.create("arn:signing"),
            Secret::Is(text) => manager.put("arn:signing", "AWSCURRENT", text),
        }
        manager.asked();
        for _ in 0..3 {
            app.send(post(START, &json!({}))).await.error(503, "unavailable");
        }
        assert_eq!(manager.asked(), ["GetSecretValue AWSCURRENT"], "it is not read with every request");
        let cause = &log.requests().pop().unwrap()["cause"];
        let expected = format!("the service cannot answer right now, please try again: {SIGNING}: {problem}");
        assert_eq!(*cause, expected);
        app.clock.advance(pause * 1_000);
        pause *= 2;
    }
    assert!(!log.text().contains("canary"));
    manager.put("arn:signing", "AWSCURRENT", NEW);
    app.visit().await;
    // What went wrong is told once for each read, not for each request.
    let told = log.text().lines().filter(|line| line.contains("a secret cannot be used")).count();
    assert_eq!(told, problems.len());
    // Without any other function's secret, what needs none goes on.
    assert_eq!(app.send(get("/health")).await.status, 200);
}

#[tokio::test]
async fn turn_without_the_model_key_is_refused_before_any_write() {
    let (log, manager) = (Log::start(), SecretsManager::start().await);
    manager.put("arn:signing", "AWSCURRENT", NEW);
    // As the template makes it.
    manager.create("arn:openai");
    let app = managed(&manager).await;
    let create = crate::harness::app::create("Hi");
    let message = app.chatkit("ada", &create).await.error(503, "unavailable");
    assert_eq!(message, "The assistant is out of order. Please tell the owner of this site.");
    let cause = &log.requests().pop().unwrap()["cause"];
    assert!(cause.as_str().unwrap().ends_with(
        "the model's key cannot be read: the secret that `OPENAI_SECRET_ARN` names cannot be used: it is empty: put \
         its value into Secrets Manager"
    ), "{cause}");
    assert!(app.dynamo.records("threads").is_empty() && app.dynamo.records("counters").is_empty());
    assert_eq!(app.chatkit("ada", &json!({ "type": "threads.list", "params": {} })).await.status, 200);

    manager.put("arn:openai", "AWSCURRENT", "sk-mended");
    app.clock.advance(1_000);
    app.model.then(answer("Hello"));
    app.create("ada", "Hi").await;
    assert_eq!(app.model.requests()[0].headers["authorization"], "Bearer sk-mended");
}

#[tokio::test]
async fn rotated_model_key_is_read_again_when_the_model_rejects_the_old_one() {
    let manager = SecretsManager::start().await;
    manager.put("arn:signing", "AWSCURRENT", NEW);
    manager.put("arn:openai", "AWSCURRENT", "sk-old");
    let app = managed(&manager).await;
    let rejected = || upstream_error(401, "invalid_request_error", "invalid_api_key");
    app.model.then(answer("Hello"));
    let thread = crate::harness::app::thread_id(&app.create("ada", "Hi").await);
    manager.rotate("arn:openai", "sk-new");
    manager.asked();
    app.model.then(rejected());
    app.model.then(answer("Hello again"));
    let events = app.add("ada", &thread, "Still there?").await;
    assert!(events.iter().any(|event| event.to_string().contains("Hello again")), "{events:?}");
    let keys: Vec<_> =
        app.model.requests().iter().rev().take(2).map(|it| it.headers["authorization"].clone()).collect();
    assert_eq!(keys, ["Bearer sk-new", "Bearer sk-old"]);
    // Both secrets in one round trip, and beside it what the other one was before: it may be what somebody needs.
    let read = ["BatchGetSecretValue", "GetSecretValue AWSPREVIOUS"];
    assert_eq!(sorted(manager.asked()), read);

    // A key that stays wrong is read once a minute.
    for _ in 0..2 {
        app.model.then(rejected());
        let events = app.add("ada", &thread, "And now?").await;
        assert_eq!(events.last().unwrap()["type"], "error", "{events:?}");
    }
    assert_eq!(manager.asked(), [""; 0]);
    app.clock.advance(60_000);
    app.model.then(rejected());
    app.add("ada", &thread, "And now?").await;
    assert_eq!(sorted(manager.asked()), read);
}

#[tokio::test]
async fn rotation_of_the_signing_secret_keeps_every_session_valid() {
    let manager = SecretsManager::start().await;
    manager.put("arn:signing", "AWSCURRENT", OLD);
    let (start, chat) = (managed(&manager).await, managed(&manager).await);
    let list = json!({ "type": "threads.list", "params": {} });
    let (before, _) = start.visit().await;
    assert_eq!(chat.send(post("/chatkit", &list).bearer(&before)).await.status, 200);

    manager.rotate("arn:signing", NEW);
    manager.asked();
    let rotated = managed(&manager).await;
    let (after, _) = rotated.visit().await;
    assert_eq!(manager.asked(), ["GetSecretValue AWSCURRENT"], "what it was before is not needed yet");
    // One that has the old secret and meets the new one, and one that has the new one and meets the old one.
    for (app, token) in [(&chat, &after), (&rotated, &before)] {
        assert_eq!(app.send(post("/chatkit", &list).bearer(token)).await.status, 200);
    }
    assert_eq!(chat.send(post("/chatkit", &list).bearer(&before)).await.status, 200, "the old one is still known");

    // Tokens that name keys nobody has are no way to make a function read all the time.
    manager.asked();
    let forged = crate::harness::tokens::sign(
        &json!({ "alg": "HS256", "typ": "chatkit-session+jwt", "kid": "0123456789abcdef" }),
        &read(&after).1,
        "a third secret of more than thirty-two bytes",
        jsonwebtoken::Algorithm::HS256,
    );
    for _ in 0..5 {
        chat.send(post("/chatkit", &list).bearer(&forged)).await.error(401, "unauthorized");
    }
    assert_eq!(manager.asked(), [""; 0]);
    chat.clock.advance(60_000);
    chat.send(post("/chatkit", &list).bearer(&forged)).await.error(401, "unauthorized");
    assert_eq!(sorted(manager.asked()), ["BatchGetSecretValue", "GetSecretValue AWSPREVIOUS"]);
}

#[tokio::test]
async fn secrets_are_read_again_every_five_minutes_and_kept_on_failure() {
    let manager = SecretsManager::start().await;
    manager.put("arn:signing", "AWSCURRENT", OLD);
    let app = managed(&manager).await;
    app.visit().await;
    manager.asked();
    app.clock.advance(299_999);
    app.visit().await;
    assert_eq!(manager.asked(), [""; 0]);
    manager.away(true);
    app.clock.advance(1);
    app.visit().await;
    assert!(!manager.asked().is_empty());
    manager.away(false);
    manager.rotate("arn:signing", NEW);
    app.clock.advance(300_000);
    let (token, _) = app.visit().await;
    assert_ne!(read(&token).0["kid"], "");
    assert_eq!(manager.asked(), ["GetSecretValue AWSCURRENT"]);
}

#[tokio::test]
async fn secrets_are_read_one_by_one_where_batches_are_denied() {
    let (log, manager) = (Log::start(), SecretsManager::start().await);
    manager.put("arn:signing", "AWSCURRENT", NEW);
    manager.put("arn:openai", "AWSCURRENT", "sk-managed");
    let app = managed(&manager).await;
    manager.deny(["BatchGetSecretValue"]);
    app.model.then(answer("Hello"));
    app.create("ada", "Hi").await;
    assert_eq!(manager.asked(), ["BatchGetSecretValue", "GetSecretValue AWSCURRENT", "GetSecretValue AWSCURRENT"]);
    // Where nothing may be read, the operator is told which right is missing.
    manager.deny(["BatchGetSecretValue", "GetSecretValue"]);
    let denied = managed(&manager).await;
    denied.send(post(START, &json!({}))).await.error(503, "unavailable");
    let cause = log.requests().pop().unwrap()["cause"].to_string();
    assert!(cause.contains("allow `secretsmanager:GetSecretValue` on it"), "{cause}");
    manager.away(true);
    denied.clock.advance(1_000);
    denied.send(post(START, &json!({}))).await.error(503, "unavailable");
    assert!(!log.text().contains("canary"));
}

#[tokio::test]
async fn jwt_secret_from_secrets_manager_may_be_rotated() {
    let (app, manager) = (App::with([("AUTH_MODE", "jwt")]).await, SecretsManager::start().await);
    let mut env = app.env.clone();
    env.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.url.as_str());
    env.set("JWT_SECRET", "");
    env.set("JWT_SECRET_ARN", "arn:jwt");
    manager.put("arn:jwt", "AWSCURRENT", OLD);
    let router = App::router(&env, &app.clock, 2);
    let app = App { router, env, ..app };
    let token = |secret: &str| {
        let site = Env::from_iter([("JWT_SECRET", secret)]);
        user_token(&site, &json!({ "sub": "ada", "exp": App::began() + 31_536_000 }))
    };
    let status = async |token: &str| app.send(post(START, &json!({})).bearer(token)).await.status;
    assert_eq!(status(&token(OLD)).await, 200);
    manager.rotate("arn:jwt", NEW);
    for secret in [NEW, OLD] {
        assert_eq!(status(&token(secret)).await, 200, "{secret}");
    }
    assert_eq!(status(&token("a third secret of more than thirty-two bytes")).await, 401);
    // What is signed with the right secret, and wrong otherwise, is no reason to read it again.
    app.clock.advance(60_000);
    manager.asked();
    let nobody = user_token(&Env::from_iter([("JWT_SECRET", NEW)]), &json!({ "exp": App::began() + 31_536_000 }));
    assert_eq!(status(&nobody).await, 401);
    assert_eq!(manager.asked(), [""; 0]);
}

#[tokio::test]
async fn log_without_the_signing_secret_names_no_user() {
    let (app, manager) = (App::start().await, SecretsManager::start().await);
    let log = Log::start();
    let app = App { router: App::router(&env(&app, &manager), &app.clock, 2), ..app };
    let start = || async { app.send(post(START, &json!({})).bearer(&app.user_token("ada"))).await.status };
    assert_eq!(start().await, 503);
    manager.put("arn:signing", "AWSCURRENT", OLD);
    app.clock.advance(60_000);
    assert_eq!(start().await, 200);
    manager.rotate("arn:signing", NEW);
    app.clock.advance(300_000);
    assert_eq!(start().await, 200);
    let lines = log.requests();
    for field in ["ip", "user", "tenant"] {
        let [none, old, new] = [0, 1, 2].map(|line| lines[line].get(field).and_then(|name| name.as_str()));
        assert_eq!(none, None, "not even a hash that anybody could make");
        assert!(old.is_some() && new.is_some() && old != new, "{field}: {lines:?}");
    }
}
