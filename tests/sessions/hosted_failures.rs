//! OpenAI's sessions API at its worst. The client hears of none of it.

use std::time::Duration;

use chatkit_shared::clock::Clock;
use chatkit_shared::http::{Code, Error};
use chatkit_shared::identity::Owner;
use chatkit_shared::ids::Ids;
use chatkit_shared::sessions::HostedSessions;
use chatkit_shared::setup::{Clients, Setup};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::harness::app::App;
use crate::harness::hosted::{ScriptedSessions, session, session_object};
use crate::harness::model::Answer;
use crate::harness::outside::outside;
use crate::harness::requests::{Carrying, post};
use crate::harness::responses::{LEAK, upstream_error};
use crate::harness::sessions::{START, secret};

async fn hosted(api: &ScriptedSessions) -> App {
    App::with([
        ("CHATKIT_MODE", "hosted"),
        ("CHATKIT_WORKFLOW_ID", "wf_1"),
        ("OPENAI_API_KEY", "sk-hosted"),
        ("OPENAI_BASE_URL", &api.base_url()),
        ("LIMIT_ADDRESS_BURST", "0"),
    ])
    .await
}

fn body(object: &Value) -> Answer {
    Answer::with(200, "application/json", object.to_string())
}

fn without(name: &str) -> Answer {
    let mut object = session_object("ek_1", &json!(App::began() + 300));
    object.as_object_mut().unwrap().remove(name);
    body(&object)
}

/// All that is not a session.
fn failures() -> Vec<(&'static str, Answer)> {
    let with_end = |end: Value| body(&session_object("ek_1", &end));
    let good = session_object("ek_1", &json!(App::began() + 300));
    vec![
        ("401", upstream_error(401, "invalid_request_error", "invalid_api_key")),
        ("403", upstream_error(403, "invalid_request_error", "forbidden")),
        ("404", upstream_error(404, "invalid_request_error", "workflow_not_found")),
        ("429", upstream_error(429, "rate_limit_error", "rate_limit_exceeded").header("retry-after", "7")),
        ("500", upstream_error(500, "server_error", "server_error")),
        ("503 in HTML", Answer::with(503, "text/html", format!("<h1>{LEAK}</h1>"))),
        ("a redirect", Answer::with(302, "text/plain", LEAK).header("location", "/v1/elsewhere")),
        ("a redirect that keeps the body", Answer::with(307, "text/plain", LEAK).header("location", "/v1/elsewhere")),
        ("500 with a session", Answer::with(500, "application/json", good.to_string())),
        ("nothing", Answer::with(200, "application/json", "")),
        ("a text", body(&json!(LEAK))),
        ("HTML", Answer::with(200, "text/html", format!("<h1>{LEAK}</h1>"))),
        ("half of it", Answer::with(200, "application/json", "{\"id\":\"cksess_1\",\"client_secret\":\"ek_")),
        ("another object", body(&json!({ "object": "error", "message": LEAK }))),
        ("no secret", without("client_secret")),
        ("no id", without("id")),
        ("no end", without("expires_at")),
        ("an empty secret", body(&session_object("", &json!(App::began() + 300)))),
        ("an end in words", with_end(json!(LEAK))),
        ("an end that no calendar has", with_end(json!(i64::MAX))),
        ("an end right before that", with_end(json!(253_402_207_200_i64))),
        ("an end in milliseconds", with_end(json!((App::began() + 300) * 1000))),
        ("a megabyte and more", Answer::with(200, "application/json", " ".repeat((1 << 20) + 1))),
        ("a broken connection", Answer::start(200, "application/json").bytes("{\"id\":").abort()),
    ]
}

#[tokio::test]
async fn hosted_start_and_refresh_when_openai_fails_answer_upstream_error() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    let token = app.user_token("ada");
    api.then(session("ek_0", App::began() + 300));
    let current = secret(&app.send(post(START, &json!({})).bearer(&token)).await);
    api.requests();
    for (name, answer) in failures() {
        for refresh in [false, true] {
            api.then(answer.clone());
            let answer = if refresh {
                app.refresh(&current, Some("ada")).await
            } else {
                app.send(post(START, &json!({})).bearer(&token)).await
            };
            assert_eq!(answer.status, 502, "{name}: {}", answer.text);
            let message = answer.error(502, "upstream_error");
            assert_eq!(message, "the chat service could not open a session", "{name}");
            assert_eq!(api.requests().len(), 1, "{name}");
        }
    }
    // After all of it the next request is answered.
    api.then(session("ek_1", App::began() + 300));
    assert_eq!(secret(&app.refresh(&current, Some("ada")).await), "ek_1");
}

