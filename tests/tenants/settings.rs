//! Which settings count, and from when.

use serde_json::json;

use super::{instructions, with};
use crate::harness::app::{App, add, create, thread_id};
use crate::harness::dynamodb::Fault;
use crate::harness::log::Log;
use crate::harness::requests::{Carrying, bare, post};
use crate::harness::responses::answer;

#[tokio::test]
async fn changed_instructions_count_after_a_minute_and_undone_ones_again() {
    let app = with([("INSTRUCTIONS", "Of the deployment")]).await;
    assert_eq!(app.instructions("acme").await, "Of the deployment");
    app.put_settings("acme", &instructions("One")).await;
    app.clock.advance(59_999);
    assert_eq!(app.instructions("acme").await, "Of the deployment");
    app.clock.advance(1);
    assert_eq!(app.instructions("acme").await, "One");
    app.put_settings("acme", &instructions("Two")).await;
    app.clock.advance(60_000);
    assert_eq!(app.instructions("acme").await, "Two");
    for expected in ["One", "Of the deployment", "Of the deployment"] {
        app.dynamo.settings().undo("acme").await.unwrap();
        app.clock.advance(60_000);
        assert_eq!(app.instructions("acme").await, expected);
    }
}

#[tokio::test]
async fn settings_that_are_broken_never_count() {
    let log = Log::start();
    let app = with([]).await;
    app.put_settings("acme", &instructions("Good")).await;
    assert_eq!(app.instructions("acme").await, "Good");
    for broken in [instructions("Hi {{ user.nmae }}"), json!({ "asistant": {} }), json!([]), json!("x")] {
        app.put_settings("acme", &broken).await;
        app.clock.advance(60_000);
        assert_eq!(app.instructions("acme").await, "Good", "{broken}");
        // A process that has never seen the good ones.
        let other = App { router: App::router(&app.env, &app.clock, 2), ..with([]).await };
        let request = post("/chatkit", &create("Hi")).bearer(&app.token_with(&json!({ "tenant": "acme" })));
        other.send(request).await.events();
        assert_eq!(app.last_prompt()["instructions"], "Good", "{broken}");
    }
    let errors: Vec<_> = log.lines().into_iter().filter(|line| line["level"] == "ERROR").collect();
    assert_eq!(errors[0]["message"], "these settings of a tenant do not count: they are broken");
    let why = errors[0]["error"].as_str().unwrap();
    assert!(why.starts_with("`assistant.instructions` has the unknown placeholder `user.nmae`"), "{why}");
    assert_eq!(errors[0]["version"], 2);
}

#[tokio::test]
async fn settings_that_cannot_be_read_stay_as_they_were_and_unread_ones_refuse() {
    let app = with([]).await;
    app.put_settings("default", &instructions("Good")).await;
    app.dynamo.fail("GetItem", "\"settings\"", Fault::ServerError, 3);
    let refused = app.ask(&json!({})).await;
    refused.error(503, "unavailable");
    app.clock.advance(1_000);
    assert_eq!(app.instructions("default").await, "Good");
    app.put_settings("default", &instructions("Better")).await;
    app.clock.advance(60_000);
    app.dynamo.fail("GetItem", "\"settings\"", Fault::ServerError, 3);
    assert_eq!(app.instructions("default").await, "Good");
    app.clock.advance(60_000);
    assert_eq!(app.instructions("default").await, "Better");
}

#[tokio::test]
async fn tenant_without_settings_has_those_of_the_default_tenant_and_no_other() {
    let app = with([("INSTRUCTIONS", "Of the deployment")]).await;
    app.put_settings("acme", &instructions("Of acme")).await;
    for tenant in ["default", "globex", "acm", "acme2", "ACME", "acme#", "acme%23", "#acme", "settings", "V#1"] {
        assert_eq!(app.instructions(tenant).await, "Of the deployment", "{tenant}");
    }
    app.put_settings("default", &instructions("Of default")).await;
    app.clock.advance(60_000);
    for (tenant, expected) in [("default", "Of default"), ("globex", "Of default"), ("acme", "Of acme")] {
        assert_eq!(app.instructions(tenant).await, expected, "{tenant}");
    }
    // A visitor is of the default tenant, whatever the page says.
    let (session, _) = app.visit().await;
    let mut body = create("Hi");
    body["tenant"] = json!("acme");
    body["params"]["metadata"] = json!({ "tenant": "acme" });
    app.send(post("/chatkit", &body).bearer(&session)).await.events();
    assert_eq!(app.last_prompt()["instructions"], "Of default");
}

#[tokio::test]
async fn more_tenants_than_are_remembered_have_their_own_settings() {
    let app = with([]).await;
    for number in 0..130 {
        app.put_settings(&format!("t{number}"), &instructions(&format!("Of {number}"))).await;
    }
    for number in (0..130).chain(0..3) {
        assert_eq!(app.instructions(&format!("t{number}")).await, format!("Of {number}"));
    }
}

