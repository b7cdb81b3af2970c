//! Sessions of OpenAI's hosted ChatKit.

use chatkit_shared::hash::sha256_hex;
use serde_json::{Value, json};

use crate::harness::app::App;
use crate::harness::hosted::{ScriptedSessions, session};
use crate::harness::requests::{Carrying, post};
use crate::harness::responses::upstream_error;
use crate::harness::secrets_manager::SecretsManager;
use crate::harness::sessions::{START, cookie, secret};
use crate::harness::tokens::user_token;

const DAY: i64 = 24 * 3_600;

async fn hosted(api: &ScriptedSessions) -> App {
    hosted_with(api, "30").await
}

async fn hosted_with(api: &ScriptedSessions, visitor_days: &str) -> App {
    App::with([
        ("SESSION_VISITOR_DAYS", visitor_days),
        ("CHATKIT_MODE", "hosted"),
        ("CHATKIT_WORKFLOW_ID", "wf_1"),
        ("OPENAI_API_KEY", "sk-hosted"),
        ("OPENAI_BASE_URL", &api.base_url()),
    ])
    .await
}

/// The user of the one request since the last call.
fn user(api: &ScriptedSessions) -> Value {
    let [request] = <[_; 1]>::try_from(api.requests()).expect("one request");
    serde_json::from_slice::<Value>(&request.body).unwrap()["user"].clone()
}

#[tokio::test]
async fn hosted_function_connects_while_it_starts() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    chatkit_start::App::from_setup(&App::setup(&app.env, &app.clock, 2)).unwrap().open().await;
    let asked: Vec<_> = api.requests().into_iter().map(|request| request.line).collect();
    assert_eq!(asked, ["HEAD /v1/chatkit/sessions"]);
    assert_eq!(app.dynamo.reset().units(), (0.5, 0.0));
}

#[tokio::test]
async fn hosted_start_with_a_rotated_key_reads_the_new_one() {
    let (api, manager) = (ScriptedSessions::start().await, SecretsManager::start().await);
    let app = hosted(&api).await;
    let mut env = app.env.clone();
    env.set("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.url.as_str());
    env.set("OPENAI_API_KEY", "");
    env.set("OPENAI_SECRET_ARN", "arn:openai");
    manager.put("arn:openai", "AWSCURRENT", "sk-old");
    let app = App { router: App::router(&env, &app.clock, 2), ..app };
    api.then(session("ek_1", App::began() + 300));
    secret(&app.send(post(START, &json!({}))).await);
    manager.rotate("arn:openai", "sk-new");
    api.then(upstream_error(401, "invalid_request_error", "invalid_api_key"));
    api.then(session("ek_2", App::began() + 300));
    assert_eq!(secret(&app.send(post(START, &json!({}))).await), "ek_2");
    let keys: Vec<_> = api.requests().iter().map(|request| request.headers["authorization"].clone()).collect();
    assert_eq!(keys, ["Bearer sk-old", "Bearer sk-old", "Bearer sk-new"]);
}

#[tokio::test]
async fn hosted_start_opens_a_session_at_openai() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    api.then(session("ek_1", App::began() + 300));
    let answer = app.send(post(START, &json!({})).bearer(&app.user_token("ada"))).await;
    let body = json!({ "client_secret": "ek_1", "expires_at": App::began() + 300, "expires_in": 300 });
    assert_eq!((answer.status.as_u16(), answer.json()), (200, body));

    let [request] = <[_; 1]>::try_from(api.requests()).expect("one request");
    assert_eq!(request.line, "POST /v1/chatkit/sessions");
    let expected = json!({ "user": "ada", "workflow": { "id": "wf_1" } });
    assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), expected);
    let mut headers: Vec<_> =
        request.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    headers.retain(|(name, _)| !["host", "content-length", "accept", "user-agent"].contains(name));
    headers.sort_unstable();
    let expected = [
        ("authorization", "Bearer sk-hosted"),
        ("content-type", "application/json"),
        ("openai-beta", "chatkit_beta=v1"),
    ];
    assert_eq!(headers, expected);
}

#[tokio::test]
async fn hosted_start_sends_the_tenant_with_the_user() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    api.then(session("ek_1", App::began() + 300));
    let token = user_token(&app.env, &json!({ "sub": "ada", "tenant": "acme", "exp": App::began() + 60 }));
    secret(&app.send(post(START, &json!({})).bearer(&token)).await);
    assert_eq!(user(&api), "acme/ada");
    // A user of no tenant whose name looks like one of a tenant is somebody else.
    api.then(session("ek_2", App::began() + 300));
    let token = user_token(&app.env, &json!({ "sub": "acme/ada", "exp": App::began() + 60 }));
    secret(&app.send(post(START, &json!({})).bearer(&token)).await);
    assert_eq!(user(&api), "default/acme/ada");
    api.then(session("ek_3", App::began() + 300));
    let token = user_token(&app.env, &json!({ "sub": "c", "tenant": "a%/b", "exp": App::began() + 60 }));
    secret(&app.send(post(START, &json!({})).bearer(&token)).await);
    assert_eq!(user(&api), "a%25%2Fb/c");
}