#[tokio::test]
async fn hosted_secret_stays_valid_through_a_long_failure() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    api.then(session("ek_1", App::began() + 300));
    secret(&app.send(post(START, &json!({}))).await);
    for _ in 0..3 {
        api.then(upstream_error(500, "server_error", "server_error"));
        app.refresh("ek_1", None).await.error(502, "upstream_error");
        app.clock.advance(61_000);
    }
    api.then(session("ek_2", App::began() + 600));
    assert_eq!(secret(&app.refresh("ek_1", None).await), "ek_2");
}

#[tokio::test]
async fn hosted_secret_that_was_exchanged_stays_exchanged_when_the_next_exchange_fails() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    for secret_of in ["ek_1", "ek_2"] {
        api.then(session(secret_of, App::began() + 300));
        match secret_of {
            "ek_1" => secret(&app.send(post(START, &json!({}))).await),
            _ => secret(&app.refresh("ek_1", None).await),
        };
    }
    api.then(upstream_error(500, "server_error", "server_error"));
    app.refresh("ek_1", None).await.error(502, "upstream_error");
    app.clock.advance(63_000);
    api.then(session("ek_3", App::began() + 600));
    app.refresh("ek_1", None).await.error(401, "unauthorized");
}

#[tokio::test]
async fn hosted_start_when_openai_is_unreachable_answers_upstream_error() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    drop(api);
    tokio::task::yield_now().await;
    let answer = app.send(post(START, &json!({})).bearer(&app.user_token("ada"))).await;
    answer.error(502, "upstream_error");
}

#[tokio::test]
async fn hosted_start_when_openai_is_silent_times_out() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    let Clients { secrets, http, .. } = outside(&app.env, &app.clock);
    let sessions = HostedSessions::from_env(&app.env, &secrets, http).unwrap();
    let sessions = sessions.with_timeout(Duration::from_millis(50));
    let owner = Owner::new("default", "ada").unwrap();
    for silent in [Answer::start(200, "application/json").hang(), Answer::start(200, "text/plain").bytes("{").hang()] {
        api.then(silent);
        let error = Error::from(sessions.create(&owner).await.unwrap_err());
        let seen = (error.code, error.message.as_ref());
        assert_eq!(seen, (Code::UpstreamTimeout, "the chat service took too long to answer"));
    }
}

#[tokio::test]
async fn hosted_start_when_the_store_fails_returns_no_secret() {
    let api = ScriptedSessions::start().await;
    let app = hosted(&api).await;
    api.then(session("ek_1", App::began() + 300));
    app.dynamo.fail("PutItem", "", crate::harness::dynamodb::Fault::Throttle, 10);
    let answer = app.send(post(START, &json!({})).bearer(&app.user_token("ada"))).await;
    answer.error(503, "unavailable");
    assert!(!answer.text.contains("ek_1"));
}

#[tokio::test]
async fn hosted_mode_without_its_variables_does_not_start() {
    let dynamo = crate::harness::dynamodb::Dynamo::start().await;
    let mut env = dynamo.env();
    env.set("AUTH_MODE", "anonymous");
    env.set("SESSION_SIGNING_SECRET", "a secret of more than thirty-two bytes");
    env.set("CHATKIT_MODE", "hosted");
    let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
    let fault = async |variables: &[(&str, &str)]| {
        let mut env = env.clone();
        for (name, value) in variables {
            env.set(name, *value);
        }
        let ids = Ids::seeded(clock.clone(), 1);
        let cookie = chatkit_shared::identity::VisitorCookie::CrossSite;
        let setup = Setup { env, clock: clock.clone(), ids, cookie, dynamodb: None };
        let start = chatkit_start::App::from_setup(&setup).err().map(|error| error.to_string());
        let refresh = chatkit_refresh::App::from_setup(&setup).err().map(|error| error.to_string());
        assert_eq!(start, refresh);
        start
    };
    let workflow = "`CHATKIT_WORKFLOW_ID` must be set to the workflow of `CHATKIT_MODE=hosted`, `wf_…`";
    assert_eq!(fault(&[("OPENAI_API_KEY", "sk-1")]).await.as_deref(), Some(workflow));
    let key = "`OPENAI_API_KEY` or `OPENAI_SECRET_ARN` must be set, because `CHATKIT_MODE` is `hosted`";
    assert_eq!(fault(&[("CHATKIT_WORKFLOW_ID", "wf_1")]).await.as_deref(), Some(key));
    let unsendable = fault(&[("CHATKIT_WORKFLOW_ID", "wf_1"), ("OPENAI_API_KEY", "sk-\u{1}canary")]).await.unwrap();
    assert!(unsendable.contains("`OPENAI_API_KEY`") && !unsendable.contains("canary"), "{unsendable}");
    let both = [("CHATKIT_WORKFLOW_ID", "wf_1"), ("OPENAI_API_KEY", "sk-1")];
    assert_eq!(fault(&both).await, None);
    let mode = fault(&[("CHATKIT_MODE", "Self")]).await;
    assert_eq!(mode.as_deref(), Some("`CHATKIT_MODE` must be `self` or `hosted`"));
}