#[tokio::test]
async fn changed_file_of_the_deployments_assistant_counts_from_the_next_turn() {
    let log = Log::start();
    let file = tempfile::NamedTempFile::new().unwrap();
    let write = |text: &str| std::fs::write(file.path(), text).unwrap();
    write(r#"{"instructions": "One"}"#);
    let app = with([("ASSISTANT", file.path().to_str().unwrap())]).await;
    assert_eq!(app.instructions("default").await, "One");
    write(r#"{"instructions": "Second"}"#);
    assert_eq!(app.instructions("default").await, "Second");
    for broken in ["", "{", r#"{"instructions": 3}"#, r#"{"actions": {"url": "https://a.example"}}"#] {
        write(broken);
        assert_eq!(app.instructions("default").await, "Second", "{broken}");
    }
    write(r#"{"instructions": "The third"}"#);
    assert_eq!(app.instructions("acme").await, "The third");
    let errors = log.lines().into_iter().filter(|line| line["level"] == "ERROR");
    let messages: Vec<_> = errors.map(|line| line["message"].as_str().unwrap().to_owned()).collect();
    assert_eq!(messages, vec!["the changed assistant does not count; the last one stays"; 4]);
}

/// Within the minute settings cost nothing; the first turn after it waits for one read of half a unit.
#[tokio::test]
async fn settings_cost_a_read_in_a_minute() {
    let app = with([]).await;
    app.put_settings("default", &instructions("Be short.")).await;
    app.model.by(|_| answer("Hello"));
    let thread = thread_id(&app.create("ada", "Hi").await);
    app.add("ada", &thread, "First").await;
    app.dynamo.lockstep(true);
    app.dynamo.reset();
    assert_eq!(app.chatkit("ada", &add(&thread, "Warm")).await.status, 200);
    let warm = app.dynamo.reset();
    assert!(!warm.calls.iter().any(|call| call.body["TableName"] == "settings"));
    app.clock.advance(60_000);
    assert_eq!(app.chatkit("ada", &add(&thread, "Cold")).await.status, 200);
    let cold = app.dynamo.reset();
    let (reads, writes) = warm.units();
    assert_eq!((cold.units(), cold.round_trips()), ((reads + 0.5, writes), warm.round_trips() + 1));

    let plain = App::start().await;
    plain.model.by(|_| answer("Hello"));
    let thread = thread_id(&plain.create("ada", "Hi").await);
    plain.add("ada", &thread, "First").await;
    plain.dynamo.lockstep(true);
    plain.dynamo.reset();
    assert_eq!(plain.chatkit("ada", &add(&thread, "Warm")).await.status, 200);
    let without = plain.dynamo.reset();
    assert_eq!((warm.units(), warm.round_trips()), (without.units(), without.round_trips()));
}

#[tokio::test]
async fn pages_of_other_origins_than_the_tenants_are_refused() {
    const ACME: &str = "https://acme.example";
    let origins = ("ALLOWED_ORIGINS", "https://acme.example,https://globex.example");
    let app = with([origins]).await;
    app.put_settings("acme", &json!({ "allowed_origins": [ACME] })).await;
    let of = |tenant: &str| app.token_with(&json!({ "tenant": tenant }));
    let from = |origin: &str, tenant: &str| {
        post("/chatkit", &create("Hi")).bearer(&of(tenant)).with("origin", origin).with("host", "api.example")
    };
    for (origin, tenant, status) in [
        (ACME, "acme", 200),
        ("https://globex.example", "acme", 403),
        ("https://acme.example.evil.example", "acme", 403),
        ("null", "acme", 403),
        ("https://globex.example", "globex", 200),
        ("https://api.example", "acme", 200),
    ] {
        assert_eq!(app.send(from(origin, tenant)).await.status, status, "{origin} {tenant}");
    }
    let told = app.send(from("https://globex.example", "acme")).await.error(403, "forbidden");
    assert_eq!(told, "pages of this origin may not do this: it is not in the tenant's `allowed_origins`");
    // What is no browser sends no origin.
    assert_eq!(app.ask(&json!({ "tenant": "acme" })).await.status, 200);

    // Before anybody is known, the pages of all tenants count.
    for origin in [ACME, "https://globex.example"] {
        let preflight = bare(http::Method::OPTIONS, "/chatkit", axum::body::Body::empty());
        let preflight = preflight.with("origin", origin).with("access-control-request-method", "POST");
        assert_eq!(app.send(preflight).await.headers["access-control-allow-origin"], origin);
    }
    // Each route that knows the user refuses.
    let thread = thread_id(&app.ask(&json!({ "tenant": "acme" })).await.events());
    let run = format!("/chatkit/threads/{thread}/run");
    for request in [
        bare(http::Method::GET, &run, axum::body::Body::empty()),
        bare(http::Method::DELETE, &run, axum::body::Body::empty()),
        post("/chatkit", &json!({ "type": "threads.list", "params": {} })),
        post("/api/chat", &json!({ "message": "Hi" })),
        post("/api/chat", &json!({ "messages": [{ "role": "user", "content": "Hi" }] })),
    ] {
        let shown = format!("{} {}", request.method(), request.uri());
        let answer = app.send(request.bearer(&of("acme")).with("origin", "https://globex.example")).await;
        assert_eq!(answer.status, 403, "{shown}: {}", answer.text);
    }
}