#[tokio::test]
async fn hosted_refresh_opens_the_next_session_of_the_user() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    api.then(session("ek_1", App::began() + 300));
    let first = secret(&app.send(post(START, &json!({})).bearer(&app.user_token("ada"))).await);
    api.then(session("ek_2", App::began() + 600));
    api.requests();
    let answer = app.refresh(&first, Some("ada")).await;
    let body = json!({ "client_secret": "ek_2", "expires_at": App::began() + 600, "expires_in": 600 });
    assert_eq!((answer.status.as_u16(), answer.json()), (200, body));
    assert_eq!(user(&api), "ada");

    // Exchanged once, and again for a minute; OpenAI gives no session twice.
    app.clock.advance(60_000);
    api.then(session("ek_3", App::began() + 600));
    secret(&app.refresh(&first, Some("ada")).await);
    // The new ones are known here, and take turns as one.
    for (old, new) in [("ek_2", "ek_4"), ("ek_3", "ek_5")] {
        api.then(session(new, App::began() + 600));
        assert_eq!(secret(&app.refresh(old, Some("ada")).await), new);
    }
    app.clock.advance(1);
    api.then(session("ek_6", App::began() + 600));
    let used = "the session was refreshed before, please start a new one";
    assert_eq!(app.refresh(&first, Some("ada")).await.error(401, "unauthorized"), used);
    // That ended all of them.
    api.then(session("ek_7", App::began() + 600));
    let ended = "the session has ended, please start a new one";
    assert_eq!(app.refresh("ek_4", Some("ada")).await.error(401, "unauthorized"), ended);
}

#[tokio::test]
async fn hosted_refresh_by_another_user_is_refused() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    api.then(session("ek_1", App::began() + 300));
    secret(&app.send(post(START, &json!({})).bearer(&app.user_token("ada"))).await);
    api.requests();
    let refusals = [
        (app.refresh("ek_1", Some("grace")).await, "the session belongs to another user"),
        (app.refresh("ek_1", None).await, "this session is refreshed with the user's own token beside it"),
        (app.refresh("ek_unknown", Some("ada")).await, "the session token is not valid"),
        (app.refresh("ek_unknown", None).await, "the session token is not valid"),
        (app.refresh(&"#".repeat(100_000), None).await, "the session token is not valid"),
        // What stands in the table opens nothing.
        (app.refresh(&sha256_hex("ek_1"), Some("ada")).await, "the session token is not valid"),
    ];
    for (answer, message) in refusals {
        assert_eq!(answer.error(401, "unauthorized"), message);
    }
    assert_eq!(api.requests().len(), 0);
}

#[tokio::test]
async fn hosted_refresh_works_for_a_grace_period_after_the_end() {
    let api = ScriptedSessions::start().await;
    let app = hosted_with(&api, "31").await;
    for name in ["ek_1", "ek_2"] {
        api.then(session(name, App::began() + 300));
        secret(&app.send(post(START, &json!({})).bearer(&app.user_token("ada"))).await);
    }
    for name in ["ek_visitor_1", "ek_visitor_2"] {
        api.then(session(name, App::began() + 300));
        secret(&app.send(post(START, &json!({}))).await);
    }
    app.clock.advance((300 + 3_600) * 1000 - 1);
    api.then(session("ek_3", App::began() + 9_999));
    secret(&app.refresh("ek_1", Some("ada")).await);
    app.clock.advance(1);
    app.refresh("ek_2", Some("ada")).await.error(401, "unauthorized");
    app.clock.advance((30 * DAY - 3_600) * 1000 - 1);
    api.then(session("ek_4", App::began() + 99 * DAY));
    secret(&app.refresh("ek_visitor_1", None).await);
    app.clock.advance(1);
    app.refresh("ek_visitor_2", None).await.error(401, "unauthorized");
}

#[tokio::test]
async fn hosted_refresh_of_a_visitor_keeps_the_visitor() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    api.then(session("ek_1", App::began() + 300));
    let started = app.send(post(START, &json!({}))).await;
    let visitor = user(&api);
    assert!(visitor.as_str().unwrap().starts_with("vis_"), "{visitor}");
    api.then(session("ek_2", App::began() + 300));
    secret(&app.refresh("ek_1", None).await);
    assert_eq!(user(&api), visitor);
    api.then(session("ek_3", App::began() + 300));
    secret(&app.send(post(START, &json!({})).with("cookie", &cookie(&started))).await);
    assert_eq!(user(&api), visitor);
    // A known user's token beside it does not make it theirs.
    app.refresh("ek_2", Some("ada")).await.error(401, "unauthorized");
}

#[tokio::test]
async fn hosted_secret_is_stored_as_a_hash_only() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    api.then(session("ek_canary_1", App::began() + 300));
    secret(&app.send(post(START, &json!({})).bearer(&app.user_token("ada"))).await);
    api.then(session("ek_canary_2", App::began() + 300));
    secret(&app.refresh("ek_canary_1", Some("ada")).await);
    let mut keys = Vec::new();
    for table in ["threads", "counters", "usage"] {
        for record in app.dynamo.records(table) {
            assert!(!record.to_string().contains("ek_canary"), "{record}");
            keys.push(format!("{} {}", record["pk"]["S"].as_str().unwrap(), record["sk"]["S"].as_str().unwrap()));
        }
    }
    keys.sort_unstable();
    let key = format!("S#{}", sha256_hex("ek_canary_2"));
    let record = app.dynamo.records("counters").into_iter().find(|record| record["pk"]["S"] == key).unwrap();
    let (family, _) = record["id"]["S"].as_str().unwrap().split_once('.').unwrap();
    let mut expected = vec![
        "A#192.0.2.1 sessions".to_owned(),
        format!("S#{family} family"),
        format!("S#{} session", sha256_hex("ek_canary_1")),
        format!("S#{} session", sha256_hex("ek_canary_2")),
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    let ends = App::began() + 300;
    let expected = json!({
        "pk": { "S": key }, "sk": { "S": "session" }, "tenant": { "S": "default" }, "user": { "S": "ada" },
        "session_id": { "S": "cksess_1" }, "anonymous": { "BOOL": false },
        "session_ends_at": { "N": ends.to_string() }, "expires_at": { "N": (ends + 3_600).to_string() },
        "id": { "S": format!("{family}.1") }, "began_at": { "N": App::began().to_string() },
    });
    assert_eq!(record, expected);
}
